"""Which tasks a client asks for: checked, for the store and for a server."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tasker_core.engine.requests import as_uuid, context_field
from tasker_core.errors import InvalidRequestError
from tasker_core.rules.explanation import EPOCH
from tasker_core.rules.spelling import did_you_mean
from tasker_core.words import TaskState

MOMENTS = ("created_after", "created_before", "updated_after", "updated_before")
TEXTS = ("namespace", "name", "version", "initiator", "source_system", "tag")
UUIDS = ("correlation_id", "parent_correlation_id")


FILTERS = ("status", *TEXTS, *UUIDS, *MOMENTS, "context_path", "context_value")


def known_filters(wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """``wanted``. Raises InvalidRequestError for one that there isn't, and where none is given."""
    for key in wanted:
        if key not in FILTERS:
            raise InvalidRequestError(f"there is no filter {key!r}{did_you_mean(key, FILTERS)}", field=key)
    if all(value is None for value in wanted.values()):
        raise InvalidRequestError("say which tasks: give at least one filter, such as namespace or status")
    return wanted


def task_filters(wanted: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The filters of ``wanted`` that are given: as the store takes them, and as a query.

    Raises InvalidRequestError, naming the argument, for what can't be asked.
    """
    given = {key: value for key, value in wanted.items() if value is not None}
    status = given.pop("status", None)
    if status is not None and status not in TaskState.__members__.values():
        raise InvalidRequestError(f"{status!r} is no task state; there are {', '.join(TaskState)}", field="status")
    for key in TEXTS:
        if key in given and not isinstance(given[key], str):
            raise InvalidRequestError(f"{key} must be text, not a {type(given[key]).__name__}", field=key)
    given |= {key: as_uuid(str(given[key]), key) for key in UUIDS if key in given}
    given |= {key: _moment(given[key], key) for key in MOMENTS if key in given}
    if "context_value" in given:
        given["context_value"] = _value(given["context_value"])
    query = {**given, **{key: given[key].isoformat() for key in MOMENTS if key in given}}
    field = context_field(given.pop("context_path", None), given.pop("context_value", None))
    here = {**given, **{key: (given[key] - EPOCH) // timedelta(microseconds=1) for key in MOMENTS if key in given}}
    if status is not None:
        here["state"] = query["status"] = str(status)
    if field is not None:
        here["context"] = field
    return here, query


def _moment(value: datetime | str, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        # A time without a zone is this machine's.
        return moment.astimezone(UTC)
    except (ValueError, AttributeError, TypeError, OverflowError):
        raise InvalidRequestError(f"{name} must be a time in ISO 8601, not {value!r}", field=name) from None


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise InvalidRequestError(
        f"context_value must be text, a number or a truth value, not a {type(value).__name__}", field="context_value"
    )
