"""Limits and breakers as the client tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class LimitResponse:
    """What may run of a handler (``shop/charge``) or a namespace (``shop``); None is no limit.

    ``running`` is how many run now, ``used`` how many began in the time of the rate. ``declared`` is what each template
    says, ``said`` what an operator said.
    """

    name: str = ""
    concurrency: int | None = None
    per_key: int | None = None
    rate: str | None = None
    running: int = 0
    used: int | None = None
    declared: dict[str, Any] = field(default_factory=dict)
    said: dict[str, Any] | None = None

    @classmethod
    def list_from(cls, data: Mapping[str, Any]) -> list[LimitResponse]:
        return [cls(**_known(cls, each)) for each in data["limits"]]


@dataclass(frozen=True)
class BreakerResponse:
    """The breaker of a handler: ``state`` is closed, open or half_open; ``failures`` so many in a row; ``by`` is the
    operator who opened it. Times are in ISO 8601."""

    handler: str = ""
    state: str = "closed"
    failures: int = 0
    since: str | None = None
    probe_at: str | None = None
    by: str | None = None

    @classmethod
    def list_from(cls, data: Mapping[str, Any]) -> list[BreakerResponse]:
        return [cls(**_known(cls, each)) for each in data["breakers"]]


def _known(cls: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key in cls.__dict__["__dataclass_fields__"]}
