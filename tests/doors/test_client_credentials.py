"""A client that a server doesn't know, or doesn't permit what it asks: each call says so, and nothing changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

import pytest

from tasker_core import AsyncTaskerClient, TaskerClient
from tasker_core.client.credentials import PERMISSIONS as SIGNED
from tasker_core.errors import CredentialsError, NotPermittedError
from tasker_core.server.auth.keys import new_key
from tasker_core.server.permissions import PERMISSIONS, granted
from tests.support.contents import contents
from tests.support.flows import flow, wish
from tests.support.guard import Guard
from tests.support.served import Served, served
from tests.support.signer import rsa_signer
from tests.support.workshop import flow as template

TASK, STEP = "the task", "the step"
CALLS: Mapping[str, tuple[str, tuple[Any, ...]]] = {
    "create_task": ("tasks:create", ("order",)),
    "create_tasks": ("tasks:create", ([{"name": "order", "context": {"by": "many"}}],)),
    "get_task": ("tasks:read", (TASK,)),
    "list_tasks": ("tasks:list", ()),
    "cancel_task": ("tasks:cancel", (TASK,)),
    "list_task_steps": ("steps:read", (TASK,)),
    "get_step": ("steps:read", (TASK, STEP)),
    "get_step_audit_history": ("steps:read", (TASK, STEP)),
    "explain": ("tasks:read", (TASK,)),
    "doctor": ("system:config_read", ()),
    "wait": ("tasks:read", (TASK, 0.1)),
    "register_template": ("templates:register", (template({"a": []}, name="another"),)),
}
"""Every call that needs a permission, with that and its arguments."""
PUBLIC = {"health_check", "close"}


@pytest.fixture(scope="module")
def guard() -> Guard:
    guard = Guard()
    guard.key("another", "dlq:read")
    return guard


@pytest.fixture(scope="module")
def guarded(guard: Guard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(f"sqlite:///{tmp_path_factory.mktemp('guarded')}/tasker.db", guard.access()) as server:
        server.engine.catalog.register(flow({"pay": []}), replace=False)
        yield server


NUMBERS = count()
Ask = Callable[[Any, str], Any]


@pytest.fixture
def ask(guarded: Served) -> Ask:
    """Has a client call a method, of a task that is there and its step."""
    task = guarded.engine.create([wish(guarded.engine, context={"no": next(NUMBERS)})])[0].task
    there = {TASK: task, STEP: guarded.engine.views.steps(task)[0]["step_uuid"]}

    def ask(client: Any, name: str) -> Any:
        arguments = CALLS[name][1]
        return getattr(client, name)(*(there.get(each, each) if isinstance(each, str) else each for each in arguments))

    return ask


def credentials(guard: Guard) -> dict[str, tuple[dict[str, Any], str]]:
    """What a client may bring that lets nobody in, and what it is told."""
    permitted = ("tasks:*", "steps:*")
    return {
        "none": ({}, "this needs credentials"),
        "a wrong key": ({"api_key": new_key()}, "there is no such API key"),
        "an expired token": ({"token": guard.signer.token(*permitted, exp=1_700_000_000)}, "the token has expired"),
        "a forged token": ({"token": rsa_signer("forger").token(*permitted)}, "signature"),
        "no token at all": ({"token": "abc.def"}, "token"),
    }


def test_every_call_is_looked_at() -> None:
    assert CALLS.keys() | PUBLIC == {name for name in vars(TaskerClient) if not name.startswith("_")}


@pytest.mark.parametrize("bad", ["none", "a wrong key", "an expired token", "a forged token", "no token at all"])
def test_a_client_that_is_not_known_is_told_why_by_each_call(guarded: Served, guard: Guard, ask: Ask, bad: str) -> None:
    brought, words = credentials(guard)[bad]
    before = contents(guarded.url_of_store)
    with TaskerClient(url=guarded.url, **brought) as client:
        for name in CALLS:
            with pytest.raises(CredentialsError, match=words) as refused:
                ask(client, name)
            told = str(refused.value)
            assert guarded.url in told and "TASKER_API_KEY" in told
            assert not any(secret in told for secret in brought.values())
        assert client.health_check().healthy, "a probe isn't asked who it is"
    assert contents(guarded.url_of_store) == before


def test_a_client_without_a_permission_is_told_which(guarded: Served, guard: Guard, ask: Ask) -> None:
    before = contents(guarded.url_of_store)
    with TaskerClient(url=guarded.url, api_key=guard.keys["another"]) as client:
        for name, (permission, _) in CALLS.items():
            with pytest.raises(NotPermittedError, match=f"this needs the permission {permission}$"):
                ask(client, name)
    assert contents(guarded.url_of_store) == before


def test_a_permission_suffices_for_its_call(guarded: Served, guard: Guard, ask: Ask) -> None:
    for name, (permission, _) in CALLS.items():
        with TaskerClient(url=guarded.url, token=guard.signer.token(permission)) as client:
            ask(client, name)


def test_an_async_client_is_told_the_same(guarded: Served, guard: Guard, ask: Ask) -> None:
    async def refusals(**brought: Any) -> list[str]:
        said = []
        async with AsyncTaskerClient(url=guarded.url, **brought) as client:
            for name in CALLS:
                with pytest.raises((CredentialsError, NotPermittedError)) as refused:
                    await ask(client, name)
                said.append(type(refused.value).__name__)
        return said

    assert asyncio.run(refusals(api_key=new_key())) == ["CredentialsError"] * len(CALLS)
    assert asyncio.run(refusals(api_key=guard.keys["another"])) == ["NotPermittedError"] * len(CALLS)


def test_a_token_of_the_clients_own_making_permits_all_that_there_is() -> None:
    """Whoever has the private key could sign that as well."""
    assert granted(SIGNED) == frozenset(PERMISSIONS)
