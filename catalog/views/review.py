"""The review desk. Its script asks for JSON; without scripts the same views answer with pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

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
    KeysForm,
    LeasesForm,
    UndoForm,
    whole_numbers,
)
from ..models import Category, DecisionKind, ProductImage, UnusableReason
from ..queue_filters import ALL, Filters
from ..review_card import Card, cards, milliseconds, nearest_checked

PREFETCH = 8
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
    filters = _filters(request)
    found = desk.open_desk(request.user, first=wanted[0] if wanted else None, filters=filters)
    context = {
        "desk": found,
        "filtered": form.words if filters.any else "",
        "query": urlencode(_chosen(request)),
        "card": next(iter(cards(found.images, reader=request.user)), None),
        "leaves": Category.objects.leaves(),
        "reasons": _reasons(),
        "recent": desk.recent(request.user),
        "today": desk.decided_today(request.user),
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
        saved = _save(request, image, form.cleaned_data)
    except CatalogError as error:
        return _refuse(request, image, error)
    decision = saved.decisions[0]
    words = _saved(saved)
    if wants_json(request):
        count = len(saved.decisions)
        answer = {"decision": decision.pk, "count": count, "message": words}
        return JsonResponse(answer | _left_open(saved))
    messages.success(request, words)
    for warning in _left_open(saved).values():
        messages.warning(request, warning)
    return _back(request, image)


@allow(*STAFF)
@require_POST
def skip(request: SignedIn, pk: int) -> HttpResponseBase:
    image = get_object_or_404(ProductImage.objects.present(), pk=pk)
    queue.skip(request.user, image)
    if wants_json(request):
        return JsonResponse({})
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
        taken = desk.take_back(
            request.user,
            decision_id=values["decision"],
            of=values["of"],
            token=values["token"],
        )
    except CatalogError as error:
        return _refuse(request, None, error)
    words = _taken_back(taken)
    if wants_json(request):
        card = _as_json(request, cards([taken.image], reader=request.user)[0])
        return JsonResponse({"card": card, "count": taken.count, "message": words})
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


@allow(*STAFF)
@never_cache
@require_GET
def filters(request: SignedIn) -> HttpResponse:
    """The form that says what the desk shows: a piece for its dialog, a page without scripts."""
    form = FiltersForm(request.GET)
    context = {"form": form, "chosen": _chosen(request), "ages": FiltersForm.AGES}
    template = "review/filter_form.html" if wants_json(request) else "review/filters.html"
    return render(request, template, context)


@allow(*STAFF)
@never_cache
@require_GET
def neighbours(request: SignedIn, pk: int) -> HttpResponse:
    """For each of the two best suggestions the checked photos most like this one, as a piece of
    page that the desk asks for once the card is painted."""
    image = get_object_or_404(ProductImage.objects.present(), pk=pk)
    return render(
        request, "review/neighbours.html", {"found": nearest_checked(image, reader=request.user)}
    )


@allow(*STAFF)
@require_POST
def keys(request: SignedIn) -> HttpResponseBase:
    """Whether the desk acts on keys that write a character (WCAG 2.1.4), for this reviewer."""
    form = KeysForm(request.POST)
    form.is_valid()
    request.user.character_keys = form.cleaned_data["on"]
    request.user.save(update_fields=["character_keys"])
    if wants_json(request):
        return JsonResponse({"on": request.user.character_keys})
    return redirect("review")


def _chosen(request: HttpRequest) -> dict[str, str]:
    """What is filtered, as the address says it."""
    given = {name: request.GET.get(name, "") for name in FiltersForm.base_fields}
    return {name: value for name, value in given.items() if value}


def _filters(request: HttpRequest) -> Filters:
    form = FiltersForm(request.GET)
    return form.filters() if form.is_valid() else ALL


def _save(request: SignedIn, image: ProductImage, values: dict[str, Any]) -> lifecycle.Outcome:
    by, revision, token = request.user, values["revision"], values["token"]
    if values["kind"] == DecisionKindChoice.UNUSABLE:
        reason = UnusableReason(values["reason"])
        one = lifecycle.decide_unusable(image, reason, by=by, revision=revision, token=token)
    elif values["kind"] == DecisionKindChoice.NONE_OF_THESE:
        one = lifecycle.decide_none_of_these(image, by=by, revision=revision, token=token)
    elif values["whole_product"]:
        category, batch = values["category"], token or uuid4()
        return lifecycle.decide_product(image, category, by=by, revision=revision, batch=batch)
    else:
        category = values["category"]
        one = lifecycle.decide_category(image, category, by=by, revision=revision, token=token)
    return lifecycle.Outcome([one], {})


def _saved(saved: lifecycle.Outcome) -> str:
    first, count = saved.decisions[0], len(saved.decisions)
    if count > 1:
        return f"Saved: {count} photos of this product as “{first.category}”."
    kind = DecisionKind(first.kind)
    if first.blind and first.category:
        kind = DecisionKind.CORRECT  # a confirmation would tell what had been suggested
    return SAVED[kind].format(label=first.category)


def _left_open(saved: lifecycle.Outcome) -> dict[str, str]:
    """{"warning": a sentence} where some photos of the product could not be had."""
    count = len(saved.refused)
    if not count:
        return {}
    photos = "1 photo" if count == 1 else f"{count} photos"
    why = next(iter(saved.refused.values()))
    return {"warning": f"{photos} of this product stayed open. {why}"}


def _taken_back(taken: desk.TakenBack) -> str:
    if taken.count == 1 and not taken.refused:
        return "Your decision was taken back; here is the photo again."
    words = f"{taken.count} decisions made with one key were taken back; here is the first photo."
    if taken.refused:
        words += f" {taken.refused} stand, because somebody acted on their photos since."
    return words


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
        "product": card.image.product_id,
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
