"""Who asks, and what a route asks of its caller."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from fastapi import FastAPI, Request, Security, params
from fastapi.routing import RouteContext, iter_route_contexts

from tasker_core.clock import stamp_of
from tasker_core.server.auth.failure import AuthFailure, Reason
from tasker_core.server.auth.gate import CALLER, Caller, refused
from tasker_core.server.auth.principal import ANYONE, Principal
from tasker_core.server.core import core_of
from tasker_core.server.permissions import PERMISSIONS
from tasker_core.words import Word


def requires(permission: str) -> Any:
    """A dependency of a route: its caller needs ``permission``, one of the table. What it reads it reads after this.

    ``dependencies=[requires("tasks:read")]`` on a route, or on a router whose routes need the same.
    """
    if permission not in PERMISSIONS:
        raise LookupError(f"{permission!r} is not in the table of permissions")

    async def allowed(request: Request) -> None:
        caller = _caller_of(request)
        if not isinstance(caller, Principal):
            raise refused(request.scope, caller, core_of(request).metrics)
        demand(request, caller, permission)

    return Security(allowed, scopes=[permission])


def demand(request: Request, principal: Principal, permission: str) -> None:
    """Refuse the request unless ``principal`` has the permission: for what only some requests of a route need."""
    if not principal.may(permission):
        core_of(request).metrics.permission_denied(permission)
        failure = AuthFailure(Reason.FORBIDDEN, f"this needs the permission {permission}")
        raise refused(request.scope, failure, core_of(request).metrics)


def permissions_of(app: FastAPI) -> Iterator[tuple[RouteContext, list[str]]]:
    """Every route of ``app`` with the permissions it asks for: one, or none where it is public."""
    for route in iter_route_contexts(app.routes):
        asked = [dep for dep in getattr(route, "dependencies", ()) if isinstance(dep, params.Security)]
        yield route, [scope for dep in asked for scope in dep.scopes or ()]


def principal_of(request: Request) -> Principal:
    """Who asks, on a route that requires a permission."""
    caller = _caller_of(request)
    assert isinstance(caller, Principal)
    return caller


def actor_of(request: Request, named: str | None) -> str:
    """Who asks, for the record: who the credentials are of, and whom they name."""
    principal = principal_of(request)
    if principal is ANYONE:
        return f"client {named}" if named else "client"
    return f"client {principal.name} for {named}" if named else f"client {principal.name}"


def word_of(request: Request, named: str | None, reason: str, action: UUID | None) -> Word:
    """What an operator says in a request, for the record."""
    return Word(actor_of(request, named), reason, None if action is None else stamp_of(str(action)))


def _caller_of(request: Request) -> Caller:
    caller: Caller = request.scope["state"][CALLER]
    return caller
