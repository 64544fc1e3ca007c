"""The search box of the tasks: words with a qualifier before them, ``ns:shop state:error age>1h``, into filters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tasker_core.clock import SECOND
from tasker_core.rules.spelling import did_you_mean
from tasker_core.words import Micros, TaskState

QUALIFIERS: Mapping[str, str] = {
    "state": "state", "ns": "namespace", "name": "name", "version": "version", "tag": "tag", "by": "initiator",
    "source": "source_system", "correlation": "correlation_id", "error": "error",
}  # fmt: skip
"""What a qualifier asks for. Besides these: ``id:`` leads to the one task, ``age>`` and ``age<`` ask for its age."""
HINTS = (*(f"{name}:" for name in (*QUALIFIERS, "id")), "age>", "age<")
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
SHORT_STATES = {
    "running": "steps_in_process", "blocked": "blocked_by_failures", "retry": "waiting_for_retry",
    "waiting": "waiting_for_dependencies", "failed": "error", "done": "complete", "resolved": "resolved_manually",
}  # fmt: skip

_WORD = re.compile(r'([a-z]+)([:<>])(?:"([^"]*)"|(\S*))|"([^"]*)"|(\S+)')
_AGE = re.compile(r"(\d{1,6})([smhdw])")


@dataclass(frozen=True, slots=True)
class Search:
    """``filters`` as the store knows them, ``task`` where one is asked for by its id, and what wasn't understood."""

    text: str
    filters: Mapping[str, Any] = field(default_factory=dict)
    task: str | None = None
    problems: tuple[str, ...] = ()


def search(text: str, now: Micros) -> Search:
    """What ``text`` asks for, at ``now``.

    >>> search('ns:shop state:blocked "pay"', 0).filters
    {'namespace': 'shop', 'state': 'blocked_by_failures', 'name': 'pay'}
    >>> search("stat:error", 0).problems
    ("there is no stat:; did you mean 'state:'?",)
    """
    filters: dict[str, Any] = {}
    problems: list[str] = []
    task = None
    for found in _WORD.finditer(text.strip()):
        qualifier, sign, quoted, plain, quoted_word, word = found.groups()
        if qualifier is None:
            word = quoted_word if quoted_word is not None else word
            if _is_uuid(word):
                task = word.lower()
            else:
                filters["name"] = word
            continue
        value = quoted if quoted is not None else plain
        if qualifier == "age":
            problems += _age(filters, sign, value, now)
        elif sign != ":":
            problems.append(f"{qualifier}{sign} isn't known: only age can be more or less than something")
        elif not value:
            problems.append(f"{qualifier}: needs a value right behind it")
        elif qualifier == "id":
            if _is_uuid(value):
                task = value.lower()
            else:
                problems.append(f"id: must be the whole UUID of a task, not {value!r}")
        elif qualifier not in QUALIFIERS:
            problems.append(f"there is no {qualifier}:{did_you_mean(f'{qualifier}:', HINTS)}")
        elif qualifier == "state":
            problems += _state(filters, value)
        elif qualifier == "correlation" and not _is_uuid(value):
            problems.append(f"correlation: must be a UUID, not {value!r}")
        else:
            filters[QUALIFIERS[qualifier]] = value
    return Search(text.strip(), filters, task, tuple(problems))


def _state(filters: dict[str, Any], value: str) -> list[str]:
    state = SHORT_STATES.get(value.lower(), value.lower())
    known = [str(each) for each in TaskState]
    if state not in known:
        return [f"there is no state {value!r}{did_you_mean(value, (*known, *SHORT_STATES))}"]
    filters["state"] = state
    return []


def _age(filters: dict[str, Any], sign: str, value: str, now: Micros) -> list[str]:
    parts = _AGE.fullmatch(value)
    if parts is None or sign == ":":
        return [f"age is asked for as age>30m or age<2d, in {', '.join(UNITS)}; not age{sign}{value}"]
    moment = now - int(parts[1]) * UNITS[parts[2]] * SECOND
    filters["created_before" if sign == ">" else "created_after"] = moment
    return []


def _is_uuid(text: str) -> bool:
    try:
        return len(text) == 36 and bool(UUID(text))
    except ValueError:
        return False
