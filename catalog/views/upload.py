"""Uploading: one request per file, answered as JSON to the page's script, or with a page to a
browser without it."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe

from .. import intake, pictures, uploads
from ..access import SignedIn, allow, wants_json
from ..errors import Rejected, StorageFull
from ..forms.upload import UploadForm
from ..intake import Outcome
from ..models import Merchant, Role
from ..uploads import TooLarge

STATUS = {"accepted": 201, "duplicate": 200, "rejected": 422}
ACCEPT = ["image/jpeg", "image/png", "image/webp"]


@allow(Role.MERCHANT)
@require_safe
def upload(request: SignedIn) -> HttpResponse:
    accept = [*ACCEPT, *(["image/heic", "image/heif"] if pictures.HEIC_READABLE else [])]
    context = {
        "accept": ",".join(accept),
        "heic_readable": pictures.HEIC_READABLE,
        "max_bytes": settings.UPLOAD_MAX_BYTES,
        "max_megabytes": settings.UPLOAD_MAX_BYTES // 1_000_000,
        "max_megapixels": settings.UPLOAD_MAX_PIXELS // 1_000_000,
    }
    return render(request, "upload.html", context)


@csrf_exempt  # `_receive` checks it, after the cap on the size is in place
@allow(Role.MERCHANT)
@require_POST
def upload_file(request: SignedIn) -> HttpResponse:
    if uploads.is_hopeless(request):
        return _answer(request, Outcome("rejected", str(TooLarge())), 413)
    uploads.prepare(request)
    return _receive(request, cast("Merchant", request.user.merchant))


@csrf_protect
def _receive(request: HttpRequest, merchant: Merchant) -> HttpResponse:
    form = UploadForm(request.POST)
    if not form.is_valid():
        return _answer(request, Outcome("rejected", _what_is_wrong(form)), 400)
    fields: dict[str, Any] = form.cleaned_data
    try:
        data, name = uploads.one_file(request)
        outcome = intake.receive(data, merchant=merchant, name=name, **fields)
    except TooLarge as error:
        return _answer(request, Outcome("rejected", str(error)), 413)
    except Rejected as error:
        return _answer(request, Outcome("rejected", str(error)), 400)
    except StorageFull as error:
        return _answer(request, Outcome("full", str(error)), 507)
    return _answer(request, outcome, STATUS[outcome.status])


def _what_is_wrong(form: UploadForm) -> str:
    if "sku" not in form.errors:
        return "The page sent a crooked upload number; reload it and send the photo again."
    if form.has_error("sku", "max_length"):
        return "The SKU is too long."
    return "The SKU holds a character that no keyboard has; type it again."


def _answer(request: HttpRequest, outcome: Outcome, status: int) -> HttpResponse:
    page = reverse("image", args=[outcome.image_id]) if outcome.image_id else ""
    if wants_json(request):
        thumbnail = (
            reverse("image-file", args=[outcome.image_id, "thumbnail"]) if outcome.image_id else ""
        )
        answer = {
            "status": outcome.status,
            "message": outcome.message,
            "image": outcome.image_id,
            "sku": outcome.sku,
            "looks_like": outcome.looks_like,
            "page": page,
            "thumbnail": thumbnail,
        }
        return JsonResponse(answer, status=status)
    if outcome.status == "accepted":
        messages.success(request, f"{outcome.message} SKU: {outcome.sku}.")
    elif outcome.status == "duplicate":
        messages.warning(request, outcome.message)
    else:
        messages.error(request, outcome.message)
    return redirect(page or "upload")
