"""Limits and breakers as people see them, and the words by which an operator changes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tasker_core.clock import Clock, Ids
from tasker_core.engine.gates import Gates
from tasker_core.errors import InvalidRequestError
from tasker_core.rules.breaker import FOR_EVER
from tasker_core.rules.explanation import iso
from tasker_core.rules.gates import CLOSED, OPEN, Standing
from tasker_core.rules.limits import LARGEST, read_rate
from tasker_core.rules.spelling import did_you_mean
from tasker_core.store import Store
from tasker_core.store.gates import GateRow, GateSaying
from tasker_core.words import KEY_MARK, Word

LIMITS = ("concurrency", "per_key", "rate")


class Limits:
    """What holds steps back, and who may change it. ``tell`` is called when something changed."""

    def __init__(self, store: Store, gates: Gates, clock: Clock, ids: Ids, tell: Callable[[], None]) -> None:
        self._store, self._gates, self._clock, self._ids, self._tell = store, gates, clock, ids, tell

    def limits(self) -> list[dict[str, Any]]:
        """Every handler (``shop/charge``) and namespace (``shop``) that is limited, and how much of it is used."""
        return [
            {
                "name": row.name, "concurrency": row.limits.concurrency, "per_key": row.limits.per_key,
                "rate": str(row.limits.rate) if row.limits.rate else None, "running": standing.running,
                "used": standing.used if row.limits.rate else None, "declared": row.declared, "said": row.word,
            }
            for row, standing in self._all()
            if row.limits or row.word is not None
        ]  # fmt: skip

    def breakers(self) -> list[dict[str, Any]]:
        """Every breaker that isn't closed, or of whose handler something failed last."""
        return [
            {
                "handler": row.name, "state": row.breaker, "failures": row.failures,
                "since": iso(row.since) if row.breaker != CLOSED else None,
                "probe_at": iso(row.probe_at) if row.breaker != CLOSED and row.probe_at < FOR_EVER else None,
                "by": row.by or None,
            }
            for row, _ in self._all()
            if row.breaker != CLOSED or row.failures
        ]  # fmt: skip

    def limit(self, name: str, limits: Mapping[str, Any] | None, word: Word) -> None:
        """Limit a handler or a namespace, whatever templates say; None leaves it to them again.

        ``limits`` may have ``concurrency``, ``per_key`` and ``rate``; None of one of them lifts it. Holds for every
        step that begins after this. Raises InvalidRequestError.
        """
        said = None if limits is None else check(name, limits)
        self._store.gates.say(_named(name), said, self._saying(word))
        self._changed()

    def set_breaker(self, handler: str, state: str, word: Word) -> None:
        """Open the breaker of a handler, until another word, or close it. Raises InvalidRequestError."""
        check_breaker(handler, state)
        self._store.gates.set_breaker(handler, state, FOR_EVER if state == OPEN else 0, self._saying(word))
        self._changed()

    def _all(self) -> list[tuple[GateRow, Standing]]:
        rows, _ = self._store.gates.read()
        standings = {standing.name: standing for standing in self._store.gates.standings(self._clock.now())}
        return [(row, standings[row.name]) for row in rows if row.name in standings]

    def _saying(self, word: Word) -> GateSaying:
        stamp = word.stamp if word.stamp is not None else self._ids.stamp()
        return GateSaying(stamp, self._clock.now(), word.actor, word.reason)

    def _changed(self) -> None:
        self._gates.refresh()
        self._tell()


def _named(name: str) -> str:
    namespace, slash, handler = name.partition("/")
    if not namespace or (slash and not handler) or KEY_MARK in name:
        raise InvalidRequestError(
            f"must be a namespace, as shop, or a handler, as shop/charge; found {name!r}", field="name"
        )
    return name


def check(name: str, limits: Mapping[str, Any]) -> dict[str, Any]:
    """``limits`` of a handler or namespace, if they can be. Raises InvalidRequestError."""
    _named(name)
    for field, value in limits.items():
        if field not in LIMITS:
            raise InvalidRequestError(f"there is no limit {field!r}{did_you_mean(field, LIMITS)}", field=field)
        if value is None:
            continue
        if field == "rate":
            try:
                read_rate(str(value))
            except ValueError as error:
                raise InvalidRequestError(f"rate {error}", field="rate") from None
        elif isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST:
            raise InvalidRequestError(f"{field} must be a whole number of at least 1; found {value!r}", field=field)
    if "per_key" in limits and "/" not in name:
        raise InvalidRequestError("per_key is a limit of a handler, as shop/charge", field="per_key")
    return dict(limits)


def check_breaker(handler: str, state: str) -> None:
    """Raise InvalidRequestError for what isn't a handler, or no state that an operator can give its breaker."""
    if "/" not in _named(handler):
        raise InvalidRequestError(f"a breaker is of a handler, as shop/charge; found {handler!r}", field="handler")
    if state not in (OPEN, CLOSED):
        raise InvalidRequestError(f"a breaker is opened or closed: open or closed; found {state!r}", field="state")
