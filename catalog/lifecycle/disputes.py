"""People who label photos of one product differently are asked again."""

from __future__ import annotations

from .. import blind, products
from ..models import ProductImage


def settle(image: ProductImage, *, looked_again: bool = False) -> None:
    """After a change of the image's label: bring its product's disputes and category up to date.

    A label that no other photo of the product has sends every labelled photo back to review once.
    `looked_again`: a person has just decided a disputed image anew; that stands, also where it
    still differs. The caller holds the transaction and the product."""
    photos = ProductImage.objects.present().filter(product_id=image.product_id)
    labels = dict(photos.labelled().values_list("pk", "label_id"))
    mine = labels.pop(image.pk, None)
    others = set(labels.values())
    if len(others | ({mine} - {None})) < 2:
        # Two reviewers of one photo may still disagree about it (blind.py).
        photos.filter(disputed=True).exclude(blind.DISAGREEMENT).update(disputed=False)
    elif looked_again or mine is None:
        photos.filter(pk=image.pk, disputed=True).update(disputed=False)
    elif mine not in others:
        photos.labelled().update(disputed=True)
    products.refresh([image.product_id])
