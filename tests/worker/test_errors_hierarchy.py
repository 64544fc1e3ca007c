"""The one hierarchy of errors: what each class carries and which handlers of users' code catch it."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from tasker_core import errors, exceptions
from tasker_core.errors import ErrorClassifier, error_classifier

RETRYABLE = ["TimeoutError", "NetworkError", "RateLimitError", "ServiceUnavailableError", "ResourceContentionError"]
PERMANENT = [
    "ValidationError",
    "NotFoundError",
    "AuthenticationError",
    "AuthorizationError",
    "ConfigurationError",
    "BusinessLogicError",
]


def test_every_error_is_a_tasker_error() -> None:
    for module in (errors, exceptions):
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing) and issubclass(thing, Exception):
                assert issubclass(thing, errors.TaskerError), name
    assert exceptions.TaskerError is errors.TaskerError


@pytest.mark.parametrize(
    ("names", "base", "retryable"), [(RETRYABLE, "RetryableError", True), (PERMANENT, "PermanentError", False)]
)
def test_the_class_decides_unless_the_raiser_does(names: list[str], base: str, retryable: bool) -> None:
    for name in [base, *names]:
        cls = getattr(errors, name)
        assert issubclass(cls, getattr(errors, base))
        assert cls("x").retryable is retryable
        assert cls("x", retryable=not retryable).retryable is not retryable
        assert cls.retryable is retryable


def test_details_end_up_in_the_metadata() -> None:
    error = errors.RateLimitError(
        "slow down", metadata={"service": "gateway"}, error_code="RL", retry_after=2.5, context={"order": 7}
    )
    assert str(error) == error.message == "slow down"
    assert (error.error_code, error.retry_after) == ("RL", 2.5)
    assert error.to_dict() == {
        "error_type": "RateLimitError",
        "message": "slow down",
        "retryable": True,
        "metadata": {"service": "gateway", "error_code": "RL", "retry_after": 2.5, "order": 7},
    }
    assert not hasattr(error, "context")


def test_only_the_message_is_positional() -> None:
    with pytest.raises(TypeError):
        errors.TaskerError("x", True)  # type: ignore[call-arg]  # proves the keyword-only rule


def test_the_raisers_metadata_is_left_alone() -> None:
    given = {"a": 1}
    errors.TaskerError("x", metadata=given, error_code="E")
    assert given == {"a": 1}


@pytest.mark.parametrize("cls", [errors.ClientError, errors.StoreLockedError, errors.TaskNotFoundError])
def test_what_clients_see_is_a_runtime_error(cls: type[Exception]) -> None:
    assert issubclass(cls, RuntimeError)


def test_a_malformed_argument_is_a_value_error_too() -> None:
    for cls in (errors.InvalidRequestError, errors.PayloadError, errors.TemplateError):
        assert issubclass(cls, ValueError) and issubclass(cls, RuntimeError)
    assert errors.InvalidRequestError("no namespace", field="namespace").field == "namespace"


def test_errors_survive_copying_and_pickling() -> None:
    duplicate = errors.DuplicateTaskError("exists", task_uuid="t-1", same_context=False)
    for again in (copy.copy(duplicate), pickle.loads(pickle.dumps(duplicate))):
        assert (str(again), again.task_uuid, again.same_context) == ("exists", "t-1", False)
    limited = pickle.loads(pickle.dumps(errors.RateLimitError("slow", retry_after=3, retryable=False)))
    assert (limited.retry_after, limited.retryable, limited.args) == (3, False, ("slow",))


class Busy(Exception):
    retryable = False


@pytest.mark.parametrize(
    ("error", "retryable", "rule"),
    [
        (Busy(), False, "explicit_attribute"),
        (errors.PermanentError("x"), False, "explicit_attribute"),
        (errors.RetryableError("x"), True, "explicit_attribute"),
        (KeyError("x"), False, "permanent_class"),
        (NotImplementedError(), False, "permanent_class"),
        (ConnectionResetError(), True, "retryable_class"),
        (OSError(), True, "retryable_class"),
        (RuntimeError(), True, "default"),
    ],
)
def test_classification(error: Exception, retryable: bool, rule: str) -> None:
    found = ErrorClassifier().classify(error)
    assert found == {"error_type": type(error).__name__, "retryable": retryable, "classification": rule}
    assert errors.is_retryable(error) is retryable
    assert errors.is_permanent(error) is not retryable


def test_the_default_can_be_turned_round() -> None:
    assert ErrorClassifier(default_retryable=False).permanent(RuntimeError())
    assert errors.get_classifier() is errors.get_classifier() is error_classifier._default_classifier
