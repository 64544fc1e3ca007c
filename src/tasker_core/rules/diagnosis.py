"""How a whole store is, as a value: for each thing that was checked a level, a place, what is so, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How bad it is: in order, degraded or about to pass by itself, or in need of somebody."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class CheckKind(StrEnum):
    """Everything that is looked at, in this order."""

    DATABASE = "database"
    SCHEMA = "schema"
    RIGHTS = "rights"
    DURABILITY = "durability"
    ROOM = "room"
    LATENCY = "latency"
    CLOCK = "clock"
    HINTS = "hints"
    WORKERS = "workers"
    SWEEP = "sweep"
    TEMPLATES = "templates"
    QUEUE = "queue"
    PAUSES = "pauses"
    RUNNING = "running"
    RETRIES = "retries"
    FAILURES = "failures"
    DEAD_LETTERS = "dead_letters"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: where, what is so, what to do about it, and the same in parts for programs."""

    kind: CheckKind
    level: Level
    place: str
    text: str
    advice: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that was checked. ``is_usable`` is False where the store couldn't be looked into at all.

    >>> asleep = Check(CheckKind.WORKERS, Level.WARNING, "worker blue-1", "silent for 35 s", "look at its process")
    >>> found = Diagnosis((Check(CheckKind.SCHEMA, Level.OK, "tasker.db", "version 1"), asleep))
    >>> found.is_sound, found.findings == (asleep,), Diagnosis.from_dict(found.as_dict()) == found
    (False, True, True)
    """

    checks: Sequence[Check]
    is_usable: bool = True

    @property
    def findings(self) -> tuple[Check, ...]:
        """What isn't as it should be."""
        return tuple(check for check in self.checks if check.level is not Level.OK)

    @property
    def is_sound(self) -> bool:
        """Nothing was found."""
        return not self.findings

    def as_dict(self) -> dict[str, Any]:
        """The diagnosis as JSON-able values."""
        return {
            "sound": self.is_sound,
            "usable": self.is_usable,
            "checks": [
                {
                    "kind": str(check.kind), "level": str(check.level), "place": check.place, "text": check.text,
                    "advice": check.advice, "details": dict(check.details),
                }
                for check in self.checks
            ],
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Diagnosis:
        """The diagnosis that ``as_dict`` wrote."""
        checks = (
            Check(
                CheckKind(check["kind"]), Level(check["level"]), check["place"], check["text"], check["advice"],
                check["details"],
            )
            for check in data["checks"]
        )  # fmt: skip
        return cls(tuple(checks), data["usable"])
