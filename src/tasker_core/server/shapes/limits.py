"""Limits and breakers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, RootModel

from tasker_core.server.shapes.base import Action, Actor, Shape

LARGEST = 1_000_000_000
HANDLER, NAMESPACE = r"^[^/\x00\x1f]+/[^\x00\x1f]+$", r"^[^/\x00\x1f]+$"
RATE = r"^[1-9][0-9]{0,8}/([1-9][0-9]{0,5})?(s|min|h|d)$"
"""Patterns."""


class LimitStatus(Shape):
    """What may run of a handler, as `shop/charge`, or of a namespace, as `shop`; null is no limit."""

    name: str
    concurrency: int | None = Field(description="So many may run at once.")
    per_key: int | None = Field(description="So many of each key may.")
    rate: str | None = Field(description="So many may begin in a time.")
    running: int = Field(description="So many run now.")
    used: int | None = Field(description="So many began in the time of the rate.")
    declared: dict[str, Any] = Field(description="What each template says, in its newest version.")
    said: dict[str, Any] | None = Field(description="What an operator said, which stands above that.")


class LimitList(Shape):
    limits: list[LimitStatus]


class NamespaceLimits(Shape):
    """What isn't given is left to the templates; null lifts what they say."""

    concurrency: int | None = Field(None, ge=1, le=LARGEST)
    rate: str | None = Field(None, pattern=RATE, description="As `10/s`, `100/min`, `5/10s`.")


class HandlerLimits(NamespaceLimits):
    per_key: int | None = Field(None, ge=1, le=LARGEST)


class HandlerLimitWord(Action):
    """A limit for a handler."""

    name: str = Field(max_length=600, pattern=HANDLER, description="As `shop/charge`.")
    limits: HandlerLimits | None = Field(description="null leaves it to the templates again.")
    by: Actor = None


class NamespaceLimitWord(Action):
    """A limit for a namespace."""

    name: str = Field(max_length=600, pattern=NAMESPACE, description="As `shop`.")
    limits: NamespaceLimits | None = Field(description="null lifts it again.")
    by: Actor = None


class LimitWord(RootModel[HandlerLimitWord | NamespaceLimitWord]):
    """A limit for a handler or a namespace."""


class BreakerStatus(Shape):
    """The breaker of a handler."""

    handler: str
    state: Literal["closed", "open", "half_open"]
    failures: int = Field(description="Retryable failures in a row.")
    since: datetime | None = Field(description="Since when it isn't closed.")
    probe_at: datetime | None = Field(description="When one step may try; null for one that an operator opened.")
    by: str | None = Field(description="The operator who opened it.")


class BreakerList(Shape):
    breakers: list[BreakerStatus]


class BreakerWord(Action):
    """A breaker opened or closed by hand."""

    handler: str = Field(max_length=600, pattern=HANDLER, description="As `shop/charge`.")
    state: Literal["open", "closed"]
    by: Actor = None
