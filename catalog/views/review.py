"""The review desk. Its script asks for JSON; without scripts the same views answer with pages."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from .. import desk, lifecycle, queue
from ..access import STAFF, SignedIn, allow, wants_json
from ..errors import CatalogError, LeaseLost, NotAllowed, StaleImage
from ..forms.review import (
    DecisionForm,
    DecisionKindChoice,
    FiltersForm,
    LeasesForm,
    UndoForm,
    whole_numbers,
)
from ..models import Category, Decision, DecisionKind, ProductImage, UnusableReason
from ..queue_filters import ALL
from ..review_card import Card, cards, milliseconds

PREFETCH = 3
ERROR_NAMES = {StaleImage: "stale", LeaseLost: "lease-lost", NotAllowed: "not-allowed"}
SAVED = {
    DecisionKind.CONFIRM: "Saved: “{label}” confirmed.",
    DecisionKind.CORRECT: "Saved as “{label}”.",
    DecisionKind.UNUSABLE: "Saved: unusable.",
    DecisionKind.NONE_OF_THESE: "Saved: no category fits.",
}


@allow(*STAFF)
@never_cache
@require_GET
def review(request: SignedIn) -> HttpResponse:
    """The desk with its first photo; it works without scripts, one form per action."""
    wanted = whole_numbers(request.GET.get("photo", ""))
    form = FiltersForm(request.GET)
    if not form.is_valid():
        messages.error(request, form.sentence)
    filters = form.filters() if form.is_valid() else ALL
    found = desk.open_desk(request.user, first=wanted[0] if wanted else None, filters=filters)
    context = {
        "desk": found,
        "filters": form,
        "card": next(iter(cards(found.images, reader=request.user)), None),
        "leaves": Category.objects.leaves(),
        "reasons": _reasons(),
        "lease_seconds": settings.REVIEW_LEASE_SECONDS,
    }
    return render(request, "review/desk.html", context)


@allow(*STAFF)
@never_cache
@require_GET
def next_cards(request: SignedIn) -> JsonResponse:
    """Lease photos and send their cards, ready to show; filtered as the form says."""
    form = FiltersForm(request.GET)
    if not form.is_valid():
        return JsonResponse({"error": "invalid", "message": form.sentence}, status=400)
    wanted = whole_numbers(request.GET.get("count", ""))
    count = min(max(wanted[0], 1), PREFETCH) if wanted else 1
    exclude = whole_numbers(request.GET.get("exclude", ""))
    filters = form.filters()
    found = desk.open_desk(request.user, count=count, exclude=exclude, filters=filters)
    answer: dict[str, Any] = {
        "cards": [_as_json(request, card) for card in cards(found.images, reader=request.user)],
        "left": found.left,
    }
    if found.empty_because and not exclude:
        answer["empty"] = render_to_string("review/empty.html", {"desk": found}, request)
    return JsonResponse(answer)


@allow(*STAFF)
@require_POST
def decide(request: SignedIn, pk: int) -> HttpResponseBase:
    """Save what a person says of a photo. 409 tells why nothing was saved, with the photo as it
    is now where it still waits for this reviewer."""
    image = get_object_or_404(ProductImage, pk=pk)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _refuse_form(request, image, form)
    try:
        decision = _save(request, image, form.cleaned_data)
    except CatalogError as error:
        return _refuse(request, image, error)
    words = _saved(decision)
    if wants_json(request):
        return JsonResponse({"decision": decision.pk, "message": words, "left": queue.left()})
    messages.success(request, words)
    return _back(request, image)


@allow(*STAFF)
@require_POST
def skip(request: SignedIn, pk: int) -> HttpResponseBase:
    image = get_object_or_404(ProductImage.objects.present(), pk=pk)
    queue.skip(request.user, image)
    if wants_json(request):
        return JsonResponse({"left": queue.left()})
    return redirect("review")


@allow(*STAFF)
@require_POST
def undo(request: SignedIn) -> HttpResponseBase:
    """Take back this reviewer's last decision, or the one named; its photo comes back."""
    form = UndoForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"error": "invalid", "message": "Reload the page."}, status=400)
    values = form.cleaned_data
    try:
        taken = desk.take_back(request.user, decision_id=values["decision"], token=values["token"])
    except CatalogError as error:
        return _refuse(request, None, error)
    words = _taken_back(taken)
    if wants_json(request):
        card = _as_json(request, cards([taken.image], reader=request.user)[0])
        return JsonResponse({"card": card, "message": words, "left": queue.left()})
    messages.success(request, words)
    return redirect(f"{resolve_url('review')}?photo={taken.image.pk}")


@allow(*STAFF)
@require_POST
def leases(request: SignedIn) -> JsonResponse:
    """Hold on to the photos a page shows or has ready, or give them back as it closes."""
    form = LeasesForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"error": "invalid", "message": "Reload the page."}, status=400)
    ids, until = form.cleaned_data["ids"], form.cleaned_data["until"]
    if form.cleaned_data["action"] == "release":
        queue.release(request.user, ids, until=until)
        return JsonResponse({"held": []})
    held = queue.renew(request.user, ids)
    last = max(map(milliseconds, held.values()), default=0)
    return JsonResponse({"held": list(held), "until": last})


@allow(*STAFF)
@never_cache
@require_GET
def categories(_request: SignedIn) -> JsonResponse:
    """Every category that may be chosen now, for the type-ahead."""
    fields = ("pk", "name", "path", "code", "guidance")
    leaves = Category.objects.leaves().values_list(*fields)
    names = ("id", "name", "path", "code", "guidance")
    return JsonResponse({"leaves": [dict(zip(names, leaf, strict=True)) for leaf in leaves]})


def _save(request: SignedIn, image: ProductImage, values: dict[str, Any]) -> Decision:
    by, revision, token = request.user, values["revision"], values["token"]
    if values["kind"] == DecisionKindChoice.UNUSABLE:
        reason = UnusableReason(values["reason"])
        return lifecycle.decide_unusable(image, reason, by=by, revision=revision, token=token)
    if values["kind"] == DecisionKindChoice.NONE_OF_THESE:
        return lifecycle.decide_none_of_these(image, by=by, revision=revision, token=token)
    category = values["category"]
    return lifecycle.decide_category(image, category, by=by, revision=revision, token=token)


def _taken_back(taken: desk.TakenBack) -> str:
    if taken.count == 1 and not taken.refused:
        return "Your decision was taken back; here is the photo again."
    words = f"{taken.count} decisions made with one key were taken back; here is the first photo."
    if taken.refused:
        words += f" {taken.refused} stand, because somebody acted on their photos since."
    return words


def _saved(decision: Decision) -> str:
    """Of a photo decided blind it does not tell what had been suggested."""
    label = decision.category
    kind = DecisionKind.CORRECT if decision.blind and label else DecisionKind(decision.kind)
    return SAVED[kind].format(label=label)


def _refuse_form(request: SignedIn, image: ProductImage, form: DecisionForm) -> HttpResponseBase:
    sentence = " ".join(str(error) for errors in form.errors.values() for error in errors)
    if wants_json(request):
        return JsonResponse({"error": "invalid", "message": sentence}, status=400)
    messages.error(request, sentence)
    return _back(request, image)


def _refuse(request: SignedIn, image: ProductImage | None, error: CatalogError) -> HttpResponseBase:
    if not wants_json(request):
        messages.error(request, str(error))
        return _back(request, image)
    answer: dict[str, Any] = {
        "error": ERROR_NAMES.get(type(error), "refused"),
        "message": str(error),
        "left": queue.left(),
    }
    if image is not None and image.pk in queue.renew(request.user, [image.pk]):
        answer["card"] = _as_json(request, cards([image], reader=request.user)[0])
    return JsonResponse(answer, status=409)


def _back(request: HttpRequest, image: ProductImage | None) -> HttpResponse:
    """To the desk if the form stood there, else to the photo's own page."""
    if image is None or request.POST.get("from") == "review":
        return redirect("review")
    return redirect("image", image.pk)


def _as_json(request: HttpRequest, card: Card) -> dict[str, Any]:
    """The card as data, and as the piece of page that shows it."""
    return {
        "id": card.image.pk,
        "revision": card.image.revision,
        "token": str(card.token),
        "until": card.held_until,
        "reason": card.reason,
        "blind": card.blind,
        "sku": card.image.product.sku,
        "suggestions": [
            {
                "number": suggestion.number,
                "category": suggestion.category.pk,
                "path": suggestion.category.path,
                "confidence": suggestion.confidence,
            }
            for suggestion in card.suggestions
        ],
        "html": render_to_string(
            "review/card.html", {"card": card, "reasons": _reasons()}, request
        ),
    }


def _reasons() -> list[tuple[int, str, str]]:
    """(number, value, words) of the reasons a photo is unusable."""
    reasons = [(value, words) for value, words in UnusableReason.choices if value]
    return [(number, value, str(words)) for number, (value, words) in enumerate(reasons, start=1)]
