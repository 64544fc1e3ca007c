"""Before every route: is the request one that may come in at all, and who sent it."""

from __future__ import annotations

import logging
import math
from typing import Any, TypeAlias

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from tasker_core.server.auth.access import Access
from tasker_core.server.auth.failure import AuthFailure, KeysUnavailableError, Reason
from tasker_core.server.auth.principal import ANYONE, NOBODY, Principal
from tasker_core.server.auth.rates import Rates
from tasker_core.server.auth.session import LARGEST_FORM, SIGN_IN, SIGN_OUT, session_of
from tasker_core.server.auth.sites import check_path, check_sender
from tasker_core.server.errors import ApiError, answer_error
from tasker_core.server.metrics import Metrics
from tasker_core.server.middleware import pass_over

log = logging.getLogger("tasker_core.server.auth")

Caller: TypeAlias = Principal | AuthFailure | KeysUnavailableError
"""Who sent a request, or why that can't be said: whether that matters is for the route to tell."""

CALLER = "caller"
MISSING = "this needs credentials: an API key in {header}, or Authorization: Bearer and a token"
KEYS_AGAIN_AFTER = "10"
BURST = 5.0
"""Seconds' worth of requests that may come at once."""
MOST_OF_UNKNOWN = 2 * 1024 * 1024
"""Bytes of a body that are read from an unknown caller, and thrown away, so that an honest one sees the answer."""


class Gate:
    """Turns away what may not come in, and leaves the caller in the request's state, before any body is read."""

    def __init__(self, app: ASGIApp, access: Access, metrics: Metrics) -> None:
        self._app, self._access, self._metrics = app, access, metrics
        self._rates = Rates(access.unknown_per_second, BURST)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            scope.setdefault("state", {})[CALLER] = await self._let_in(scope, receive)
        except ApiError as refusal:
            await answer_error(refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _let_in(self, scope: Scope, receive: Receive) -> Caller:
        check_path(scope["path"], scope.get("raw_path") or scope["path"].encode(), scope["query_string"])
        headers, access = Headers(scope=scope), self._access
        if access.authenticator is None:
            check_sender(headers, hosts=access.hosts, origins=access.origins, any_address=access.any_address)
            return ANYONE
        caller: Caller
        try:
            caller = await access.authenticator.identify(headers)
            if caller is NOBODY:
                key_header = access.authenticator.api_key_header
                session = session_of(headers, scope["method"], scope["path"], key_header)
                caller = caller if session is None else await access.authenticator.identify(session)
        except (AuthFailure, KeysUnavailableError) as failure:
            caller = failure
        if caller is NOBODY:
            caller = AuthFailure(Reason.MISSING, MISSING.format(header=access.authenticator.api_key_header))
        if not isinstance(caller, Principal):
            self._bound(scope)
            if _has_body(headers) and not _signs_in(scope, headers):
                await pass_over(receive, MOST_OF_UNKNOWN)
                raise refused(scope, caller, self._metrics, close=True)
        return caller

    def _bound(self, scope: Scope) -> None:
        wait = self._rates.take(address_in(scope))
        if wait:
            said = "too many requests without credentials that do"
            raise ApiError(429, "TOO_MANY_REQUESTS", said, headers={"Retry-After": str(math.ceil(wait))})


def refused(
    scope: Scope, failure: AuthFailure | KeysUnavailableError, metrics: Metrics, *, close: bool = False
) -> ApiError:
    """What a caller is told who can't be known, after the log was told. Neither is told what was sent."""
    ending = {"Connection": "close"} if close else {}
    if isinstance(failure, KeysUnavailableError):
        headers = {"Retry-After": KEYS_AGAIN_AFTER}
        return ApiError(503, "SERVICE_UNAVAILABLE", str(failure), headers=headers | ending)
    if failure.reason is not Reason.FORBIDDEN:
        metrics.auth_failed(failure.reason)
    level = logging.INFO if failure.severity == "low" else logging.WARNING
    log.log(
        level, "refused %s %s from %s: %s (%s)",
        scope["method"], scope["path"], address_in(scope), failure.reason, failure.message,
    )  # fmt: skip
    return ApiError(failure.status, failure.code, failure.message, headers=failure.headers | ending)


def address_in(scope: Scope) -> str:
    client: Any = scope.get("client")
    return str(client[0]) if client else "this machine"


def _signs_in(scope: Scope, headers: Headers) -> bool:
    length = headers.get("content-length", "")
    return scope["path"] in (SIGN_IN, SIGN_OUT) and length.isdigit() and int(length) <= LARGEST_FORM


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0").strip() != "0"
