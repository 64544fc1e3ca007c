"""Servers that know their callers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tasker_core.server.auth.access import Access
from tasker_core.server.auth.authenticator import Authenticator
from tasker_core.server.auth.keys import ApiKey, KeyRing, hash_key, new_key
from tasker_core.server.auth.signers import OneSigner, public_key
from tasker_core.server.auth.tokens import TokenRules, Tokens
from tests.support.flows import flow
from tests.support.served import Served, served
from tests.support.signer import Signer, rsa_signer

UNBOUNDED = 1e6


@dataclass
class Guard:
    """Who is let in: bearers of keys by the names of these, and of tokens that ``signer`` signs."""

    signer: Signer = field(default_factory=rsa_signer)
    keys: dict[str, str] = field(default_factory=dict)
    entries: list[ApiKey] = field(default_factory=list)

    def key(self, name: str, *permissions: str) -> str:
        self.keys[name] = new_key()
        self.entries.append(ApiKey(hash=hash_key(self.keys[name]), permissions=permissions, description=name))
        return self.keys[name]

    def headers(self, name: str) -> dict[str, str]:
        return {"X-API-Key": self.keys[name]}

    def authenticator(self) -> Authenticator:
        tokens = Tokens(OneSigner(public_key(self.signer.public_pem)), TokenRules())
        return Authenticator(KeyRing(self.entries), tokens)


@pytest.fixture(scope="module")
def guard() -> Guard:
    guard = Guard()
    guard.key("shop", "tasks:create", "tasks:read", "tasks:list", "steps:read")
    guard.key("ops", "tasks:*", "steps:*")
    return guard


@pytest.fixture(scope="module")
def guarded(guard: Guard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that knows its callers, on a store in which the template shop/order stands: pay, then ship."""
    url = f"sqlite:///{tmp_path_factory.mktemp('guarded')}/tasker.db"
    with served(url, Access(authenticator=guard.authenticator(), unknown_per_second=UNBOUNDED)) as running:
        running.engine.catalog.register(flow({"pay": [], "ship": ["pay"]}), replace=False)
        yield running


@pytest.fixture(autouse=True)
def without_credentials(request: pytest.FixtureRequest) -> None:
    """What one test's client says of itself isn't said by the next one's."""
    if "guarded" in request.fixturenames:
        served_to_all: Served = request.getfixturevalue("guarded")
        for name in ("X-API-Key", "Authorization"):
            served_to_all.http.headers.pop(name, None)


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server without authentication, with the template shop/order."""
    url = f"sqlite:///{tmp_path_factory.mktemp('open')}/tasker.db"
    with served(url) as running:
        running.engine.catalog.register(flow({"pay": [], "ship": ["pay"]}), replace=False)
        yield running
