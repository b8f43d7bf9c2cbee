"""The tables, one file per noun."""

from .account import Merchant, Role, SignInAttempt, User
from .archive import Archive
from .blind import BlindLook
from .category import Category, CategoryChange, CategoryExample, ChangeKind
from .complaint import Complaint
from .decision import Decision, DecisionKind, Origin
from .doubt import CheckState, LabelCheck, LabelDoubt
from .image import (
    LabelState,
    MachineState,
    Priority,
    ProductImage,
    ReviewSkip,
    UnusableReason,
    Upload,
)
from .prediction import Embedding, Prediction
from .preview import ChangedAnswer, Preview
from .product import Product, Split
from .run import RunMode, RunRow, RunState, RunTrigger, TrainingRun
from .serving import Reclassification, ReclassifyScope, Serving, WorkerStatus
from .share import EmbeddingShare
from .version import Backbone, ModelVersion, VersionState

__all__ = [
    "Archive",
    "Backbone",
    "BlindLook",
    "Category",
    "CategoryChange",
    "CategoryExample",
    "ChangeKind",
    "ChangedAnswer",
    "CheckState",
    "Complaint",
    "Decision",
    "DecisionKind",
    "Embedding",
    "EmbeddingShare",
    "LabelCheck",
    "LabelDoubt",
    "LabelState",
    "MachineState",
    "Merchant",
    "ModelVersion",
    "Origin",
    "Prediction",
    "Preview",
    "Priority",
    "Product",
    "ProductImage",
    "Reclassification",
    "ReclassifyScope",
    "ReviewSkip",
    "Role",
    "RunMode",
    "RunRow",
    "RunState",
    "RunTrigger",
    "Serving",
    "SignInAttempt",
    "Split",
    "TrainingRun",
    "UnusableReason",
    "Upload",
    "User",
    "VersionState",
    "WorkerStatus",
]
