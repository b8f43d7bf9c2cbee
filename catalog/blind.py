"""Which photos a reviewer sees without suggestions, and which of them a second reviewer sees too.

What people choose when they see no suggestion says how often the suggestion is what they would
choose themselves; what two choose of one photo, how far people agree at all (agreement.py)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.crypto import salted_hmac

from .models import BlindLook, Decision, DecisionKind, LabelState, MachineState, ProductImage, User

SECOND_SHARE = 1 / 3
"""Of the photos decided blind, so many are shown to a second reviewer."""


def hand_out(user: User, images: Sequence[ProductImage]) -> None:
    """Of photos just leased, note those drawn to be blind to `user`. The draw belongs to photo and
    reviewer: asking again draws nothing anew."""
    drawn = [image for image in images if _may_be_blind(image) and _drawn(image.pk, user.pk)]
    if drawn:
        looks = [BlindLook(image=image, reviewer=user) for image in drawn]
        BlindLook.objects.bulk_create(looks, ignore_conflicts=True)


def hand_out_again(user: User, firsts: Iterable[BlindLook]) -> None:
    """These photos, just leased, are seen by `user` as the second reviewer."""
    looks = [BlindLook(image_id=look.image_id, reviewer=user, first=look) for look in firsts]
    BlindLook.objects.bulk_create(looks, ignore_conflicts=True)


def to_see_again(user: User) -> QuerySet[BlindLook]:
    """Looks of others that await a second reviewer, the longest waiting first; what was decided
    anew since, or is looked at again for another reason, is left out."""
    standing = _standing().filter(
        again=True,
        image__disputed=False,
        image__complaint_at__isnull=True,
        image__withdrawn_at__isnull=True,
    )
    return standing.exclude(reviewer=user).order_by("id")


def open_looks(user: User) -> QuerySet[BlindLook]:
    """What `user` was shown blind and has not decided yet."""
    return BlindLook.objects.filter(reviewer=user, decision__isnull=True)


def looks_now(user: User) -> QuerySet[BlindLook]:
    """Open looks that hold: nobody else decided since. A photo that has something to settle, a
    dispute or a complaint, is blind to nobody."""
    undecided = Q(first__isnull=True, image__label_state=LabelState.UNLABELLED)
    first_stands = Q(Exists(_standing().filter(pk=OuterRef("first"))))
    settled = Q(image__disputed=False, image__complaint_at__isnull=True)
    return open_looks(user).filter(settled & (undecided | first_stands))


def looks_at(images: Sequence[ProductImage], reader: User) -> dict[int, BlindLook]:
    """{image id: the look} of those that are blind to `reader` now."""
    if not reader.is_reviewer:
        return {}
    looks = looks_now(reader).filter(image__in=[image.pk for image in images])
    return {look.image_id: look for look in looks}


def cover(images: Sequence[ProductImage], reader: User) -> None:
    """Let no list tell `reader` what is suggested of those that are blind to them."""
    by_id = {image.pk: image for image in images}
    for pk in looks_at(images, reader):
        by_id[pk].is_covered = True


def is_blind(image: ProductImage, reader: User) -> bool:
    return bool(looks_at([image], reader))


def decided(look: BlindLook, decision: Decision, *, disagrees: bool = False) -> None:
    """The reviewer has chosen. The caller holds the transaction and the image."""
    again = look.first_id is None and _share("again", look.image_id) < SECOND_SHARE
    BlindLook.objects.filter(pk=look.pk).update(decision=decision, again=again, disagrees=disagrees)
    BlindLook.objects.filter(seconds=look).update(again=False)


def settle(image: ProductImage) -> None:
    """Somebody decided the photo anew: what two reviewers disagreed on is settled."""
    BlindLook.objects.filter(image=image, disagrees=True).update(disagrees=False)


def reopen(undone: Decision) -> None:
    """The decision is taken back: its photo is blind to its reviewer again."""
    look = BlindLook.objects.filter(decision=undone).first()
    if look is not None:
        changed = BlindLook.objects.filter(pk=look.pk)
        changed.update(decision=None, again=False, disagrees=False)
        BlindLook.objects.filter(seconds=look).update(again=True)


def _may_be_blind(image: ProductImage) -> bool:
    return (
        image.machine == MachineState.CLASSIFIED
        and image.predicted_id is not None
        and image.label_state == LabelState.UNLABELLED
        and image.complaint_at is None
        and not image.disputed
    )


def _standing() -> QuerySet[BlindLook]:
    """Looks whose decision is still the last word on its photo."""
    later = Decision.objects.filter(
        image=OuterRef("image"), pk__gt=OuterRef("decision"), undone_by__isnull=True
    )
    decided = BlindLook.objects.filter(decision__isnull=False, decision__undone_by__isnull=True)
    return decided.filter(~Exists(later.exclude(kind=DecisionKind.UNDO)))


def _drawn(image_id: int, user_id: int) -> bool:
    return _share(user_id, image_id) < settings.REVIEW_BLIND_SHARE


def _share(*parts: object) -> float:
    """A number from 0 to 1 that always belongs to these; nobody without the secret key knows it."""
    digest = salted_hmac("blind", ":".join(map(str, parts)), algorithm="sha256").digest()
    return int.from_bytes(digest[:6]) / 2**48


SECOND_OPINION = Q(blind_look__first__isnull=False)
"""Decisions that left the label as it stood, whatever they say."""
DISAGREEMENT = Q(blind_looks__disagrees=True)
"""Images on which two reviewers disagree and nobody has settled it."""
