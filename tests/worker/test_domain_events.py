"""Domain events inside a process: what is published, who hears it, and that nobody's trouble is another's."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from tasker_core.domain_events import (
    BasePublisher,
    BaseSubscriber,
    DefaultPublisher,
    EventDeclaration,
    InProcessDomainEventPoller,
    PublishContext,
    PublisherRegistry,
    StepEventContext,
    StepResult,
    SubscriberRegistry,
)
from tasker_core.domain_events.channel import MOST_WAITING
from tasker_core.errors import ConfigurationError, TaskerError
from tasker_core.step_handler import inputs, step_handler
from tasker_core.types import InProcessDomainEvent, StepContext
from tests.support.workshop import Workshop

PATIENCE = 10.0


class Ear(BaseSubscriber):
    """Keeps what it hears."""

    patterns: ClassVar[tuple[str, ...]] = ("*",)

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []

    @classmethod
    def subscribes_to(cls) -> list[str]:
        return list(cls.patterns)

    def handle(self, event: dict[str, Any]) -> None:
        self.heard.append(event)

    def names(self) -> list[str]:
        return [event["event_name"] for event in self.heard]


@pytest.fixture
def poller() -> Iterator[InProcessDomainEventPoller]:
    with InProcessDomainEventPoller(polling_interval_ms=0) as poller:
        yield poller


@pytest.fixture(autouse=True)
def registries() -> Iterator[None]:
    yield
    PublisherRegistry.reset()
    SubscriberRegistry.reset()


def publish(*names: str, publisher: BasePublisher | None = None) -> list[bool]:
    return [(publisher or DefaultPublisher()).publish(PublishContext(), name) for name in names]


def listen(ear: Ear, poller: InProcessDomainEventPoller) -> Ear:
    ear.start(poller)
    return ear


def test_an_event_tells_where_it_comes_from_and_how_its_step_ended(poller: InProcessDomainEventPoller) -> None:
    ear = listen(Ear(), poller)
    step = StepEventContext("task-1", "step-1", "pay", "shop", "corr-1", task_sequence_step={"task": {"a": 1}})
    ended = StepResult(success=True, result={"cents": 900}, execution_time_ms=12)
    assert DefaultPublisher().publish(PublishContext("payment.processed", ended, step_context=step))
    poller.stop()
    (event,) = ear.heard
    assert event.pop("event_id")
    fired_at = event["metadata"].pop("fired_at")
    assert fired_at.endswith("+00:00")
    assert event == {
        "event_name": "payment.processed",
        "event_version": "1.0",
        "metadata": {
            "task_uuid": "task-1", "step_uuid": "step-1", "step_name": "pay", "namespace": "shop",
            "correlation_id": "corr-1", "fired_by": "default",
        },
        "payload": {
            "task_sequence_step": {"task": {"a": 1}},
            "execution_result": {
                "success": True, "result": {"cents": 900}, "error": None, "execution_time_ms": 12, "metadata": {},
            },
            "payload": {"cents": 900},
        },
        "execution_result": None,
    }  # fmt: skip


def test_the_hooks_decide_shape_and_hear_of_the_event(poller: InProcessDomainEventPoller) -> None:
    ear, calls = listen(Ear(), poller), []

    class Payments(BasePublisher):
        publisher_name = "payments"

        def should_publish(self, ctx: PublishContext) -> bool:
            return ctx.step_result.result != {}

        def transform_payload(self, ctx: PublishContext) -> dict[str, Any]:
            return {"euros": (ctx.step_result.result or {})["cents"] / 100}

        def additional_metadata(self, ctx: PublishContext) -> dict[str, Any]:
            return {"region": "eu", "namespace": "not taken: where it comes from isn't a publisher's to say"}

        def before_publish(self, event_name: str, payload: dict[str, Any], metadata: dict[str, Any]) -> bool:
            calls.append(("before", event_name, payload, metadata["region"]))
            return event_name != "payment.secret"

        def after_publish(self, event_name: str, payload: dict[str, Any], metadata: dict[str, Any]) -> None:
            calls.append(("after", event_name, payload, metadata["region"]))

    paid = PublishContext("payment.processed", StepResult(success=True, result={"cents": 900}))
    assert Payments().publish(paid)
    assert not Payments().publish(paid, "payment.secret"), "before_publish held it back"
    assert not Payments().publish(PublishContext("payment.processed", StepResult(success=True, result={})))
    poller.stop()
    assert [event["payload"]["payload"] for event in ear.heard] == [{"euros": 9.0}]
    assert (ear.heard[0]["metadata"]["region"], ear.heard[0]["metadata"]["namespace"]) == ("eu", "")
    assert calls == [
        ("before", "payment.processed", {"euros": 9.0}, "eu"),
        ("after", "payment.processed", {"euros": 9.0}, "eu"),
        ("before", "payment.secret", {"euros": 9.0}, "eu"),
    ]


@pytest.mark.parametrize("hook", ["should_publish", "transform_payload", "additional_metadata", "before_publish"])
def test_a_hook_that_fails_holds_the_event_back_and_raises_nothing(
    poller: InProcessDomainEventPoller, hook: str, caplog: pytest.LogCaptureFixture
) -> None:
    ear = listen(Ear(), poller)

    def fail(*_: Any) -> Any:
        raise OSError("no disk")

    told: list[tuple[str, str]] = []
    publisher = type("Broken", (BasePublisher,), {hook: fail, "publisher_name": "broken"})()
    assert publish("a.b", publisher=publisher) == [False]
    assert "event a.b isn't published by Broken(publisher_name='broken'): OSError: no disk" in caplog.text
    publisher.on_publish_error = lambda name, error, _: told.append((name, str(error)))
    assert publish("a.b", publisher=publisher) == [False]
    publisher.on_publish_error = fail
    assert publish("a.b", publisher=publisher) == [False], "not even that may fail the step"
    poller.stop()
    assert (ear.heard, told) == ([], [("a.b", "no disk")])


def test_an_event_needs_a_name() -> None:
    with pytest.raises(ValueError, match="an event needs a name"):
        DefaultPublisher().publish(PublishContext())
    assert PublishContext(event_declaration=EventDeclaration("a.b")).name == "a.b"


@pytest.mark.parametrize(
    ("condition", "succeeded", "may_retry", "gave_up"),
    [
        (None, True, False, False),
        ("success", True, False, False),
        ("failure", False, True, True),
        ("retryable_failure", False, True, False),
        ("permanent_failure", False, False, True),
        ("always", True, True, True),
    ],
)
def test_a_declaration_says_on_which_ending(condition: Any, succeeded: bool, may_retry: bool, gave_up: bool) -> None:
    declared = EventDeclaration("a.b", condition)
    endings = (StepResult(True), StepResult(False, retryable=True), StepResult(False, retryable=False))
    published = tuple(DefaultPublisher().publish(PublishContext("", ending, declared)) for ending in endings)
    assert published == (succeeded, may_retry, gave_up)


def test_a_subscriber_hears_what_its_patterns_match_once_for_each(poller: InProcessDomainEventPoller) -> None:
    class Payments(Ear):
        patterns = ("payment.*", "*.processed")

    ear = listen(Payments(), poller)
    assert (ear.active, ear.subscriptions) == (True, ["payment.*", "*.processed"])
    assert (Payments.matches("payment.failed"), Payments.matches("order.placed")) == (True, False)
    publish("payment.failed", "order.placed", "payment.processed")
    poller.stop()
    assert ear.names() == ["payment.failed", "payment.processed", "payment.processed"]


def test_a_stopped_subscriber_hears_nothing_more(poller: InProcessDomainEventPoller) -> None:
    early, late = listen(Ear(), poller), listen(Ear(), poller)
    late.start(poller)
    early.stop()
    early.stop()
    publish("a.b")
    poller.stop()
    assert (early.heard, early.active, early.subscriptions) == ([], False, [])
    assert late.names() == ["a.b"], "a second start doesn't make it hear twice"


def test_one_subscribers_failure_touches_nobody_else(
    poller: InProcessDomainEventPoller, caplog: pytest.LogCaptureFixture
) -> None:
    class Clumsy(Ear):
        def handle(self, event: dict[str, Any]) -> None:
            super().handle(event)
            raise ValueError("dropped it")

    class Picky(Ear):
        after: ClassVar[list[str]] = []

        def before_handle(self, event: dict[str, Any]) -> bool:
            return bool(event["event_name"] == "c.d")

        def after_handle(self, event: dict[str, Any]) -> None:
            self.after.append(event["event_name"])

    clumsy, last, picky = listen(Clumsy(), poller), listen(Ear(), poller), Picky()
    picky.start(poller)
    publish("a.b", "c.d")
    poller.stop()
    assert clumsy.names() == last.names() == ["a.b", "c.d"]
    assert picky.names() == picky.after == ["c.d"]
    assert "Clumsy failed on event a.b" in caplog.text
    assert poller.stats["errors"] == 0


def test_failures_of_callbacks_are_told(poller: InProcessDomainEventPoller, caplog: pytest.LogCaptureFixture) -> None:
    told: list[Exception] = []

    def fail(event: InProcessDomainEvent) -> None:
        raise ValueError(event.event_name)

    poller.on_event(fail)
    publish("a.b")
    poller.on_error(told.append)
    publish("c.d")
    poller.stop()
    assert [str(error) for error in told][-1:] == ["c.d"]
    stats = poller.stats
    assert (stats["events"], stats["errors"], stats["running"]) == (2, 2, False) and stats["polls"] >= 1


def test_a_poller_delivers_in_order_whatever_was_published_while_it_ran() -> None:
    publish("too.early")
    ear, poller = Ear(), InProcessDomainEventPoller(polling_interval_ms=0, max_events_per_poll=7)
    ear.start(poller)
    assert not poller.is_running
    poller.start()
    with pytest.raises(RuntimeError, match="runs already"):
        poller.start()
    expected = [f"a.n{n}" for n in range(500)]
    publish(*expected)
    poller.stop()
    publish("too.late")
    poller.stop()
    assert ear.names() == expected
    assert poller.stats["polls"] >= 500 / 7
    poller.start()
    publish("once.more")
    poller.stop()
    assert ear.names()[-1] == "once.more"


def test_publishing_from_many_threads_loses_nothing(poller: InProcessDomainEventPoller) -> None:
    ear = listen(Ear(), poller)
    threads = [threading.Thread(target=publish, args=[f"a.t{n}"] * 50) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    poller.stop()
    assert sorted(ear.names()) == sorted(f"a.t{n}" for n in range(8) for _ in range(50))


def test_a_stuck_subscriber_does_not_fill_the_memory() -> None:
    gate, held = threading.Event(), threading.Event()

    def wait(_: InProcessDomainEvent) -> None:
        held.set()
        gate.wait(PATIENCE)

    poller = InProcessDomainEventPoller(polling_interval_ms=0, max_events_per_poll=1)
    poller.on_event(wait)
    poller.start()
    publish("a.b")
    assert held.wait(PATIENCE)
    publish(*["a.b"] * (MOST_WAITING + 3))
    assert (poller.stats["waiting"], poller.stats["dropped"]) == (MOST_WAITING, 3)
    gate.set()
    poller.stop()
    assert poller.stats["dropped"] == 3


def test_a_poller_refuses_what_it_can_not_do() -> None:
    for wrong in ({"polling_interval_ms": -1}, {"max_events_per_poll": 0}):
        with pytest.raises(ValueError, match="must be 0 or more"):
            InProcessDomainEventPoller(**wrong)


FORK = """
import os, sys
from tasker_core.domain_events import DefaultPublisher, InProcessDomainEventPoller, PublishContext

with InProcessDomainEventPoller() as parents:
    if os.fork():
        sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
    heard = []
    with InProcessDomainEventPoller() as own:
        own.on_event(lambda event: heard.append(event.event_name))
        DefaultPublisher().publish(PublishContext(), "a.b")
    os._exit(0 if heard == ["a.b"] and not parents.stats["waiting"] else 1)
"""


def test_a_forked_child_has_none_of_its_parents_pollers() -> None:
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=60)


def test_publishers_by_name() -> None:
    registry = PublisherRegistry.instance()
    assert registry is PublisherRegistry.instance()
    payments = type("Payments", (BasePublisher,), {"publisher_name": "payments"})()
    registry.register(payments)
    registry.register(payments, "billing")
    assert registry.list_publishers() == ["billing", "payments"]
    assert registry.get("payments") is registry.get_or_default("billing") is payments
    assert registry.get("other") is None and isinstance(registry.get_or_default("other"), DefaultPublisher)
    registry.validate_required(["payments", "billing"])
    with pytest.raises(ConfigurationError, match=r"no publisher is registered as a, b; registered are billing, paym"):
        registry.validate_required(["b", "payments", "a"])
    with pytest.raises(ValueError, match="has no publisher_name"):
        registry.register(BasePublisher())
    registry.clear()
    assert registry.list_publishers() == []
    PublisherRegistry.reset()
    assert PublisherRegistry.instance() is not registry


def test_a_frozen_registry_takes_nothing() -> None:
    registry = PublisherRegistry()
    registry.freeze()
    assert registry.is_frozen
    with pytest.raises(RuntimeError, match="is frozen"):
        registry.register(DefaultPublisher())
    with pytest.raises(RuntimeError, match="is frozen"):
        registry.clear()
    registry.unfreeze()
    registry.register(DefaultPublisher())
    assert registry.list_publishers() == ["default"]


def test_subscribers_start_and_stop_together(poller: InProcessDomainEventPoller) -> None:
    registry = SubscriberRegistry.instance()

    @registry.register
    class Made(Ear):
        heard_by_all: ClassVar[list[str]] = []

        def handle(self, event: dict[str, Any]) -> None:
            self.heard_by_all.append(event["event_name"])

    registry.register(Made)
    own = Ear()
    registry.register_instance(own)
    registry.register_instance(own)
    assert registry.list_registered() == ["Ear", "Made"] and registry.active_count == 0
    assert registry.start_all(poller) == 2 == registry.start_all(poller)
    assert registry.stats == {"registered": 2, "active": 2, "subscriptions": {"Made": ["*"], "Ear": ["*"]}}
    publish("a.b")
    poller.stop()
    assert own.names() == Made.heard_by_all == ["a.b"]
    registry.stop_all()
    assert registry.active_count == 0
    registry.clear()
    assert registry.list_registered() == []
    with pytest.raises(ValueError, match="derived from BaseSubscriber"):
        registry.register(str)  # type: ignore[type-var]  # proves the check at run time
    registry.register_instance(own)
    registry.start_all(poller)
    SubscriberRegistry.reset()
    assert not own.active


def test_a_handler_publishes_and_the_application_hears(
    workshop: Workshop, poller: InProcessDomainEventPoller, caplog: pytest.LogCaptureFixture
) -> None:
    ear = listen(Ear(), poller)

    @step_handler("pay")
    @inputs("cents")
    def pay(cents: int, context: StepContext) -> dict[str, int]:
        result = {"cents": cents}
        step = StepEventContext.from_step_context(context, result)
        DefaultPublisher().publish(PublishContext("payment.processed", StepResult(True, result), step_context=step))
        return result

    workshop.register("pay", pay)
    workshop.template({"pay": []})
    workshop.start()
    task = workshop.run(context={"cents": 900})
    assert task.status == "complete"
    poller.stop()
    (event,) = ear.heard
    step = workshop.steps(task.task_uuid)["pay"]
    assert event["metadata"]["task_uuid"] == task.task_uuid and event["metadata"]["step_uuid"] == step.step_uuid
    assert (event["metadata"]["step_name"], event["metadata"]["namespace"]) == ("pay", "shop")
    assert event["metadata"]["correlation_id"] == task.correlation_id
    assert event["payload"]["task_sequence_step"]["task"]["task"]["context"] == {"cents": 900}
    assert event["payload"]["payload"] == {"cents": 900}


def test_registries_and_publishers_raise_errors_of_the_house() -> None:
    with pytest.raises(TaskerError):
        PublisherRegistry().validate_required(["x"])
    assert logging.getLogger("tasker_core.domain_events").name == "tasker_core.domain_events"
