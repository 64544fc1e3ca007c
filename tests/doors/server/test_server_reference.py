"""The reference of the REST API tells of every route, with its permission and statuses, and of the error codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from tasker_core.engine.open import close_engine, open_engine
from tasker_core.server import create_app, errors
from tasker_core.server.auth.failure import AuthFailure, Reason
from tasker_core.server.permissions import PERMISSIONS

ROOT = Path(__file__).parents[3]
REFERENCE = (ROOT / "docs/reference/rest.md").read_text()
ROUTE = re.compile(r"^\| ([A-Z]+) `(/\S*)` \| (\S+) \| ([\d, ]+) \|", re.MULTILINE)
ERROR = re.compile(r"^\| (\d{3}) \| `([A-Z_]+)` \|", re.MULTILINE)
RAISED = re.compile(r'ApiError\(\s*(\d{3}),\s*"([A-Z_]+)"')


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    engine = open_engine(f"sqlite:///{tmp_path / 'tasker.db'}")
    made = create_app(engine)
    close_engine(engine)
    return made


def test_every_route_is_told_with_the_statuses_that_it_documents(app: FastAPI) -> None:
    documented = {
        (method.upper(), path): {int(status) for status in operation["responses"]}
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
    }
    of_any = {status for status in set.intersection(*documented.values()) if status >= 400}
    told = {(method, path): set(map(int, said.split(", "))) for method, path, _, said in ROUTE.findall(REFERENCE)}
    assert told == {route: statuses - of_any for route, statuses in documented.items()}


def test_every_route_is_told_with_its_permission(app: FastAPI) -> None:
    asked = {
        (method, route.path): permission
        for route in iter_route_contexts(app.routes)
        for dependency in getattr(route, "dependencies", ())
        for permission in (*(getattr(dependency, "scopes", None) or ()), dependency.dependency.__name__)
        if permission in PERMISSIONS
        for method in route.methods or ()
    }
    told = {(method, path): said.strip("`") for method, path, said, _ in ROUTE.findall(REFERENCE)}
    assert {route: permission for route, permission in told.items() if permission != "-"} == asked


def test_every_error_code_is_told() -> None:
    sources = Path(errors.__file__).parent.rglob("*.py")
    raised = {found for source in sources for found in RAISED.findall(source.read_text())}
    by_status = {(str(status), code) for status, code in errors.STATUS_CODES.items()}
    refusals = [AuthFailure(reason, "") for reason in Reason]
    by_gate = {(str(refusal.status), refusal.code) for refusal in refusals}
    assert raised | by_status | by_gate <= set(ERROR.findall(REFERENCE))
