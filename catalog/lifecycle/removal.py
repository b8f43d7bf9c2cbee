"""Withdrawal: the row stays as a tombstone, the files and embeddings go."""

from __future__ import annotations

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from .. import products
from ..errors import NotAllowed
from ..models import Embedding, MachineState, ProductImage, User

CHUNK = 500


@transaction.atomic
def withdraw(image: ProductImage, *, by: User) -> None:
    """The merchant takes the photo back, or a manager purges it. It leaves every list and queue
    at once and never trains again; its files and embeddings go once this commits."""
    now = timezone.now()
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
    products.refresh([image.product_id])
    transaction.on_commit(delete_withdrawn_files, robust=True)


def delete_withdrawn_files(limit: int = CHUNK) -> int:
    """Delete what withdrawn images left on disk. The sweep calls this too, so a crash between the
    commit and the deletion leaves nothing behind."""
    rows = ProductImage.objects.filter(~Q(file=""), withdrawn_at__isnull=False)
    images = list(rows.only("pk", "file", "display", "thumbnail")[:limit])
    for image in images:
        for name in filter(None, (image.file, image.display, image.thumbnail)):
            default_storage.delete(name)
    ids = [image.pk for image in images]
    Embedding.objects.filter(image_id__in=ids).delete()
    ProductImage.objects.filter(pk__in=ids).update(file="", display="", thumbnail="")
    return len(images)
