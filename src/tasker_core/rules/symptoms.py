"""What is known of a store and of everything around it at one instant, for whoever judges how it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from tasker_core.rules.facts import WorkerFact
from tasker_core.words import Micros, Pause

MOST_COUNTED = 1_000
"""Up to where steps and tasks are counted that wait or failed: beyond that the number doesn't matter."""
MOST_LANES = 500
"""Lanes with something waiting that are looked at."""


class SqliteFact(NamedTuple):
    """A store in a file. Sizes are in bytes; ``most_pages`` is the quota, None without one; ``obstacle`` tells why
    nothing can be written at this moment, "" when it can."""

    version: str
    place: str
    schema_version: int
    known_version: int
    journal: str
    size: int
    wal: int
    free_disk: int
    pages: int
    most_pages: int | None
    obstacle: str


class PostgresFact(NamedTuple):
    """A store on a server. ``unsafe`` are the settings that let it forget what it has committed; ``lacking`` the tables
    in which the role may not do all that Tasker does; ``oldest`` the oldest open transaction that this role may see,
    as (who, age)."""

    version: str
    place: str
    schema: str
    schema_version: int
    known_version: int
    is_standby: bool
    unsafe: Sequence[str]
    connections: int
    most_connections: int
    lacking: Sequence[str]
    oldest: tuple[str, Micros] | None


Condition: TypeAlias = SqliteFact | PostgresFact


class Hearing(NamedTuple):
    """Whether hints between processes are heard: ``is_possible`` where the database carries them, ``took`` how long
    one was under way, None when none arrived, and ``trouble`` why."""

    is_possible: bool
    took: Micros | None = None
    trouble: str = ""


class Contact(NamedTuple):
    """How the database answers: the median round trip, how far its clock is ahead of this machine's (None where it
    has none of its own), and whether hints are heard (None where none are needed)."""

    round_trip: Micros
    ahead: Micros | None
    hearing: Hearing | None


class Pile(NamedTuple):
    """Steps or tasks in the same plight: how many (counted up to a limit), since when the oldest, one task of them."""

    size: int
    since: Micros
    task: str


class Failed(NamedTuple):
    """A failed step of a blocked task, and since when the task has been blocked."""

    task: str
    since: Micros
    lane: str


class Duty(NamedTuple):
    """Who sweeps, or swept last, and until when nobody else may."""

    holder: str
    held_until: Micros


class TemplateFact(NamedTuple):
    """A template that new tasks get: (step, lane) of its steps, or the ``trouble`` why it can't be read."""

    name: str
    steps: Sequence[tuple[str, str]]
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Symptoms:
    """Everything that waits, runs or has failed, and who is there to see to it. The mappings are by lane; ``dead`` are
    the numbers of workers whose processes are known to have ended, ``paused`` the namespaces that are."""

    workers: Sequence[WorkerFact]
    dead: Collection[int]
    queues: Mapping[str, Pile]
    lost: Mapping[str, Pile]
    overdue: Pile | None
    failed: Sequence[Failed]
    dead_letters: Pile | None
    sweep: Duty | None
    templates: Sequence[TemplateFact]
    paused: Mapping[str, Pause] = field(default_factory=dict)
    paused_tasks: Pile | None = None
