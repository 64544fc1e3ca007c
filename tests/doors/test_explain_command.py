"""``tasker explain`` and ``client.explain``: the reasons to a person, and to a program."""

from __future__ import annotations

import json

import pytest

from tasker_core.errors import InvalidRequestError, TaskNotFoundError
from tasker_core.rules.explanation import ReasonKind
from tests.support.workshop import Workshop, tasker

NOBODY = "01980000-0000-7000-8000-000000000000"


def test_the_client_names_the_reasons(workshop: Workshop) -> None:
    workshop.template({"cart": [], "pay": ["cart"]})
    why = workshop.client.explain(workshop.create())
    assert [(step.name, step.reason.kind) for step in why.steps] == [
        ("cart", ReasonKind.NO_WORKER),
        ("pay", ReasonKind.WAITS_FOR_PARENTS),
    ]
    with pytest.raises(TaskNotFoundError):
        workshop.client.explain(NOBODY)
    with pytest.raises(InvalidRequestError, match="task_uuid must be a UUID"):
        workshop.client.explain("12")


def test_the_command_tells_people(workshop: Workshop) -> None:
    workshop.template({"cart": [], "pay": ["cart"]})
    task = workshop.create()
    told = tasker("explain", task, url=workshop.url)
    assert (told.code, told.err) == (0, "")
    first, summary, head, cart, pay, advice = (line.rstrip() for line in told.out.splitlines())
    assert first.startswith("steps_in_process since 20") and first.endswith(task)
    assert summary == "0 of 2 steps done; 1 without a worker that serves it, 1 waiting for parents"
    assert head.split() == ["step", "why", "since"]
    reason = "no live worker serves the handler 'cart' of namespace 'shop': no worker lives at all"
    assert cart.split()[0] == "cart" and reason in cart
    assert "waits for cart (enqueued)" in pay
    assert advice == "-> start a worker that serves shop/cart: tasker worker --handlers PACKAGE"


def test_the_command_tells_what_failed(workshop: Workshop) -> None:
    @workshop.handler("cart")
    def cart() -> None:
        raise ValueError("no such [bold]article[/bold]")

    workshop.template({"cart": [], "pay": ["cart"]}, cart={"retry": {"retryable": False}})
    workshop.start()
    task = workshop.run().task_uuid
    told = tasker("explain", task, url=workshop.url)
    assert "cart failed at 20" in told.out and "no such [bold]article[/bold]" in told.out
    assert f"tasker task give-up {task}" in told.out
    found = json.loads(tasker("explain", task, "--json", url=workshop.url).out)
    assert (found["state"], found["failures"][0]["error_type"]) == ("blocked_by_failures", "handler_error")
    assert [(step["name"], step["kind"]) for step in found["steps"]] == [("pay", "blocked_by_failure")]
    assert found["since"].endswith("Z")


def test_an_unknown_task_is_a_wrong_call(workshop: Workshop) -> None:
    workshop.template({"cart": []})
    told = tasker("explain", NOBODY, url=workshop.url)
    assert (told.code, told.out) == (2, "") and f"there is no task {NOBODY}" in told.err
