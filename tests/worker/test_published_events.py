"""Events that templates declare: a worker asks their publishers, its subscribers hear them, and no step suffers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tasker_core import PermanentError, RetryableError, StepContext, Worker
from tasker_core.clock import SECOND
from tasker_core.domain_events import (
    BasePublisher,
    BaseSubscriber,
    PublishContext,
    PublisherRegistry,
    SubscriberRegistry,
)
from tasker_core.engine import Engine
from tasker_core.engine.courier import Patience
from tasker_core.engine.open import close_engine, open_engine
from tests.support.events import EACH_CONDITION, event
from tests.support.workshop import Workshop, eventually
from tests.support.workshops import postgres_of_the_suites, store_url, workshop

__all__ = ["postgres_of_the_suites", "store_url", "workshop"]


@pytest.fixture(autouse=True)
def registries() -> Iterator[None]:
    yield
    PublisherRegistry.reset()
    SubscriberRegistry.reset()


def engine() -> Engine:
    worker = Worker.instance()
    assert worker is not None
    return worker.service.engine


def outbox() -> list[dict[str, Any]]:
    told, _ = engine().events.after(0, 1_000)
    return [each.envelope for each in told]


def names() -> list[str]:
    return [envelope["event_name"] for envelope in outbox()]


class Noted(BasePublisher):
    """Writes down which of its hooks were called."""

    publisher_name = "Noted"

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.errors: list[str] = []

    def should_publish(self, ctx: PublishContext) -> bool:
        self.calls.append("should_publish")
        return super().should_publish(ctx)

    def transform_payload(self, ctx: PublishContext) -> dict[str, Any]:
        self.calls.append("transform_payload")
        step = ctx.step_context
        assert step is not None
        return {"cents": 1, "of": step.step_name, "input": step.task_sequence_step["task"]["task"]["context"]}

    def additional_metadata(self, ctx: PublishContext) -> dict[str, Any]:
        self.calls.append("additional_metadata")
        return {"region": "eu"}

    def before_publish(self, event_name: str, payload: dict[str, Any], metadata: dict[str, Any]) -> bool:
        self.calls.append(f"before_publish {metadata['fired_by']}")
        return True

    def after_publish(self, event_name: str, payload: dict[str, Any], metadata: dict[str, Any]) -> None:
        self.calls.append(f"after_publish {event_name}")

    def on_publish_error(self, event_name: str, error: Exception, payload: dict[str, Any]) -> None:
        self.errors.append(f"{event_name}: {error}")


class Ear(BaseSubscriber):
    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []

    @classmethod
    def subscribes_to(cls) -> list[str]:
        return ["pay.*"]

    def handle(self, event: dict[str, Any]) -> None:
        self.heard.append(event)


def paying(workshop: Workshop, *events: dict[str, Any], **step: Any) -> None:
    workshop.template({"pay": []}, pay={"publishes_events": list(events), "retry": {"max_attempts": 2}, **step})


def test_row_13_each_event_has_its_own_publisher_and_all_hooks_are_called(workshop: Workshop) -> None:
    noted, other = Noted(), Noted()
    other.publisher_name = "Other"
    PublisherRegistry.instance().register(noted)
    PublisherRegistry.instance().register(other)
    workshop.handler("pay")(lambda: {"ok": True})
    paying(workshop, event("pay.one", publisher="Noted"), event("pay.two", "always", "broadcast", "Other"),
           event("pay.plain"), event("pay.never", "failure", publisher="Noted"))  # fmt: skip
    ear = Ear()
    SubscriberRegistry.instance().register_instance(ear)
    workshop.start()
    assert workshop.run(context={"sku": "tea"}).status == "complete"
    one, two, plain = outbox()
    assert one["payload"]["payload"] == {"cents": 1, "of": "pay", "input": {"sku": "tea"}}
    assert (one["metadata"]["fired_by"], one["metadata"]["region"]) == ("Noted", "eu")
    assert two["metadata"]["fired_by"] == "Other"
    assert plain["payload"]["payload"] == {"ok": True}
    hooks = ["should_publish", "transform_payload", "additional_metadata"]
    assert eventually(lambda: len(noted.calls) == 5), noted.calls
    assert noted.calls == [*hooks, "before_publish Noted", "after_publish pay.one"]
    assert eventually(lambda: ear.heard)
    assert len(other.calls) == 5
    # The same event in the process as in the outbox.
    (heard,) = ear.heard
    assert (heard["event_id"], heard["event_name"]) == (two["event_id"], "pay.two")
    assert heard["payload"]["payload"] == two["payload"]["payload"]
    assert list(heard["payload"]) == list(two["payload"])
    assert {**heard["metadata"], "fired_at": 0} == {**two["metadata"], "fired_at": 0}
    assert set(heard["payload"]["execution_result"]) == set(two["payload"]["execution_result"])
    assert heard["payload"]["task_sequence_step"] == two["payload"]["task_sequence_step"]


def test_row_13_the_five_conditions_of_a_step_that_fails_and_is_tried_again(workshop: Workshop) -> None:
    @workshop.handler("pay")
    def pay(context: StepContext) -> dict[str, Any]:
        if context.get_input("dies"):
            raise PermanentError("declined", error_code="DECLINED")
        if context.attempt == 1:
            raise RetryableError("busy")
        return {}

    paying(workshop, *EACH_CONDITION, retry={"max_attempts": 2, "backoff": "none"})
    workshop.start()
    assert workshop.run().status == "complete"
    assert names() == ["pay.failure", "pay.retryable_failure", "pay.always", "pay.success", "pay.always"]
    assert workshop.run(context={"dies": True}).status == "blocked_by_failures"
    assert names()[5:] == ["pay.failure", "pay.permanent_failure", "pay.always"]
    told = outbox()[-1]
    assert told["payload"]["payload"] == {
        "message": "declined", "error_type": "permanent_error", "error_code": "DECLINED", "retryable": False
    }  # fmt: skip
    assert told["payload"]["execution_result"]["error"] == told["payload"]["payload"]


class Refusing(Noted):
    publisher_name = "Refusing"

    def before_publish(self, event_name: str, payload: dict[str, Any], metadata: dict[str, Any]) -> bool:
        return False


class Raising(Noted):
    publisher_name = "Raising"

    def transform_payload(self, ctx: PublishContext) -> dict[str, Any]:
        raise ValueError("4111 1111 1111 1111")


class Unwritable(Noted):
    publisher_name = "Unwritable"

    def transform_payload(self, ctx: PublishContext) -> dict[str, Any]:
        return {"when": object()}


def test_an_event_never_fails_its_step(workshop: Workshop) -> None:
    publishers = Refusing(), Raising(), Unwritable()
    for publisher in publishers:
        PublisherRegistry.instance().register(publisher)
    workshop.handler("pay")(lambda: {"ok": True})
    amount = {"type": "object", "required": ["cents"]}
    paying(workshop, event("pay.held", publisher="Refusing"), event("pay.raised", publisher="Raising"),
           event("pay.unwritable", publisher="Unwritable"), event("pay.unknown", publisher="Nobody"),
           event("pay.wrong", schema=amount), event("pay.good"))  # fmt: skip
    workshop.start()
    task = workshop.run()
    assert task.status == "complete"
    assert names() == ["pay.unknown", "pay.good"]
    told = [(warning["code"], warning["message"]) for warning in engine().views.task(task.task_uuid)["warnings"]]
    assert [code for code, _ in told] == ["event_publisher"] * 3 + ["event_schema"]
    said = "\n".join(message for _, message in told)
    for name in ("pay.raised", "pay.unwritable", "pay.unknown", "pay.wrong"):
        assert f"event {name}" in said
    assert "4111" not in said, "what an exception says may be the task's data"
    assert publishers[1].errors == ["pay.raised: 4111 1111 1111 1111"]


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_publisher_that_hangs_is_left_behind(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasker_core.worker.publishing.LONGEST", 0.1)
    gate = threading.Event()

    class Hanging(BasePublisher):
        publisher_name = "Hanging"

        def transform_payload(self, ctx: PublishContext) -> dict[str, Any]:
            gate.wait(20)
            return {}

    PublisherRegistry.instance().register(Hanging())
    workshop.handler("pay")(lambda: {"ok": True})
    paying(workshop, event("pay.hangs", publisher="Hanging"), event("pay.good"))
    workshop.template({"ship": []}, name="other", ship={"publishes_events": [event("pay.quick")]})
    workshop.handler("ship")(lambda: {"ok": True})
    workshop.start()
    try:
        task, other = workshop.create(), workshop.create("other")
        assert (workshop.finish(task).status, workshop.finish(other).status) == ("complete", "complete")
        assert names() == ["pay.quick"]
        (warning, _) = engine().views.task(task)["warnings"]
        assert "took longer than 0.1 s" in warning["message"]
    finally:
        gate.set()


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_publishers_are_asked_about_timeouts_and_async_handlers(workshop: Workshop) -> None:
    noted = Noted()
    PublisherRegistry.instance().register(noted)

    @workshop.handler("pay")
    async def pay(context: StepContext) -> dict[str, Any]:
        return {}

    @workshop.handler("ship")
    def ship(context: StepContext) -> dict[str, Any]:
        workshop.gate.wait(20)
        return {}

    paying(workshop, event("pay.done", publisher="Noted"))
    late = event("pay.late", "permanent_failure", publisher="Noted")
    workshop.template({"ship": []}, name="slow", ship={
        "publishes_events": [late], "timeout_seconds": 1, "retry": {"max_attempts": 1}})  # fmt: skip
    workshop.start()
    assert workshop.run().status == "complete"
    assert workshop.run("slow").status == "blocked_by_failures"
    assert [(each["event_name"], each["metadata"]["fired_by"]) for each in outbox()] == [
        ("pay.done", "Noted"), ("pay.late", "Noted")
    ]  # fmt: skip


# -- durable subscribers


class Bookkeeper(BaseSubscriber):
    """Keeps what it is given; fails on what it is told to fail on, so often."""

    durable_name = "bookkeeper"
    given: ClassVar[list[int]] = []
    fails_on: ClassVar[dict[int, int]] = {}

    @classmethod
    def subscribes_to(cls) -> list[str]:
        return ["pay.*"]

    def handle(self, event: dict[str, Any]) -> None:
        n = event["payload"]["payload"]["n"]
        if self.fails_on.get(n, 0) > 0:
            self.fails_on[n] -= 1
            raise RuntimeError("the ledger is locked")
        self.given.append(n)


@pytest.fixture
def bookkeeper() -> type[Bookkeeper]:
    Bookkeeper.given.clear()
    Bookkeeper.fails_on.clear()
    SubscriberRegistry.instance().register(Bookkeeper)
    return Bookkeeper


def pay_for(workshop: Workshop, *numbers: int) -> None:
    for n in numbers:
        assert workshop.run(context={"n": n}).status == "complete"


def test_a_durable_subscriber_goes_on_where_it_stood(workshop: Workshop, bookkeeper: type[Bookkeeper]) -> None:
    workshop.handler("pay")(lambda context: {"n": context.get_input("n")})
    paying(workshop, event("pay.done"))
    with workshop.start():
        pay_for(workshop, 1, 2)
        eventually(lambda: bookkeeper.given == [1, 2])
    SubscriberRegistry.reset()
    with workshop.start():
        pay_for(workshop, 3)
    SubscriberRegistry.instance().register(bookkeeper)
    with workshop.start():
        pay_for(workshop, 4)
        eventually(lambda: bookkeeper.given == [1, 2, 3, 4])
    (subscription,) = workshop_subscriptions(workshop)
    assert (subscription["position"], subscription["delivered"], subscription["behind"]) == (4, 4, 0)


def test_an_event_that_fails_comes_again_and_those_behind_it_wait(
    workshop: Workshop, bookkeeper: type[Bookkeeper], monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.handler("pay")(lambda context: {"n": context.get_input("n")})
    paying(workshop, event("pay.done"))
    bookkeeper.fails_on[2] = 1
    monkeypatch.setattr("tasker_core.worker.hearing.PATIENCE", Patience(SECOND // 5, SECOND))
    workshop.start()
    pay_for(workshop, 1, 2, 3)
    (standing,) = eventually(lambda: [each for each in workshop_subscriptions(workshop) if each["tries"]])
    assert "the ledger is locked" in standing["last_error"] and standing["position"] == 1
    eventually(lambda: bookkeeper.given == [1, 2, 3])


def workshop_subscriptions(workshop: Workshop) -> list[dict[str, Any]]:
    engine = open_engine(workshop.url)
    try:
        return engine.subscriptions.list("subscriber")
    finally:
        close_engine(engine)


# -- several processes


SUBSCRIBER = """
import json, os, sys, time
from pathlib import Path
from tasker_core import Worker
from tasker_core.domain_events import BaseSubscriber, SubscriberRegistry

class Clerk(BaseSubscriber):
    durable_name, from_beginning = "clerk", True

    @classmethod
    def subscribes_to(cls):
        return ["pay.*"]

    def handle(self, event):
        n = event["payload"]["payload"]["n"]
        with open("book", "a") as book:
            book.write(json.dumps([os.getpid(), "begin", n]) + "\\n")
        while n == 3 and not Path("gate").exists():
            time.sleep(0.01)
        with open("book", "a") as book:
            book.write(json.dumps([os.getpid(), "end", n]) + "\\n")

SubscriberRegistry.instance().register(Clerk)
with Worker.start(database_url=sys.argv[1]):
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_a_killed_process_leaves_its_subscription_to_another(workshop: Workshop, tmp_path: Path) -> None:
    workshop.handler("pay")(lambda context: {"n": context.get_input("n")})
    paying(workshop, event("pay.done"))
    with workshop.start():
        pay_for(workshop, 1, 2, 3, 4, 5)

    def book() -> list[list[Any]]:
        file = tmp_path / "book"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def process() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", SUBSCRIBER, workshop.url], cwd=tmp_path, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    first = process()
    second = None
    try:
        eventually(lambda: [first.pid, "begin", 3] in book())
        second = process()
        time.sleep(1.0)
        assert {pid for pid, _, _ in book()} == {first.pid}, "one at a time delivers"
        first.send_signal(signal.SIGKILL)
        first.wait()
        (tmp_path / "gate").touch()
        eventually(lambda: [second.pid, "end", 5] in book())
        mine = [n for pid, what, n in book() if pid == second.pid and what == "end"]
        assert mine == sorted(mine) and mine[-3:] == [3, 4, 5]
        assert {n for _, what, n in book() if what == "end"} == {1, 2, 3, 4, 5}
    finally:
        for running in (first, second):
            if running is not None:
                assert running.stdin is not None
                running.stdin.close()
                running.wait(20)


def test_a_step_in_its_handlers_transaction_publishes_with_it(workshop: Workshop) -> None:
    noted = Noted()
    PublisherRegistry.instance().register(noted)
    ear = Ear()
    SubscriberRegistry.instance().register_instance(ear)

    @workshop.handler("pay")
    def pay(context: StepContext) -> dict[str, Any]:
        context.transaction.execute("create table if not exists bookings (n integer)")
        return {"n": 1}

    paying(workshop, event("pay.booked", mode="broadcast", publisher="Noted"), event("pay.plain"))
    workshop.start()
    task = workshop.run()
    assert task.status == "complete"
    assert [(each["event_name"], each["metadata"]["fired_by"]) for each in outbox()] == [
        ("pay.booked", "Noted"), ("pay.plain", "default")
    ]  # fmt: skip
    eventually(lambda: "after_publish pay.booked" in noted.calls and len(ear.heard) == 1)
