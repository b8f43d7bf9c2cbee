"""Sign in (as a page, or from the form that opens over one), sign out, change the password."""

from __future__ import annotations

from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from .. import signin
from ..access import EVERYONE, SignedIn, allow, public, wants_json
from ..errors import TooManyAttempts

WRONG = "The name or the password is wrong."


@public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        if request.user.is_authenticated:
            return redirect(_next_page(request))
        return _form(request, "", 200)
    name, address = request.POST.get("username", ""), signin.address_of(request)
    try:
        signin.begin(name, address)
    except TooManyAttempts as error:
        return _form(request, str(error), 429)
    form = AuthenticationForm(request, request.POST)
    if not form.is_valid():
        return _form(request, WRONG, 400)
    signin.succeeded(name, address)
    user = form.get_user()
    auth.login(request, user)
    if wants_json(request):
        return JsonResponse({"user": user.pk})
    return redirect(_next_page(request))


@allow(*EVERYONE)
@require_POST
def sign_out(request: SignedIn) -> HttpResponse:
    auth.logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@allow(*EVERYONE)
@never_cache
@sensitive_post_parameters()
def password(request: SignedIn) -> HttpResponse:
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        auth.update_session_auth_hash(request, form.save())
        messages.success(request, "Your password was changed.")
        return redirect("home")
    status = 400 if form.errors else 200
    return render(request, "accounts/password.html", {"form": form}, status=status)


def _form(request: HttpRequest, message: str, status: int) -> HttpResponse:
    if message and wants_json(request):
        return JsonResponse({"error": "sign-in-refused", "message": message}, status=status)
    context = {
        "message": message,
        "name": request.POST.get("username", ""),
        "next": request.POST.get("next") or request.GET.get("next", ""),
    }
    return render(request, "accounts/sign_in.html", context, status=status)


def _next_page(request: HttpRequest) -> str:
    """Where the person wanted to go; only ever a page of this site."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    own = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    is_path = wanted.startswith("/")  # any other word would be taken for the name of a view
    return wanted if own and is_path else resolve_url(settings.LOGIN_REDIRECT_URL)
