"""One photo and one product: how they stand, what happened, and what may be done about it."""

from __future__ import annotations

from uuid import uuid4

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from .. import blind, gallery, history, lifecycle, reclassify, wording
from ..access import EVERYONE, SignedIn, allow
from ..errors import CatalogError
from ..forms.complaint import ComplaintForm
from ..models import Category, MachineState, ProductImage, Role, UnusableReason


@allow(*EVERYONE)
@require_safe
def image(request: SignedIn, pk: int) -> HttpResponse:
    photo = gallery.image_or_404(request.user, pk)
    width, height = gallery.display_size(photo)
    context = {
        "image": photo,
        "width": width,
        "height": height,
        "history": history.of(photo, reader=request.user),
        "may_retry": photo.machine == MachineState.FAILED,
        "may_withdraw": request.user.role != Role.REVIEWER,
    }
    if request.user.role == Role.MERCHANT and wording.may_be_wrong(photo):
        context["complaint"] = ComplaintForm()
    if blind.is_blind(photo, request.user):
        context |= {"blind": True, "history": []}
    elif request.user.is_reviewer:
        context |= {
            "answers": _answers(photo),
            "leaves": Category.objects.leaves(),
            "reasons": [c for c in UnusableReason.choices if c[0]],
            "chosen_id": photo.label_id or photo.predicted_id,
            "tokens": {kind: uuid4() for kind in ("label", "unusable", "none")},
        }
    return render(request, "image.html", context)


@allow(*EVERYONE)
@require_POST
def retry(request: SignedIn, pk: int) -> HttpResponse:
    photo = gallery.image_or_404(request.user, pk)
    try:
        lifecycle.retry(photo)
    except CatalogError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The photo is in the queue again.")
    return redirect("image", pk)


@allow(Role.MERCHANT, Role.MANAGER)
@require_POST
def withdraw(request: SignedIn, pk: int) -> HttpResponse:
    photo = gallery.image_or_404(request.user, pk)
    try:
        lifecycle.withdraw(photo, by=request.user)
    except CatalogError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{photo.original_name} was withdrawn and its files deleted.")
    return redirect("images")


@allow(*EVERYONE)
@require_safe
def product(request: SignedIn, pk: int) -> HttpResponse:
    shown = gallery.product_or_404(request.user, pk)
    photos = list(gallery.visible(request.user).filter(product=shown).order_by("id"))
    blind.cover(photos, request.user)
    page = Paginator(photos, gallery.PAGE_SIZE).get_page(request.GET.get("page"))
    on_page = list(page)
    prefetch_related_objects(on_page, *gallery.SHOWN_WITH)
    reclassify.note_asked_again(on_page)
    standing, words = wording.product_standing(shown, photos)
    context = {
        "product": shown,
        "rows": page,
        "disputed": any(photo.disputed for photo in photos),
        "covered": any(photo.is_covered for photo in photos),
        "standing": standing,
        "words": words,
    }
    return render(request, "product.html", context)


def _answers(photo: ProductImage) -> list[tuple[Category, float]]:
    """The model's top five as (category, confidence), best first."""
    top = photo.prediction.top if photo.prediction else []
    categories = Category.objects.in_bulk([pk for pk, _ in top])
    return [(categories[pk], confidence) for pk, confidence in top if pk in categories]
