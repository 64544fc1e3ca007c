"""Every route of the server, each in turn: none is left without a permission, none lets in who lacks it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tasker_core.server import create_app
from tasker_core.server.auth.access import Access
from tasker_core.server.auth.keys import new_key
from tasker_core.server.callers import permissions_of, requires
from tasker_core.server.permissions import PERMISSIONS
from tests.doors.auth.test_tokens import hs256_with
from tests.support.contents import contents
from tests.support.flows import wish
from tests.support.guard import Guard
from tests.support.served import Served
from tests.support.signer import fair_claims, rsa_signer, unsigned

PUBLIC = {
    "/",
    "/health",
    "/health/live",
    "/health/ready",
    "/health/detailed",
    "/metrics",
    "/metrics/events",
    "/openapi.json",
    "/docs",
    "/docs/{asset}",
    "/api-docs/openapi.json",
    "/api-docs/ui",
}
"""Probes, figures and the API's description. What is added here is open to everybody who reaches a server."""


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    permission: str | None

    def call(self, api: Served, ids: dict[str, str], headers: dict[str, str]) -> httpx.Response:
        path = self.path.format_map(_Else(ids))
        body: dict[str, Any] = {} if self.method in ("GET", "HEAD", "DELETE") else {"json": {"name": "order"}}
        return api.http.request(self.method, path, headers=headers, **body)


class _Else(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "1" if name in ("version", "number") else "shop"


def routes_of(app: FastAPI) -> Iterator[Route]:
    for route, permissions in permissions_of(app):
        for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"}):
            assert len(permissions) <= 1, f"{method} {route.path}: one route, one permission"
            yield Route(method, str(route.path), permissions[0] if permissions else None)


def app_of(api: Served) -> FastAPI:
    app = api.server.config.app
    assert isinstance(app, FastAPI)
    return app


def test_every_route_declares_a_permission_of_the_table_or_is_known_to_be_public(guarded: Served) -> None:
    routes = list(routes_of(app_of(guarded)))
    assert {route.path for route in routes if route.permission is None} == PUBLIC
    assert all(route.permission in PERMISSIONS for route in routes if route.path not in PUBLIC)
    assert sum(route.path not in PUBLIC for route in routes) >= 8


def test_a_route_reads_its_body_itself_after_its_caller_was_checked(guarded: Served) -> None:
    for route, _ in permissions_of(app_of(guarded)):
        assert getattr(route, "body_field", None) is None, f"{route.path}: FastAPI would parse its body before anything"


def test_a_permission_that_is_not_in_the_table_cannot_be_asked_for() -> None:
    with pytest.raises(LookupError, match="tasks:fly"):
        requires("tasks:fly")


def test_the_document_tells_each_routes_permission(guarded: Served) -> None:
    document = guarded.get("/openapi.json")
    assert set(document["components"]["securitySchemes"]) == {"ApiKey", "Bearer"}
    for route in routes_of(app_of(guarded)):
        operation = document["paths"].get(route.path, {}).get(route.method.lower())
        if operation is None:
            assert route.path in PUBLIC
            continue
        assert operation.get("x-permission") == route.permission
        asked = [{"ApiKey": [route.permission]}, {"Bearer": [route.permission]}] if route.permission else None
        assert operation.get("security") == asked
        assert {"401", "403", "429"} <= set(operation["responses"])


def test_an_open_server_says_so_in_its_document(open_server: Served) -> None:
    document = open_server.get("/openapi.json")
    assert "securitySchemes" not in document["components"]
    assert document["paths"]["/v1/tasks"]["post"]["x-permission"] == "tasks:create"


ON_EVERY_ROUTE = (
    "none", "another key", "an expired token", "a token of another signer", "an unsigned token",
    "a token signed with the public key",
)  # fmt: skip


def bad_credentials(guard: Guard) -> dict[str, tuple[dict[str, str], str]]:
    """Headers that let nobody in, and why."""
    signer, everything = guard.signer, list(PERMISSIONS)
    key = guard.keys["ops"]

    def bearer(token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}

    return {
        "none": ({}, "missing"),
        "another key": ({"X-API-Key": new_key()}, "invalid"),
        "a key in other case": ({"X-API-Key": key.swapcase()}, "invalid"),
        "a key cut off": ({"X-API-Key": key[:-1]}, "invalid"),
        "the key's hash": ({"X-API-Key": guard.entries[-1].hash}, "invalid"),
        "an empty key": ({"X-API-Key": ""}, "malformed"),
        "an endless key": ({"X-API-Key": "k" * 5_000}, "malformed"),
        "a key as a token": (bearer(key), "malformed"),
        "a key as a password": ({"Authorization": f"Basic {key}"}, "malformed"),
        "a key and a token": ({"X-API-Key": key, **bearer(signer.token(*everything))}, "malformed"),
        "no token": ({"Authorization": "Bearer"}, "malformed"),
        "an expired token": (bearer(signer.token(*everything, exp=1_700_000_000)), "expired"),
        "a token for later": (bearer(signer.token(*everything, nbf=4_000_000_000)), "invalid"),
        "a token of another signer": (bearer(rsa_signer("forger").token(*everything)), "invalid"),
        "a token for another audience": (bearer(signer.token(*everything, aud="shop")), "invalid"),
        "an unsigned token": (bearer(unsigned({"alg": "none"}, fair_claims(everything))), "invalid"),
        "a token signed with the public key": (bearer(hs256_with(signer.public_pem.encode())), "invalid"),
        "a token that may do everything": (bearer(signer.token("*")), "invalid"),
    }


def test_nobody_gets_in_without_credentials_that_do_and_nothing_changes(guarded: Served, guard: Guard) -> None:
    task = guarded.engine.create([wish(guarded.engine)])[0].task
    ids = {"task_uuid": task, "step_uuid": guarded.engine.views.steps(task)[0]["step_uuid"]}
    routes = [route for route in routes_of(app_of(guarded)) if route.permission is not None]
    before = contents(guarded.url_of_store)
    for route in routes:
        bad = bad_credentials(guard)
        for name in ON_EVERY_ROUTE if route.path != "/v1/tasks" else bad:
            headers, reason = bad[name]
            answer = route.call(guarded, ids, headers)
            assert answer.status_code == 401, f"{route} with {name}: {answer.status_code} {answer.text}"
            assert answer.headers["x-auth-failure-reason"] == reason, f"{route} with {name}: {answer.text}"
            assert answer.headers["x-auth-failure-severity"] in ("low", "medium", "high")
            assert ("Retry-After" in answer.headers) is (reason in ("invalid", "malformed"))
            assert answer.headers["WWW-Authenticate"] == "Bearer" and "X-Request-ID" in answer.headers
            assert answer.json()["error"]["code"] == (
                "UNAUTHORIZED" if reason == "missing" else "AUTHENTICATION_FAILED"
            )
        others = [permission for permission in PERMISSIONS if permission != route.permission]
        answer = route.call(guarded, ids, {"Authorization": f"Bearer {guard.signer.token(*others)}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN"), f"{route}: {answer.text}"
        assert str(route.permission) in answer.json()["error"]["message"]
        assert answer.headers["x-auth-failure-reason"] == "forbidden"
        assert answer.headers["x-auth-failure-severity"] == "medium" and answer.headers["Retry-After"] == "5"
    assert contents(guarded.url_of_store) == before
    for route in routes:
        allowed = {"Authorization": f"Bearer {guard.signer.token(str(route.permission))}"}
        assert route.call(guarded, ids, allowed).status_code not in (401, 403, 429), route
    assert contents(guarded.url_of_store) != before, "with their permissions, the routes do what they are for"


def test_the_public_routes_stay_open_to_those_with_wrong_credentials(guarded: Served) -> None:
    for path in sorted(PUBLIC):
        for headers in ({}, {"X-API-Key": new_key()}, {"Authorization": "Bearer nonsense"}):
            assert guarded.http.get(path.format(asset="page.js"), headers=headers).status_code == 200


def test_a_wildcard_opens_its_resource_and_no_other(guarded: Served, guard: Guard) -> None:
    guarded.http.headers["Authorization"] = f"Bearer {guard.signer.token('tasks:*')}"
    task = guarded.create(context={"for": "the wildcard"})
    guarded.get(f"/v1/tasks/{task}")
    guarded.get("/v1/tasks")
    assert guarded.get(f"/v1/tasks/{task}/workflow_steps", 403)["error"]["code"] == "FORBIDDEN"
    guarded.delete(f"/v1/tasks/{task}")


def test_an_open_server_lets_this_machine_do_everything(open_server: Served) -> None:
    task = open_server.create()
    open_server.get(f"/v1/tasks/{task}/workflow_steps")
    open_server.delete(f"/v1/tasks/{task}")


def test_an_application_without_its_gate_lets_nobody_in(guarded: Served) -> None:
    app = create_app(guarded.engine, access=Access())
    app.user_middleware = [
        each for each in app.user_middleware if getattr(each.cls, "__name__", "") not in ("Gate", "Mask")
    ]

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            return await http.get("/v1/tasks")

    assert asyncio.run(ask()).status_code == 500
