"""The streams: an event for each change, the last one at once for who comes back, an end when the server stops."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from tasker_core import dashboard
from tests.doors.dashboard.stage import Stage, set_up
from tests.support.served import Served, served


@pytest.fixture
def live(store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Served, Stage]]:
    """A server on each kind of database, with a stage of few tasks."""
    monkeypatch.setattr("tasker_core.dashboard.pulse.QUIET", 0.4)
    with served(store_url, pages=dashboard.PAGES) as running:
        yield running, set_up(running.engine, finished=1)


def _events(answer: httpx.Response) -> Iterator[tuple[str, str]]:
    """(event, id) of each event as it comes."""
    kind = mark = ""
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        if name == "event":
            kind = value
        elif name == "id":
            mark = value
        elif not line and kind:
            yield kind, mark
            kind = mark = ""


def test_each_change_of_a_task_is_an_event_and_who_comes_back_hears_only_what_is_new(
    live: tuple[Served, Stage],
) -> None:
    served, stage = live
    task = stage.create()
    path = f"/live/tasks/{task}"
    with served.http.stream("GET", path) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = _events(answer)
        first = next(events)
        leases = [lease for lease in stage.hands.claim_all() if lease.task_uuid == task]
        second = next(events)
    assert leases and first[0] == second[0] == "change" and first[1] != second[1]
    with served.http.stream("GET", path, headers={"Last-Event-ID": first[1]}) as answer:
        assert next(_events(answer)) == second
    with served.http.stream("GET", path, headers={"Last-Event-ID": second[1]}) as answer:
        assert next(_events(answer))[0] == "quiet"


def test_there_are_four_events_a_second_at_most(live: tuple[Served, Stage]) -> None:
    served, stage = live
    stop = threading.Event()

    def create() -> None:
        while not stop.is_set():
            stage.create()

    busy = threading.Thread(target=create)
    busy.start()
    try:
        with served.http.stream("GET", "/live") as answer:
            events = _events(answer)
            next(events)
            began = time.monotonic()
            for _ in range(4):
                next(events)
            assert time.monotonic() - began > 0.74
    finally:
        stop.set()
        busy.join()


def test_a_stream_ends_when_the_server_stops(live: tuple[Served, Stage]) -> None:
    served, _ = live
    with served.http.stream("GET", "/live") as answer:
        events = _events(answer)
        next(events)
        served.server.stop()
        assert [event for event in events if event[0] == "change"] == []
