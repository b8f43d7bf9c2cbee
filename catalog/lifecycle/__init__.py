"""The only code that changes an image's state.

    machine:      pending -> classifying -> classified | failed        (machine.py)
    label_state:  unlabelled -> confirmed | corrected | unusable | none_of_these    (label.py,
                                                                        many at once: batch.py)

Machine steps never write label fields; people never write machine fields except by asking for a
retry. Each change is one conditional UPDATE plus one history row in one transaction. Withdrawal
(removal.py) takes a photo out of everything. A merchant's complaint (complaints.py) is neither: it
asks a reviewer to look again."""

from .batch import Outcome, decide_many, decide_product, undo_batch
from .complaints import NOTE_LENGTH, complain, take_back_complaint
from .counting import count_anew, dispute_again, said
from .label import (
    decide_category,
    decide_none_of_these,
    decide_unusable,
    import_label,
    send_back,
    undo,
)
from .machine import (
    Answer,
    Claim,
    Likeness,
    claim,
    fail,
    finish,
    forget_answers,
    release,
    requeue,
    retry,
    somebody_waits,
)
from .removal import delete_withdrawn_files, withdraw

__all__ = [
    "NOTE_LENGTH",
    "Answer",
    "Claim",
    "Likeness",
    "Outcome",
    "claim",
    "complain",
    "count_anew",
    "decide_category",
    "decide_many",
    "decide_none_of_these",
    "decide_product",
    "decide_unusable",
    "delete_withdrawn_files",
    "dispute_again",
    "fail",
    "finish",
    "forget_answers",
    "import_label",
    "release",
    "requeue",
    "retry",
    "said",
    "send_back",
    "somebody_waits",
    "take_back_complaint",
    "undo",
    "undo_batch",
    "withdraw",
]
