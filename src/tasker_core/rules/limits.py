"""Limits: how many steps of a handler or a namespace may run at once, of each key, and how many may begin in a time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tasker_core.rules import semver
from tasker_core.rules.context_field import Part
from tasker_core.rules.payload import encode
from tasker_core.words import Micros

LONGEST_KEY = 200
LARGEST = 1_000_000_000
_UNITS: Mapping[str, Micros] = {"s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_RATE = re.compile(r"([0-9]{1,9})\s*/\s*([0-9]{0,6})\s*(s|min|h|d)")


class Rate(NamedTuple):
    """At most ``most`` in any stretch of time that is ``period`` (microseconds) long."""

    most: int
    period: Micros

    def __str__(self) -> str:
        unit, size = next((u, s) for u, s in reversed(list(_UNITS.items())) if self.period % s == 0)
        return f"{self.most}/{'' if self.period == size else self.period // size}{unit}"


class Limits(NamedTuple):
    """What holds for a handler or a namespace; None is no limit."""

    concurrency: int | None = None
    per_key: int | None = None
    rate: Rate | None = None

    def __bool__(self) -> bool:
        return any(limit is not None for limit in self)

    def and_also(self, other: Limits) -> Limits:
        """The lesser of each."""
        return declared_limits({"a": self.as_dict(), "b": other.as_dict()}, None)

    def as_dict(self) -> dict[str, Any]:
        """As JSON values, without what isn't limited."""
        said = {"concurrency": self.concurrency, "per_key": self.per_key, "rate": str(self.rate) if self.rate else None}
        return {name: value for name, value in said.items() if value is not None}

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Limits:
        """What ``as_dict`` wrote."""
        rate = said.get("rate")
        return cls(said.get("concurrency"), said.get("per_key"), read_rate(rate) if rate else None)


NO_LIMITS = Limits()


def read_rate(text: str) -> Rate:
    """A rate as people write it. Raises ValueError, saying what would be right.

    >>> read_rate("10/s"), str(read_rate("600 / 5min"))
    (Rate(most=10, period=1000000), '600/5min')
    """
    match = _RATE.fullmatch(text.strip())
    if match is None or int(match[1]) == 0 or (match[2] and int(match[2]) == 0):
        raise ValueError(f"must be a number of steps in a time, like 10/s, 100/min, 5/10s or 1000/h; found {text!r}")
    return Rate(int(match[1]), int(match[2] or 1) * _UNITS[match[3]])


def declared_limits(declared: Mapping[str, Mapping[str, Any]], word: Mapping[str, Any] | None) -> Limits:
    """What holds where several templates limit the same handler: the least of what each says in its newest version.

    ``declared`` has an entry for each template. A ``word`` of an operator stands above what the templates say of the
    same thing; None in it lifts that limit.

    >>> declared = {"refund": {"concurrency": 5}, "checkout": {"concurrency": 3, "rate": "10/s"}}
    >>> declared_limits(declared, None).as_dict(), declared_limits(declared, {"concurrency": None}).as_dict()
    ({'concurrency': 3, 'rate': '10/s'}, {'rate': '10/s'})
    """
    each = [Limits.from_dict(said) for said in declared.values()]
    rates = [one.rate for one in each if one.rate is not None]
    said: dict[str, Any] = {
        "concurrency": min((one.concurrency for one in each if one.concurrency is not None), default=None),
        "per_key": min((one.per_key for one in each if one.per_key is not None), default=None),
        "rate": str(min(rates, key=lambda rate: rate.most / rate.period)) if rates else None,
    }
    return Limits.from_dict({**said, **(word or {})})


def declare(
    declared: Mapping[str, Mapping[str, Any]], template: str, version: str, limits: Limits
) -> dict[str, Mapping[str, Any]] | None:
    """``declared`` with what ``version`` of ``template`` says; None where that is nothing new, or not the newest."""
    before = declared.get(template)
    if before is not None and semver.precedence(before["version"]) > semver.precedence(version):
        return None
    after = {name: said for name, said in declared.items() if name != template}
    if limits:
        after[template] = {**limits.as_dict(), "version": version}
    return None if after == declared else after


def key_of(context: Mapping[str, Any], path: Sequence[Part]) -> str:
    """The value at ``path`` of a context, as the text that steps of the same key share.

    A number and a text that look alike are two keys. What isn't there counts as null, which is a key like any other. A
    long value stands for itself by its SHA-256.

    >>> [key_of({"customer": {"id": 42}}, path) for path in (("customer", "id"), ("customer", "name"), ("customer",))]
    ['42', 'null', '{"id":42}']
    """
    value: Any = context
    for part in path:
        if isinstance(part, int):
            value = value[part] if isinstance(value, list) and part < len(value) else None
        else:
            value = value.get(part) if isinstance(value, Mapping) else None
    text = encode(value, "key")
    return text if len(text) <= LONGEST_KEY else hashlib.sha256(text.encode()).hexdigest()
