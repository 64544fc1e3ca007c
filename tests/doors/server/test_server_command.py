"""``tasker server`` as a process: starts, answers, stops."""

from __future__ import annotations

import re
import signal
import socket
import threading
from pathlib import Path

import httpx

from tests.support.workshop import Background, Workshop, eventually, tasker


def start(workshop: Workshop, *options: str, name: str = "server") -> tuple[Background, str]:
    """A server on a free port, and its URL."""
    server = Background("server", "--port", "0", *options, log=workshop.directory / f"{name}.log", url=workshop.url)
    server.await_line("server listens at")
    (url,) = re.findall(r"http://\S+", server.output())
    return server, url


def test_a_server_answers_until_it_is_told_to_stop(workshop: Workshop) -> None:
    workshop.template({"greet": []})
    server, url = start(workshop)
    with server, httpx.Client(base_url=url) as http:
        task = http.post("/v1/tasks", json={"name": "flow", "context": {"name": "Ann"}}).json()["task_uuid"]
        assert workshop.client.get_task(task).context == {"name": "Ann"}
        server.signal(signal.SIGTERM)
        assert server.wait(20) == 0
    assert "Traceback" not in server.output()


def test_a_stop_answers_who_waits_and_finishes_what_runs(workshop: Workshop) -> None:
    workshop.template({"greet": []})
    task = workshop.create()
    server, url = start(workshop, "--drain", "1")
    answers: list[httpx.Response] = []
    with server, httpx.Client(base_url=url, timeout=30) as http:
        waiting = threading.Thread(
            target=lambda: answers.append(httpx.get(f"{url}/v1/tasks/{task}?wait_ms=20000", timeout=30))
        )
        waiting.start()
        eventually(lambda: http.get("/health/detailed").json()["info"]["waiting_requests"] == 1)
        assert http.get("/health/ready").status_code == 200
        server.signal(signal.SIGTERM)
        waiting.join(10)
        assert [answer.json()["status"] for answer in answers] == ["steps_in_process"]
        unready = http.get("/health/ready")
        assert unready.status_code == 503
        assert unready.json()["info"]["operational_state"] == "graceful_shutdown"
        assert http.get("/health/live").status_code == 200
        assert server.wait(20) == 0


def test_a_port_that_is_taken_is_said(workshop: Workshop, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = tasker("server", "--port", str(port), cwd=tmp_path, url=workshop.url)
    assert done.code == 2 and f"can't listen at 127.0.0.1:{port}: Address already in use" in done.err, done
    assert "Traceback" not in done.err
