"""``tasker server`` as a process: starts, answers, stops."""

from __future__ import annotations

import re
import signal
import socket
import threading
from pathlib import Path

import httpx
import pytest

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
    assert done.code == 2
    assert done.err == (
        f"error: can't listen at 127.0.0.1:{port}: Address already in use; choose another port, or 0 for one that is "
        "free\n"
    )


def test_a_signer_that_is_not_there_is_told_when_the_server_starts(workshop: Workshop) -> None:
    nowhere = "http://127.0.0.1:9/keys"
    (workshop.directory / "tasker.toml").write_text(f"[server.auth.jwt]\njwks_url = '{nowhere}'\n")
    log = workshop.directory / "log"
    with Background("server", "--port", "0", log=log, url=workshop.url, cwd=workshop.directory) as server:
        server.await_line(f"the keys at {nowhere} can't be fetched: ")
        (url,) = re.findall(r"server listens at (http://\S+)", server.output())
        assert httpx.get(f"{url}/health").status_code == 200


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[server", "tasker.toml: not TOML: Expected ']' at the end of a table declaration"),
        ("[server]\nport = 'abc'", "tasker.toml:2: server.port must be a whole number from 0 to 65535, not 'abc'"),
        ("[server]\nhost = '0.0.0.0'", "without authentication a server listens on this machine only, not on 0.0.0.0"),
        ("[server]\nhost = 'nowhere.invalid'\ninsecure = true", "can't listen at nowhere.invalid:8080: "),
        ("[server.auth.jwt]\njwks_url = 'http://login.example/keys'", "jwks_url must begin with https://"),
        ("[server.auth.jwt]\npublic_key_path = '/nowhere.pem'", "/nowhere.pem can't be read: No such file"),
        ("[server.auth.jwt]", "tokens need one of public_key, public_key_path, secret, jwks_url to be checked with"),
        ("[[server.auth.api_keys]]\nhash = 'abc'\npermissions = ['tasks:read']", "its hash must be sha256: and 64"),
        ("[server]\ncors_origins = ['*']", "'*' would let every page of the web in"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_meant_end_the_start_in_one_sentence(tmp_path: Path, toml: str, words: str) -> None:
    (tmp_path / "tasker.toml").write_text(toml)
    done = tasker("server", cwd=tmp_path)
    *warnings, sentence = done.err.splitlines()
    assert done.code == 2 and sentence.startswith("error: ") and words in sentence, done
    assert all(line.startswith("warning: ") for line in warnings)
    assert not list(tmp_path.glob("*.db*")), "nothing was made"
