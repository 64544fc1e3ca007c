"""Limits and breakers through the client, over HTTP too, and from the terminal."""

from __future__ import annotations

import json

import pytest

from tasker_core.errors import InvalidRequestError
from tests.support.workshop import Workshop
from tests.support.workshop.processes import tasker

ONE: dict[str, list[str]] = {"pay": []}


def test_an_operator_limits_a_handler_whatever_templates_say(each_door: Workshop) -> None:
    client = each_door.client
    each_door.template(ONE, pay={"concurrency": {"limit": 5, "key": "customer"}, "rate": "10/s"})
    (found,) = client.list_limits()
    assert (found.name, found.concurrency, found.per_key, found.rate) == ("shop/pay", 5, 1, "10/s")
    assert (found.running, found.used, found.said) == (0, 0, None)
    (found,) = client.set_limits("shop/pay", {"concurrency": 2, "rate": None}, "slow today", by="ann")
    assert (found.concurrency, found.per_key, found.rate) == (2, 1, None)
    assert found.said == {"concurrency": 2, "rate": None}
    (found,) = client.set_limits("shop/pay", None)
    assert (found.concurrency, found.rate, found.said) == (5, "10/s", None)
    assert [each.name for each in client.set_limits("shop", {"concurrency": 100})] == ["shop", "shop/pay"]


def test_an_operator_opens_and_closes_a_breaker(each_door: Workshop) -> None:
    client = each_door.client
    each_door.template(ONE)
    assert client.list_breakers() == []
    (found,) = client.set_breaker("shop/pay", "open", "down until noon", by="ann")
    assert (found.handler, found.state, found.probe_at) == ("shop/pay", "open", None)
    assert found.by is not None and "ann" in found.by
    each_door.handler("pay")(lambda: None)
    each_door.start()
    task = each_door.create()
    with pytest.raises(TimeoutError):
        client.wait(task, timeout=0.3)
    assert client.set_breaker("shop/pay", "closed", "up again") == []
    assert each_door.finish(task).status == "complete"


SENSELESS: list[tuple[str, dict[str, object], str]] = [
    ("shop/pay", {"concurrency": 0}, "concurrency"),
    ("shop/pay", {"rate": "fast"}, "10/s"),
    ("shop/pay", {"burst": 3}, "burst"),
    ("shop", {"per_key": 3}, "per_key is a limit of a handler"),
    ("/pay", {"concurrency": 3}, "as shop/charge"),
]


def test_a_limit_that_makes_no_sense_is_refused_and_changes_nothing(each_door: Workshop) -> None:
    for name, limits, said in SENSELESS:
        with pytest.raises(InvalidRequestError, match=said):
            each_door.client.set_limits(name, limits)
    assert each_door.client.list_limits() == []


def test_a_breaker_is_of_a_handler(each_door: Workshop) -> None:
    with pytest.raises(InvalidRequestError, match="as shop/charge"):
        each_door.client.set_breaker("shop", "open")
    with pytest.raises(InvalidRequestError, match="open"):
        each_door.client.set_breaker("shop/pay", "ajar")


def test_the_terminal_shows_and_sets_them(workshop: Workshop) -> None:
    workshop.template(ONE, pay={"concurrency": 5})
    shown = tasker("limits", "set", "shop/pay", "--rate", "3/min", "--lift", "concurrency", url=workshop.url)
    assert shown.code == 0, shown.err
    (found,) = json.loads(tasker("limits", "list", "--json", url=workshop.url).out)
    assert (found["concurrency"], found["rate"]) == (None, "3/min")
    refused = tasker("limits", "set", "shop/pay", url=workshop.url)
    assert refused.code == 2 and "--rate" in refused.err
    opened = tasker("breakers", "open", "shop/pay", "--reason", "down", url=workshop.url)
    assert "open" in opened.out
    assert tasker("breakers", "close", "shop/pay", url=workshop.url).out.strip() == "all breakers are closed"


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"concurrency": {"per_key": 2}}, "name a value of the context"),
        ({"concurrency": {}}, "limits nothing"),
        ({"concurrency": 0}, "at least 1"),
        ({"concurrency": {"key": "a..b"}}, "must be a path"),
        ({"concurrency": {"keys": "a"}}, "limits nothing"),
        ({"rate": "ten a second"}, "must be a number of steps in a time, like 10/s"),
        ({"rate": "0/s"}, "must be a number of steps in a time"),
    ],
)
def test_a_template_with_such_a_limit_is_refused_naming_the_key(
    workshop: Workshop, step: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=said) as told:
        workshop.template(ONE, pay=step)
    assert next(iter(step)) in str(told.value) and "'pay'" in str(told.value)
