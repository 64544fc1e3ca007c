"""Is an error worth another attempt? A classification for applications; Tasker's own execution doesn't ask it."""

from __future__ import annotations

from typing import TypedDict

from tasker_core.errors.base import PermanentError, RetryableError

PERMANENT_ERROR_CLASSES: tuple[type[BaseException], ...] = (
    PermanentError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    AssertionError,
    SyntaxError,
    NameError,
    ImportError,
    NotImplementedError,
)
RETRYABLE_ERROR_CLASSES: tuple[type[BaseException], ...] = (
    RetryableError,
    ConnectionError,
    TimeoutError,
    BlockingIOError,
    InterruptedError,
    OSError,
)


class Classification(TypedDict):
    """What an error is, and by which rule.

    ``classification`` is one of explicit_attribute, permanent_class, retryable_class and default.
    """

    error_type: str
    retryable: bool
    classification: str


class ErrorClassifier:
    """Tells retryable errors from permanent ones.

    The error's own ``retryable`` attribute decides; then its class; then ``default_retryable``.

    >>> ErrorClassifier().retryable(ConnectionResetError())
    True
    >>> ErrorClassifier().classify(KeyError("order"))
    {'error_type': 'KeyError', 'retryable': False, 'classification': 'permanent_class'}
    """

    def __init__(self, *, default_retryable: bool = True) -> None:
        self.default_retryable = default_retryable

    def classify(self, exc: BaseException) -> Classification:
        """The error's class name, whether it is retryable, and the rule that said so."""
        name = type(exc).__name__
        explicit = getattr(exc, "retryable", None)
        if explicit is not None:
            return Classification(error_type=name, retryable=bool(explicit), classification="explicit_attribute")
        if isinstance(exc, PERMANENT_ERROR_CLASSES):
            return Classification(error_type=name, retryable=False, classification="permanent_class")
        if isinstance(exc, RETRYABLE_ERROR_CLASSES):
            return Classification(error_type=name, retryable=True, classification="retryable_class")
        return Classification(error_type=name, retryable=self.default_retryable, classification="default")

    def retryable(self, exc: BaseException) -> bool:
        """Whether another attempt may help."""
        return self.classify(exc)["retryable"]

    def permanent(self, exc: BaseException) -> bool:
        """Whether no further attempt can help."""
        return not self.retryable(exc)


_default_classifier: ErrorClassifier | None = None


def get_classifier() -> ErrorClassifier:
    """The classifier that the module's functions use."""
    global _default_classifier
    if _default_classifier is None:
        _default_classifier = ErrorClassifier()
    return _default_classifier


def is_retryable(exc: BaseException) -> bool:
    """Whether another attempt may help, by the default classifier."""
    return get_classifier().retryable(exc)


def is_permanent(exc: BaseException) -> bool:
    """Whether no further attempt can help, by the default classifier."""
    return get_classifier().permanent(exc)
