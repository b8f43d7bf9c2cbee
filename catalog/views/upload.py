"""Uploading: one request per file, answered as JSON to the page's script, or with a page to a
browser without it."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from .. import archives, intake, pictures, product_list, uploads
from ..access import SignedIn, allow, wants_json
from ..errors import Rejected, StorageFull
from ..forms.upload import UploadForm
from ..intake import Outcome
from ..models import Archive, Merchant, Role
from ..uploads import TooLarge

STATUS = {"accepted": 201, "duplicate": 200, "rejected": 422}
PROBLEMS_SHOWN = 50
ACCEPT = ["image/jpeg", "image/png", "image/webp", "image/gif"]


@allow(Role.MERCHANT)
@require_safe
def upload(request: SignedIn) -> HttpResponse:
    accept = [*ACCEPT, *(["image/heic", "image/heif"] if pictures.HEIC_READABLE else [])]
    context = {
        "accept": ",".join(accept),
        "heic_readable": pictures.HEIC_READABLE,
        "format_names": pictures.format_names(),
        "max_bytes": settings.UPLOAD_MAX_BYTES,
        "max_megabytes": settings.UPLOAD_MAX_BYTES // 1_000_000,
        "max_megapixels": settings.UPLOAD_MAX_PIXELS // 1_000_000,
        "zip_max_bytes": settings.UPLOAD_ZIP_MAX_BYTES,
        "zip_max_megabytes": settings.UPLOAD_ZIP_MAX_BYTES // 1_000_000,
        "zip_max_files": settings.UPLOAD_ZIP_MAX_FILES,
        "unfinished": archives.unfinished(_merchant(request)),
    }
    return render(request, "upload.html", context)


@csrf_exempt  # `_receive` checks it, after the cap on the size is in place
@allow(Role.MERCHANT)
@require_POST
def upload_file(request: SignedIn) -> HttpResponse:
    if uploads.is_hopeless(request, most=settings.UPLOAD_MAX_BYTES):
        return _answer(request, Outcome("rejected", str(TooLarge())), 413)
    uploads.prepare(request, most=settings.UPLOAD_MAX_BYTES)
    return _receive(request, _merchant(request))


@csrf_protect
def _receive(request: HttpRequest, merchant: Merchant) -> HttpResponse:
    form = UploadForm(request.POST)
    if not form.is_valid():
        return _answer(request, Outcome("rejected", _what_is_wrong(form)), 400)
    fields: dict[str, Any] = form.cleaned_data
    try:
        data, name = uploads.one_photo(request)
        outcome = intake.receive(data, merchant=merchant, name=name, **fields)
    except TooLarge as error:
        return _answer(request, Outcome("rejected", str(error)), 413)
    except Rejected as error:
        return _answer(request, Outcome("rejected", str(error)), 400)
    except StorageFull as error:
        return _answer(request, Outcome("full", str(error)), 507)
    return _answer(request, outcome, STATUS[outcome.status])


@csrf_exempt  # `_receive_package` checks it, after the cap on the size is in place
@allow(Role.MERCHANT)
@require_POST
def upload_package(request: SignedIn) -> HttpResponse:
    """A ZIP of photos, or a list of SKU and title per file name."""
    most = settings.UPLOAD_ZIP_MAX_BYTES
    if uploads.is_hopeless(request, most=most):
        return _answer(request, Outcome("rejected", str(TooLarge(most))), 413)
    uploads.prepare(request, most=most)
    return _receive_package(request, _merchant(request))


@csrf_protect
def _receive_package(request: HttpRequest, merchant: Merchant) -> HttpResponse:
    try:
        sent = uploads.sent_file(request)
        if not uploads.is_zip(sent):
            return _apply_list(request, sent.read(product_list.MOST_BYTES + 1), merchant)
        archive = archives.store(sent, merchant=merchant, name=sent.name or "archive.zip")
    except TooLarge:
        error = TooLarge(settings.UPLOAD_ZIP_MAX_BYTES)
        return _answer(request, Outcome("rejected", str(error)), 413)
    except Rejected as error:
        return _answer(request, Outcome("rejected", str(error)), 422)
    except archives.TooManyArchives as error:
        return _answer(request, Outcome("unsent", str(error)), 409)
    except StorageFull as error:
        return _answer(request, Outcome("full", str(error)), 507)
    if wants_json(request):
        return JsonResponse(_archive_as_json(archive) | {"status": "archive"}, status=201)
    return redirect("upload-archive", archive.pk)


def _apply_list(request: HttpRequest, data: bytes, merchant: Merchant) -> HttpResponse:
    found = product_list.read(data)
    applied = product_list.apply(found, merchant=merchant)
    if wants_json(request):
        lines = [{"file": line.file, "sku": line.sku, "title": line.title} for line in found.lines]
        return JsonResponse(
            {
                "status": "list",
                "message": applied.words,
                "problems": applied.problems[:PROBLEMS_SHOWN],
                "lines": lines,
            }
        )
    messages.success(request, applied.words)
    for problem in applied.problems[:PROBLEMS_SHOWN]:
        messages.warning(request, problem)
    return redirect("upload")


@allow(Role.MERCHANT)
@require_http_methods(["GET", "HEAD", "POST"])
def upload_archive(request: SignedIn, pk: UUID) -> HttpResponse:
    """How far a ZIP is; each POST answers its next files, or deletes it."""
    archive = get_object_or_404(Archive, pk=pk, merchant=_merchant(request))
    if request.method != "POST":
        return render(request, "archive.html", {"archive": archive})
    if "discard" in request.POST:
        archives.discard(archive)
        messages.success(request, f"{archive.name} is deleted; photos taken in from it stay.")
        return redirect("upload")
    start = request.POST.get("start", "")
    try:
        answers = archives.go_on(archive, start=int(start) if _is_number(start) else None)
    except StorageFull as error:
        return _answer(request, Outcome("full", str(error)), 507)
    except FileNotFoundError as error:
        raise Http404 from error  # deleted in this moment
    if wants_json(request):
        files = [_as_json(a.outcome) | {"number": a.number, "name": a.name} for a in answers]
        return JsonResponse(_archive_as_json(archive) | {"files": files})
    for answer in answers:
        if answer.outcome.status not in STATUS or answer.outcome.status == "rejected":
            messages.warning(request, f"{answer.name}: {answer.outcome.message}")
    return redirect("upload-archive", pk)


def _is_number(raw: str) -> bool:
    return raw.isascii() and raw.isdigit() and len(raw) < 10


def _merchant(request: SignedIn) -> Merchant:
    return cast("Merchant", request.user.merchant)


def _archive_as_json(archive: Archive) -> dict[str, object]:
    return {
        "name": archive.name,
        "entries": archive.entries,
        "position": archive.position,
        "go_on": reverse("upload-archive", args=[archive.pk]),
    }


def _what_is_wrong(form: UploadForm) -> str:
    if form.has_error("title") or form.has_error("hint"):
        return "The title or the folder's name is too long."
    if "sku" not in form.errors:
        return "The page sent a crooked upload number; reload it and send the photo again."
    if form.has_error("sku", "max_length"):
        return "The SKU is too long."
    return "The SKU holds a character that no keyboard has; type it again."


def _answer(request: HttpRequest, outcome: Outcome, status: int) -> HttpResponse:
    if wants_json(request):
        return JsonResponse(_as_json(outcome), status=status)
    page = reverse("image", args=[outcome.image_id]) if outcome.image_id else ""
    if outcome.status == "accepted":
        messages.success(request, f"{outcome.message} SKU: {outcome.sku}.")
    elif outcome.status == "duplicate":
        messages.warning(request, outcome.message)
    else:
        messages.error(request, outcome.message)
    return redirect(page or "upload")


def _as_json(outcome: Outcome) -> dict[str, object]:
    pk = outcome.image_id
    return {
        "status": outcome.status,
        "message": outcome.message,
        "image": pk,
        "sku": outcome.sku,
        "looks_like": outcome.looks_like,
        "page": reverse("image", args=[pk]) if pk else "",
        "thumbnail": reverse("image-file", args=[pk, "thumbnail"]) if pk else "",
    }
