"""What happened to one image, newest first: uploaded, answered, decided, undone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .models import (
    Complaint,
    Decision,
    Prediction,
    ProductImage,
    Role,
    User,
)
from .wording import decided

LATEST = 100


@dataclass(frozen=True)
class Event:
    at: datetime
    what: str
    who: str = ""
    by_person: bool = False


def of(image: ProductImage, *, reader: User) -> list[Event]:
    """The image's events. A merchant reads that staff decided, not which of them, and no version
    numbers."""
    plain = reader.role == Role.MERCHANT
    uploaded = Event(image.created_at, "Uploaded", image.merchant.name, by_person=True)
    predictions = image.predictions.select_related("category")[:LATEST]
    decisions = image.decisions.select_related(
        "by", "category", "before_label", "prediction__category", "undoes__category"
    )[:LATEST]
    complaints = image.complaints.select_related("by", "category")[:LATEST]
    events = [
        *(_answered(prediction, plain) for prediction in predictions),
        *(_decided(decision, plain) for decision in decisions),
        *(event for c in complaints for event in _complained(c)),
        uploaded,
    ]
    return sorted(events, key=lambda event: event.at, reverse=True)


def _answered(prediction: Prediction, plain: bool) -> Event:
    what = f"Suggested {prediction.category.path} ({prediction.confidence:.0%} sure)"
    return Event(prediction.at, what, "" if plain else f"version {prediction.version_id}")


def _decided(decision: Decision, plain: bool) -> Event:
    if decision.by is None:
        who = "import"
    elif plain:
        who = "our staff"
    else:
        who = decision.by.get_username()
    return Event(decision.at, decided(decision), who, by_person=True)


def _complained(complaint: Complaint) -> list[Event]:
    who = complaint.by.get_username()
    expected = f"; expected {complaint.category.path}" if complaint.category else ""
    note = f" (“{complaint.note}”)" if complaint.note else ""
    said = Event(complaint.at, f"Reported as wrong{expected}{note}", who, by_person=True)
    if complaint.taken_back_at is None:
        return [said]
    return [said, Event(complaint.taken_back_at, "Report taken back", who, by_person=True)]
