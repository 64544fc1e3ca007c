"""Doctor: is everything as it should be with a store, and with those who work on it? Changes nothing."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Sequence

from tasker_core.clock import Clock, RandomIds, SystemClock
from tasker_core.engine.catalog import DEFAULT_VERSION
from tasker_core.engine.database_clock import clock_of
from tasker_core.engine.doctor_history import look_through
from tasker_core.engine.sweep import DUTY, dead_here
from tasker_core.errors import StoreError
from tasker_core.rules import semver
from tasker_core.rules.diagnosis import CheckKind, Diagnosis
from tasker_core.rules.doctor import GRACE, judge
from tasker_core.rules.doctor_database import judge_contact, judge_database, judge_schema, unusable
from tasker_core.rules.payload import decode
from tasker_core.rules.symptoms import Contact, Hearing, TemplateFact
from tasker_core.rules.template import Template
from tasker_core.store import Store, open_database
from tasker_core.store.database import Database
from tasker_core.store.rows import TemplateRow
from tasker_core.words import Micros, lane_of

ROUND_TRIPS = 7
PATIENCE = 2.0
"""Seconds to wait for a hint."""
HINT_EVERY = 0.05
ORDER = tuple(CheckKind)


def examine_url(url: str, lease_time: Micros, listen_url: str | None = None, *, deep: bool = False) -> Diagnosis:
    """The diagnosis of the store at ``url``, which needn't be one, or be reachable."""
    try:
        database = open_database(url, listen_url=listen_url)
    except StoreError as error:
        return Diagnosis((unusable("store", str(error)),), is_usable=False)
    try:
        return examine(Store(database), None, lease_time, deep=deep)
    finally:
        database.close()


def examine(
    store: Store, clock: Clock | None, lease_time: Micros, machine: Clock | None = None, *, deep: bool = False
) -> Diagnosis:
    """Look at everything, and judge it; with ``deep`` also at each unfinished task.

    ``clock`` tells the time that counts, the database's where it has one, and ``machine`` this machine's.
    """
    database = store.database
    try:
        condition = database.condition()
    except StoreError as error:
        return Diagnosis((unusable("store", str(error)),), is_usable=False)
    checks = [*judge_database(condition), judge_schema(condition)]
    if condition.schema_version != condition.known_version:
        return Diagnosis(tuple(checks), is_usable=False)
    try:
        clock = clock or clock_of(database)
        checks += judge_contact(condition.place, _contact(store, machine or SystemClock()))
        now = clock.now()
        templates = _templates(store.templates.current())
        symptoms = store.insight.symptoms(now - GRACE, DUTY, templates, dead_here(store.workers.live()))
        if deep:
            checks += look_through(store, condition.place)
    except StoreError as error:
        return Diagnosis((*checks, unusable(condition.place, str(error))), is_usable=False)
    checks += judge(symptoms, clock.now(), lease_time)
    return Diagnosis(tuple(sorted(checks, key=lambda check: ORDER.index(check.kind))))


def _contact(store: Store, machine: Clock) -> Contact:
    """The median of several round trips; the clock is compared by the quickest, which can be the least wrong."""
    trips: list[tuple[Micros, Micros | None]] = []
    for _ in range(ROUND_TRIPS):
        before, began = machine.now(), machine.monotonic()
        now = store.insight.database_now()
        took = machine.monotonic() - began
        trips.append((took, None if now is None else now - before - took // 2))
    quickest = min(trips, key=lambda trip: trip[0])
    median = round(statistics.median(took for took, _ in trips))
    return Contact(median, quickest[1], _hearing(store.database, machine) if store.database.can_hint else None)


class _Enough(Exception):
    """Ends the listening."""


def _hearing(database: Database, machine: Clock) -> Hearing:
    """Whether a hint that is sent here is heard here, on the way on which workers hear."""
    if not database.hears():
        return Hearing(is_possible=False)
    word, over = f"doctor {RandomIds().new()}", threading.Event()
    heard: list[Micros] = []
    trouble: list[str] = []

    def hear(payload: str) -> None:
        if payload == word:
            heard.append(machine.monotonic())
            raise _Enough

    def listen() -> None:
        try:
            database.listen(hear, over)
        except StoreError as error:
            trouble.append(str(error))
        except _Enough:
            pass
        over.set()

    listener = threading.Thread(target=listen, name="tasker-doctor", daemon=True)
    listener.start()
    sent: list[Micros] = []
    deadline = time.monotonic() + PATIENCE
    while not over.is_set() and time.monotonic() < deadline:  # the first ones are sent before anybody listens
        sent.append(machine.monotonic())
        database.hint(word)
        over.wait(HINT_EVERY)
    over.set()
    listener.join(PATIENCE)
    if not heard:
        return Hearing(True, None, trouble[0] if trouble else f"{len(sent)} were sent")
    return Hearing(True, heard[0] - max(at for at in sent if at <= heard[0]))


def _templates(rows: Sequence[TemplateRow]) -> list[TemplateFact]:
    """The templates that new tasks get: of each name what is taken without a version, and the newest."""
    versions: dict[tuple[str, str], list[TemplateRow]] = {}
    for row in rows:
        versions.setdefault((row.namespace, row.name), []).append(row)
    chosen: list[TemplateRow] = []
    for known in versions.values():
        newest = semver.newest(known, lambda row: row.version)
        chosen += [row for row in known if row.version == DEFAULT_VERSION or row is newest]
    return [_fact(row) for row in chosen]


def _fact(row: TemplateRow) -> TemplateFact:
    name = f"{row.namespace}/{row.name} {row.version}"
    try:
        template = Template.from_content(decode(row.content))
    except ValueError as error:
        return TemplateFact(name, (), f"can't be read: {error}")
    steps = [(step.name, lane_of(template.namespace_name, step.handler.callable)) for step in template.every_step]
    return TemplateFact(name, steps)
