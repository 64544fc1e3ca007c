"""Two claims of what is limited at the same instant: the second counts what the first one took."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tasker_core.engine import Engine
from tasker_core.store.claiming import run_and_claim
from tests.race.instant import hands
from tests.support.flows import Hands, flow, wish

LIMITS: dict[str, dict[str, Any]] = {
    "handler": {"concurrency": 1},
    "key": {"concurrency": {"per_key": 1, "key": "customer"}},
    "rate": {"rate": "1/min"},
}


# Seen to fail, each of them, without `for no key update` in lock_gates. SQLite has one writer at a time.
@pytest.mark.parametrize("kind", LIMITS)
def test_a_claim_waits_for_the_one_that_counts(postgres_url: str, kind: str) -> None:
    with hands(postgres_url, 2) as those:
        one, other = (Engine(stage.store, clock=stage.clock) for stage in those.stages)
        one.catalog.register(flow({"pay": []}, **LIMITS[kind]), replace=True)
        other.catalog.refresh()
        one.create([wish(one, context={"customer": "ann", "n": n}) for n in range(2)])
        first, second = Hands(one), Hands(other)
        with ThreadPoolExecutor(1) as pool:
            with one.store.database.transaction() as transaction:
                claim = one.gates.as_claim(first.request(room=1))
                _, taken = run_and_claim(transaction, (), claim, one.ids.stamp(), one.clock.now())
                claiming = pool.submit(second.claim_all, 1)
                deadline = time.monotonic() + 20
                while those.beside.read("select count(*) from pg_locks where not granted")[0] == [(0,)]:
                    assert not claiming.done(), "it claimed although another one had counted and not yet committed"
                    assert time.monotonic() < deadline
            assert (len(taken), claiming.result()) == (1, [])
