"""The first start: photos, three people who can sign in, and a first run."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from catalog import folders, importing, learning, runs
from catalog.errors import RunActive
from catalog.folders import BadFolder
from catalog.importing import Imported
from catalog.models import Merchant, ProductImage, Role, RunTrigger, TrainingRun, User
from catalog.samples import fill
from classifier.recipe import Recipe

from .reporting import Progress, silent

NAMES = {Role.MERCHANT: "merchant", Role.REVIEWER: "reviewer", Role.MANAGER: "manager"}
WIDTH = max(map(len, NAMES.values()))


@dataclass(frozen=True)
class Prepared:
    """What a first start left; `imported` and `run` are None when there was nothing to do.
    `is_taken`: the database is in use by others."""

    imported: Imported | None = None
    run: TrainingRun | None = None
    is_taken: bool = False


def sign_ins_file() -> Path:
    """Written last: while it is missing, the first start is not over and is done again."""
    return Path(settings.DATA_DIR / "demo-sign-ins.txt")


def prepare(photos: Path | None = None, *, progress: Progress = silent) -> Prepared:
    """Fill an empty database with the sample catalog, or with `photos`; a second call finds the
    sign-ins and does nothing, and neither does one on a database that is in use. BadFolder when
    none of `photos` can be taken: the next call then begins anew."""
    file = sign_ins_file()
    if file.exists() and User.objects.filter(username__in=NAMES.values()).exists():
        return Prepared()
    if _is_taken(photos):
        return Prepared(is_taken=True)
    imported = _import(photos, progress)
    run = _first_run()
    passwords = {role: secrets.token_urlsafe(9) for role in NAMES}
    _make_users(passwords, merchant=fill.FASHION_HOUSE if photos is None else importing.MERCHANT)
    sign_ins = "".join(f"{NAMES[r]:<{WIDTH}}  {password}\n" for r, password in passwords.items())
    _write_privately(file, sign_ins)
    return Prepared(imported, run)


def _is_taken(photos: Path | None) -> bool:
    """Holds more than an interrupted first start may have left."""
    ours = {importing.MERCHANT} if photos else {fill.FASHION_HOUSE, fill.PANTRY}
    strangers = ProductImage.objects.exclude(merchant__name__in=ours).exists()
    return strangers or User.objects.exclude(username__in=NAMES.values()).exists()


def _import(photos: Path | None, progress: Progress) -> Imported:
    if photos is None:
        return fill.fill(lambda done, total: progress("drawing samples", done, total))
    found = folders.scan(photos)
    merchant, _ = Merchant.objects.get_or_create(name=importing.MERCHANT)
    imported = importing.import_folder(
        found,
        merchant=merchant,
        progress=lambda done, total: progress("importing", done, total),
    )
    if not imported.added and not imported.duplicates:
        first = imported.rejected[0]
        raise BadFolder(
            f"No photo in {photos} could be taken; what is wrong with the first, {first['path']}: "
            f"{first['reason']}"
        )
    return imported


def _first_run() -> TrainingRun | None:
    """Queue the first run, unless there was one or too few categories can be learned."""
    if TrainingRun.objects.exists() or learning.usable_categories() < learning.MIN_CATEGORIES:
        return None
    try:
        return runs.request(RunTrigger.SAMPLES, overrides=bounded(), note="The first model.")
    except RunActive:
        return None


def bounded() -> list[str]:
    """The demo's recipe as what it changes: minutes on two cores."""
    usual, demo = Recipe().to_dict(), Recipe.demo().to_dict()
    return [f"{name}={value}" for name, value in demo.items() if value != usual[name]]


def _make_users(passwords: dict[Role, str], *, merchant: str) -> None:
    for role, password in passwords.items():
        owner = Merchant.objects.get_or_create(name=merchant)[0] if role == Role.MERCHANT else None
        user = User.objects.filter(username=NAMES[role]).first() or User(username=NAMES[role])
        user.role, user.merchant, user.is_staff = role, owner, role == Role.MANAGER
        user.set_password(password)
        user.save()


def _write_privately(file: Path, text: str) -> None:
    """Whole or not at all, for its owner's eyes."""
    aside = file.with_suffix(f".{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
    aside.replace(file)
