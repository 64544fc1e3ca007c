"""What a client asks and says about limits and breakers, made into calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasker_core.client.call import Call, Request
from tasker_core.client.local import Local
from tasker_core.clock import RandomIds, stamp_of
from tasker_core.engine.requests import as_text
from tasker_core.rules.payload import encode
from tasker_core.types.limits import BreakerResponse, LimitResponse
from tasker_core.words import Word


class LimitCalls:
    """The calls of a client that operates as ``initiator``; each word carries an id of its own and is done once."""

    def __init__(self, initiator: str) -> None:
        self._initiator, self._ids = initiator, RandomIds()

    def list_limits(self) -> Call[list[LimitResponse]]:
        return Call(
            lambda local: {"limits": local.limits.limits()}, lambda: Request("/v1/limits"), LimitResponse.list_from
        )

    def list_breakers(self) -> Call[list[BreakerResponse]]:
        return Call(
            lambda local: {"breakers": local.limits.breakers()},
            lambda: Request("/v1/breakers"),
            BreakerResponse.list_from,
        )

    def set_limits(
        self, name: str, limits: Mapping[str, Any] | None, reason: str, by: str | None
    ) -> Call[list[LimitResponse]]:
        word, said = self._word(reason, by)

        def here(local: Local) -> dict[str, Any]:
            local.limits.limit(name, limits, word)
            return {"limits": local.limits.limits()}

        body = {"name": name, "limits": None if limits is None else dict(limits), **said}
        return Call(here, lambda: Request("/v1/limits", "PUT", body=encode(body, "request")), LimitResponse.list_from)

    def set_breaker(self, handler: str, state: str, reason: str, by: str | None) -> Call[list[BreakerResponse]]:
        word, said = self._word(reason, by)

        def here(local: Local) -> dict[str, Any]:
            local.limits.set_breaker(handler, state, word)
            return {"breakers": local.limits.breakers()}

        body = {"handler": handler, "state": state, **said}
        return Call(
            here, lambda: Request("/v1/breakers", "PUT", body=encode(body, "request")), BreakerResponse.list_from
        )

    def _word(self, reason: str, by: str | None) -> tuple[Word, dict[str, Any]]:
        as_text(reason, "reason", 500, may_be_empty=True)
        who = self._initiator if by is None else as_text(by, "by", 255)
        action = self._ids.new()
        said = {"reason": reason, "by": who, "action_id": action}
        return Word(f"client {who}", reason, stamp_of(action)), said
