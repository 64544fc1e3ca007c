"""When a retry comes: not before its time, and within 100 ms of it; as the other side asked, where it did."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from statistics import median

import pytest

from tasker_core import RetryableError, StepContext, StepHandler, StepHandlerResult
from tasker_core.step_handler import ApiHandler, api_handler
from tests.support.workshop import Workshop
from tests.support.workshops import postgres_of_the_suites, store_url, workshop

__all__ = ["postgres_of_the_suites", "store_url", "workshop"]

ONCE_MORE = {"max_attempts": 2, "backoff": "none", "jitter": 0}


def seconds(text: str | None) -> float:
    assert text is not None
    return datetime.fromisoformat(text).timestamp()


def test_a_retry_comes_at_its_time_and_no_more_than_100_ms_later(workshop: Workshop) -> None:
    @workshop.handler("work")
    def work() -> None:
        raise RetryableError("again")

    retry = {"max_attempts": 9, "backoff": "linear", "backoff_base_ms": 20, "jitter": 0}
    workshop.template({"work": []}, work={"retry": retry})
    workshop.start()
    task = workshop.run()
    history = workshop.steps(task.task_uuid)["work"].history
    late = [
        seconds(after["started_at"]) - seconds(before["ended_at"]) - 0.02 * no
        for no, (before, after) in enumerate(pairwise(history), 1)
    ]
    assert len(late) == 8 and min(late) >= 0, "none comes early"
    assert median(late) <= 0.1, "a busy machine may spoil some of them, not half"


class Busy(BaseHTTPRequestHandler):
    """Is busy until a moment that it names, first of all in one second; then answers."""

    until = 0.0
    in_words: Callable[[float], str]

    def do_GET(self) -> None:
        cls, now = type(self), time.time()
        cls.until = cls.until or float(int(now) + 2)
        self.send_response(200 if now >= cls.until else 503)
        if now < cls.until:
            self.send_header("Retry-After", cls.in_words(cls.until))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(params=["seconds", "a date"])
def busy(request: pytest.FixtureRequest) -> Iterator[tuple[str, type[Busy]]]:
    """The address of a service that names its moment so, and what it says of itself."""

    def in_words(until: float) -> str:
        if request.param == "seconds":
            return str(int(until + 0.999 - time.time()))
        return format_datetime(datetime.fromtimestamp(until, UTC), usegmt=True)

    service = type("Service", (Busy,), {"in_words": staticmethod(in_words)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", service
    finally:
        server.shutdown()
        server.server_close()


def test_a_service_that_names_a_moment_is_asked_again_then(workshop: Workshop, busy: tuple[str, type[Busy]]) -> None:
    url, service = busy

    @workshop.handler_class
    class Ask(ApiHandler):
        handler_name = "ask"
        base_url = url

        def call(self, context: StepContext) -> StepHandlerResult:
            answer = self.get("/stock")
            return self.api_success(answer) if answer.ok else self.api_failure(answer)

    @api_handler("tell", base_url=url)
    def tell(api: ApiHandler) -> StepHandlerResult:
        answer = api.get("/stock")
        return api.api_success(answer) if answer.ok else api.api_failure(answer)

    workshop.register("tell", tell)
    workshop.template({"ask": [], "tell": []}, ask={"retry": ONCE_MORE}, tell={"retry": ONCE_MORE})
    workshop.start()
    task = workshop.run()
    assert task.status == "complete"
    for step in workshop.steps(task.task_uuid).values():
        first, second = step.history
        assert first["reason"].startswith("service_unavailable: attempt 1 of 2, retry in ")
        assert seconds(second["started_at"]) >= service.until


def test_the_first_attempt_runs_though_no_attempts_are_allowed(workshop: Workshop) -> None:
    class Fails(StepHandler):
        handler_name = "work"

        def call(self, context: StepContext) -> StepHandlerResult:
            raise RetryableError("again")

    workshop.handler_class(Fails)
    workshop.handler("well")(lambda: None)
    workshop.template(
        {"work": [], "well": []}, work={"retry": {"max_attempts": 0}}, well={"retry": {"max_attempts": 0}}
    )
    workshop.start()
    task = workshop.run()
    steps = workshop.steps(task.task_uuid)
    assert {name: (step.current_state, step.attempts) for name, step in steps.items()} == {
        "work": ("error", 1),
        "well": ("complete", 1),
    }


def test_a_step_that_waits_says_for_how_many_seconds(workshop: Workshop) -> None:
    @workshop.handler("work")
    def work() -> None:
        raise RetryableError("again", retry_after=60)

    workshop.template({"work": []}, work={"retry": ONCE_MORE})
    workshop.start()
    task = workshop.create()
    with pytest.raises(TimeoutError):
        workshop.finish(task, timeout=0.3)
    (step,) = workshop.client.get_task(task).steps
    assert step["current_state"] == "waiting_for_retry" and 60 <= step["backoff_request_seconds"] <= 69
