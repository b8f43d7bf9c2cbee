"""Withdrawal: the row stays as a tombstone, the files and embeddings go."""

from __future__ import annotations

import logging

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from .. import products
from ..errors import NotAllowed
from ..models import CategoryExample, Embedding, MachineState, ProductImage, User
from . import complaints, disputes

CHUNK = 500
logger = logging.getLogger(__name__)


@transaction.atomic
def withdraw(image: ProductImage, *, by: User) -> None:
    """The merchant takes the photo back, or a manager purges it. It leaves every list and queue
    at once and never trains again; its files and embeddings go once this commits."""
    now = timezone.now()
    products.lock_of([image.pk])
    updated = (
        ProductImage.objects.present()
        .filter(pk=image.pk)
        .update(
            withdrawn_at=now,
            withdrawn_by=by,
            disputed=False,
            changed_at=now,
            machine=MachineState.FAILED,
            failure="Withdrawn.",
            owner="",
            lease_until=None,
            reviewer=None,
            review_lease_until=None,
        )
    )
    if not updated:
        raise NotAllowed("This photo was already withdrawn.")
    CategoryExample.objects.filter(image=image).delete()
    complaints.drop(image)
    disputes.settle(image)
    transaction.on_commit(delete_withdrawn_files, robust=True)


def delete_withdrawn_files(limit: int = CHUNK) -> int:
    """Delete what withdrawn images left on disk; returns of how many images. The sweep calls this
    too, so a crash between the commit and the deletion leaves nothing behind."""
    rows = ProductImage.objects.filter(~Q(file=""), withdrawn_at__isnull=False).order_by("id")
    images = rows.only("pk", "file", "display", "thumbnail")[:limit]
    ids = [image.pk for image in images if _delete_files(image)]
    with transaction.atomic():
        products.lock_of(ids)
        Embedding.objects.filter(image_id__in=ids).delete()
        ProductImage.objects.filter(pk__in=ids).update(file="", display="", thumbnail="")
    return len(ids)


def _delete_files(image: ProductImage) -> bool:
    """A file that cannot be deleted now is tried again by the next sweep; the others go."""
    try:
        for name in filter(None, (image.file, image.display, image.thumbnail)):
            default_storage.delete(name)
    except OSError:
        logger.exception("withdrawn files stay for now", extra={"image": image.pk})
        return False
    return True
