"""A catalog in which every page has something to show, in each of its states.

It fills the database of the process that calls it: `manage.py shell -c "from tests.browser import
exhibition; exhibition.fill()"`."""

from __future__ import annotations

import numpy as np
from django.utils import timezone

from catalog import doubts, lifecycle, previews, reclassify
from catalog.doubts import Found
from catalog.models import (
    Archive,
    Category,
    ChangedAnswer,
    Decision,
    MachineState,
    ModelVersion,
    Origin,
    ProductImage,
    ReclassifyScope,
    Role,
    RunState,
    TrainingRun,
    UnusableReason,
    User,
    VersionState,
)
from classifier.certainty import certainty
from classifier.evaluation import report
from tests import embeddings, factories
from tests.catalog.model_reports import HISTORY, record_answer

from .pages import ARCHIVE

NAMES = ("Shirts", "Shoes", "Trousers")
UNBROKEN = "w" * 150
"""Nothing in it at which a line may break."""


def fill() -> None:
    """Everybody signs in with factories.PASSWORD: mia (merchant), rita (reviewer), mira
    (manager)."""
    shop = factories.merchant("North & Sons")
    mia = factories.user(Role.MERCHANT, merchant=shop, name="mia")
    rita = factories.user(Role.REVIEWER, name="rita")
    factories.user(Role.MANAGER, name="mira")
    leaves = _tree()
    live, candidate = _versions(leaves)
    assert live.run is not None
    for leaf in leaves:
        record_answer(live.run, leaf, leaves[0].slug)
        assert candidate.run is not None
        record_answer(candidate.run, leaf, leaves[1].slug)
    _photos(leaves, mia, rita)
    _compare(live)
    _preview(candidate, leaves)
    _work_under_way()


def people() -> None:
    """An empty catalog with the same three people."""
    factories.user(Role.MERCHANT, merchant=factories.merchant("North & Sons"), name="mia")
    factories.user(Role.REVIEWER, name="rita")
    factories.user(Role.MANAGER, name="mira")


def _tree() -> list[Category]:
    fashion = factories.category("Fashion")
    return [
        factories.category(
            name, parent=fashion, guidance=f"{name} of any size.\n\nNot for dolls.", code=f"C-{n}"
        )
        for n, name in enumerate(NAMES)
    ]


def _versions(leaves: list[Category]) -> tuple[ModelVersion, ModelVersion]:
    slugs = [leaf.slug for leaf in leaves]
    made = []
    for seed, state in enumerate((VersionState.LIVE, VersionState.CANDIDATE)):
        generator = np.random.default_rng(seed)
        probabilities = generator.dirichlet([0.5] * len(slugs), 300)
        answers = probabilities.argmax(axis=1)
        labels = [slugs[answer if generator.random() < 0.8 else 0] for answer in answers]
        metrics = report(probabilities, labels, slugs) | certainty(
            probabilities, labels, slugs, temperature=1.5
        )
        now = timezone.now()
        run = factories.run(
            state=RunState.SUCCEEDED, history=HISTORY, started_at=now, finished_at=now
        )
        made.append(factories.version(state, slugs, run=run, metrics=metrics))
    return made[0], made[1]


def _photos(leaves: list[Category], mia: User, rita: User) -> None:
    shop = mia.merchant
    assert shop is not None
    others = tuple(leaves[1:])
    for n in range(30):
        factories.answered_image(
            leaves[0], 0.3 + n / 50, others=others, merchant=shop, name=f"front-{n}.jpg"
        )
    factories.image(merchant=shop, name=f"{UNBROKEN}.jpg")
    factories.image(merchant=shop, machine=MachineState.FAILED, failure="The file is damaged.")
    checked = [
        factories.labelled_image(leaf, rita, suggested=leaves[0], merchant=shop)
        for leaf in (*leaves, *leaves)
    ]
    blurred = factories.answered_image(leaves[1], merchant=shop)
    lifecycle.decide_unusable(blurred, UnusableReason.BLURRED, by=rita, revision=blurred.revision)
    for leaf in leaves[:2]:
        factories.labelled_image(leaf, rita, merchant=shop, sku="TWO-MINDS")
    Decision.objects.update(origin=Origin.RANDOM)
    _doubted(checked[2], leaves[0])
    lifecycle.complain(checked[3], by=mia, category=leaves[1], note=UNBROKEN)
    Archive.objects.create(
        id=ARCHIVE, merchant=shop, name="autumn.zip", file="", entries=400, position=120
    )


def _compare(live: ModelVersion) -> None:
    """Every photo has others that look like it."""
    for image in ProductImage.objects.all():
        embeddings.store(image, live.backbone, image.pk % 3)
    embeddings.index(live.backbone)


def _doubted(image: ProductImage, suggested: Category) -> None:
    check = doubts.claim(doubts.request().pk)
    assert check is not None
    assert image.label_id is not None
    doubts.finish(check, [Found(image.pk, image.label_id, suggested.pk, 0.97, 0.01)], labels=100)


def _preview(candidate: ModelVersion, leaves: list[Category]) -> None:
    """What would change if the candidate went live: two photos would move to another category."""
    preview = previews.claim(previews.request(candidate).pk)
    assert preview is not None
    part = previews.Part(compared=30)
    before, after = leaves[:2]
    answers = [
        ChangedAnswer(
            preview=preview, image=image, is_test=False, before=before, after=after, confidence=0.8
        )
        for image in ProductImage.objects.order_by("id")[:2]
    ]
    previews.add(preview, part, answers)
    previews.finish(preview, {previews.TEST: previews.Part(compared=300), previews.OPEN: part})


def _work_under_way() -> None:
    reclassify.count_once(reclassify.start(ReclassifyScope.ALL, reason="Asked for by hand."))
    TrainingRun.objects.create(
        trigger="button", mode="head", state=RunState.FAILED, reason="The disk is full."
    )
