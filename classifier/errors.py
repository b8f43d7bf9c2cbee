"""What can go wrong in the classifier. Every message says what to do next."""


class ClassifierError(Exception):
    """Base of every error this package raises on purpose."""


class RecipeError(ClassifierError):
    """A hyperparameter is unknown or out of range."""


class UnreadableImage(ClassifierError):
    """The bytes are not a photo that can be decoded; the message is the reason for its owner."""


class WeightsError(ClassifierError):
    """The pretrained weights are missing, altered or of another architecture."""


class StoreError(ClassifierError):
    """A backbone or version directory is missing, damaged or of another architecture."""


class EngineError(ClassifierError):
    """The engine asked for does not exist, or cannot run here."""


class NotEnoughData(ClassifierError):
    """Too few labelled photos or categories to learn from."""


class CacheBusy(ClassifierError):
    """Another process does not let go of the cache of embeddings."""


class Diverged(ClassifierError):
    """Learning came apart: what the network answers is no number."""


class Cancelled(ClassifierError):
    """Raised by a progress callback to stop the work at the next batch."""
