"""A client of a server: lost answers, bad moments, strangers, credentials, and how the server is chosen."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tasker_core import DuplicateTaskError, TaskerClient, TaskerError
from tasker_core.errors import (
    CredentialsError,
    InvalidRequestError,
    NotPermittedError,
    ServerError,
    SettingsError,
    StoreError,
    TaskStateError,
)
from tasker_core.server.auth.signers import OneSigner, public_key
from tasker_core.server.auth.tokens import TokenRules, Tokens
from tasker_core.server.serve import listen
from tests.support.forks import in_a_child
from tests.support.rough_way import RoughWay, rough_way
from tests.support.served import Served, served
from tests.support.signer import Signer, ec_signer, rsa_signer
from tests.support.workshop import Workshop, flow
from tests.support.workshop.processes import tasker

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def server(workshop: Workshop) -> Iterator[Served]:
    workshop.template({"cart": []})
    with served(workshop.url) as server:
        yield server


@pytest.fixture
def way(server: Served) -> Iterator[RoughWay]:
    with rough_way(server.url) as way:
        yield way


@pytest.fixture
def client(way: RoughWay) -> Iterator[TaskerClient]:
    with TaskerClient(url=way.url, timeout=10) as client:
        yield client


def create(client: TaskerClient, no: int = 1, **wishes: Any) -> str:
    return client.create_task("flow", namespace="shop", context={"no": no}, **wishes).task_uuid


def count(client: TaskerClient) -> int:
    return client.list_tasks().pagination.total_count


# -- what is lost on the way


@pytest.mark.parametrize("mishap", ["lose the question", "lose the answer"])
def test_a_create_that_went_wrong_is_repeated_and_makes_one_task(
    client: TaskerClient, way: RoughWay, mishap: Any
) -> None:
    way.mishaps.extend([mishap, mishap])
    task = create(client)
    assert way.requests == 3
    assert (count(client), client.get_task(task).task_uuid) == (1, task)
    with pytest.raises(DuplicateTaskError) as duplicate:
        create(client)
    assert duplicate.value.task_uuid == task


def test_many_creates_whose_answer_was_lost_make_each_task_once(client: TaskerClient, way: RoughWay) -> None:
    way.mishaps.append("lose the answer")
    wishes = [{"name": "flow", "namespace": "shop", "context": {"no": no}} for no in range(20)]
    made = client.create_tasks(wishes)
    assert len({task.task_uuid for task in made}) == 20 == count(client)


def test_a_cancel_whose_answer_was_lost_is_done(client: TaskerClient, way: RoughWay) -> None:
    task = create(client)
    way.mishaps.append("lose the answer")
    assert client.cancel_task(task) == {"cancelled": True}
    assert client.get_task(task).status == "cancelled"
    with pytest.raises(TaskStateError, match="is cancelled already") as refused:
        client.cancel_task(task)
    assert refused.value.state == "cancelled"


def test_a_template_whose_registration_was_lost_is_registered(client: TaskerClient, way: RoughWay) -> None:
    way.mishaps.append("lose the answer")
    client.register_template(flow({"pay": []}, name="another"))
    assert client.create_task("another", namespace="shop").total_steps == 1


def test_a_server_that_never_answers_is_waited_for_as_long_as_was_said(client: TaskerClient, way: RoughWay) -> None:
    way.mishaps.append("stall")
    with TaskerClient(url=way.url, timeout=0.3) as impatient:
        with pytest.raises(ServerError, match=r"didn't answer: .*may have been done, and may be asked again") as late:
            create(impatient)
        assert late.value.retryable and isinstance(late.value, StoreError) and isinstance(late.value, RuntimeError)
        assert create(impatient)


def test_a_server_that_is_away_is_asked_again_until_it_is_back(workshop: Workshop, server: Served) -> None:
    task = workshop.create()
    waiting = listen("127.0.0.1", 0)
    port = waiting.getsockname()[1]
    waiting.close()
    answers: list[str] = []

    def ask() -> None:
        with TaskerClient(url=f"http://127.0.0.1:{port}", retries=10) as client:
            answers.append(client.get_task(task).task_uuid)

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.3)
    with served(workshop.url, port=port):
        asking.join(20)
    assert answers == [task]


def test_what_is_said_of_a_server_that_is_away() -> None:
    with TaskerClient(url="http://ann:geheim@127.0.0.1:9", retries=1, timeout=5) as client:
        with pytest.raises(ServerError) as away:
            client.get_task("01980000-0000-7000-8000-000000000000")
        said = str(away.value)
        assert said.startswith("http://127.0.0.1:9 can't be reached: ") and "(tried 2 times in" in said
        assert "geheim" not in said
        health = client.health_check()
        assert (health.healthy, health.status) == (False, "unhealthy")


def test_a_wait_outlives_bad_moments(client: TaskerClient, way: RoughWay, workshop: Workshop) -> None:
    task = create(client)
    way.mishaps.extend(["lose the answer", "lose the question"])
    workshop.handler("cart")(lambda: {"total": 42})
    threading.Timer(0.3, workshop.start).start()
    assert client.wait(task, timeout=20).status == "complete"


def test_a_wait_does_not_hammer_a_server_that_is_about_to_stop(workshop: Workshop) -> None:
    workshop.template({"cart": []})
    task = workshop.create()
    with (
        served(workshop.url, drain=1.5) as server,
        rough_way(server.url) as way,
        TaskerClient(url=way.url) as client,
    ):
        server.server.stop()  # nobody is waited for from here on
        with pytest.raises(TimeoutError, match=f"task {task} is steps_in_process after 0.7 s"):
            client.wait(task, timeout=0.7)
        assert way.requests < 10


# -- who answers instead


@contextmanager
def stranger(status: int, body: str, **headers: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A proxy, or another service: answers everything so, and keeps the headers that it was sent."""
    sent: list[dict[str, str]] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", sent
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def error_of(status: int, body: str, tries: int = 1, retries: int = 1, **headers: str) -> TaskerError:
    with stranger(status, body, **headers) as (url, sent), TaskerClient(url=url, retries=retries) as client:
        with pytest.raises(TaskerError) as refused:
            client.list_tasks()
        assert len(sent) == tries
        assert len({each["x-request-id"] for each in sent}) == 1
        return refused.value


@pytest.mark.parametrize(
    ("status", "body", "headers", "words"),
    [
        (200, "<html>", {"Content_Type": "text/html"}, "answers 200 with text/html, as no server of Tasker does"),
        (404, "<html>", {"Content_Type": "text/html"}, "answers 404 with text/html"),
        (404, '{"detail": "Not Found"}', {"Content_Type": "application/json"}, "answers 404 with application/json"),
        (308, "", {"Location": "https://example.org/"}, "leads on to https://example.org/, which isn't followed"),
        (500, '{"error": {"code": "X", "message": "oh"}}', {"X_Request_ID": "r-1"}, "oh (500, request r-1)"),
    ],
)  # fmt: skip
def test_answers_of_strangers(status: int, body: str, headers: dict[str, str], words: str) -> None:
    error = error_of(status, body, 1, 1, **headers)
    assert isinstance(error, ServerError) and words in str(error)
    assert (error.status, error.retryable) == (status, False)


def test_a_bad_moment_is_repeated_and_then_told() -> None:
    busy = '{"error": {"code": "BACKPRESSURE", "message": "too much to do"}}'
    error = error_of(503, busy, tries=2)
    assert isinstance(error, ServerError) and error.retryable and "too much to do (503" in str(error)
    error_of(502, "<html>", tries=2)
    error_of(503, busy, tries=1, Retry_After="3600")


def test_credentials_that_do_not_do() -> None:
    error = error_of(401, '{"error": {"code": "UNAUTHORIZED", "message": "say who you are"}}')
    assert isinstance(error, CredentialsError) and "TASKER_API_KEY" in str(error)
    error = error_of(403, '{"error": {"code": "FORBIDDEN", "message": "it takes tasks:list"}}')
    assert isinstance(error, NotPermittedError) and str(error) == "it takes tasks:list"
    for each in (CredentialsError, NotPermittedError):
        assert issubclass(each, RuntimeError) and not each.retryable


def test_credentials_are_sent_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    with stranger(200, '{"tasks": [], "pagination": {}}') as (url, sent):

        def shown(**options: Any) -> tuple[str | None, str | None]:
            with TaskerClient(url=url, **options) as client:
                client.list_tasks()
            return sent[-1].get("authorization"), sent[-1].get("x-api-key")

        assert shown() == (None, None)
        monkeypatch.setenv("TASKER_API_KEY", "key-e")
        assert shown() == (None, "key-e")
        assert shown(api_key="key-a") == (None, "key-a")
        monkeypatch.setenv("TASKER_AUTH_TOKEN", "token-e")
        assert shown() == ("Bearer token-e", None)
        assert shown(api_key="key-a") == (None, "key-a")
        monkeypatch.setenv("TASKER_ORCHESTRATION_AUTH_TOKEN", "token-o")
        assert shown() == ("Bearer token-o", None)
        assert shown(token="token-a") == ("Bearer token-a", None)
        monkeypatch.setenv("TASKER_API_KEY_HEADER", "X-Shop-Key")
        shown(api_key="key-a")
        assert sent[-1]["x-shop-key"] == "key-a"
        assert sent[-1]["user-agent"].startswith("tasker-core/")
    with pytest.raises(SettingsError, match="a character that no header can"):
        TaskerClient(url=url, api_key="key\nInjected: yes")


@pytest.mark.parametrize("signer", [rsa_signer(), ec_signer()], ids=["RSA", "P-256"])
def test_a_client_signs_its_own_tokens(signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(signer.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    monkeypatch.setenv("TASKER_JWT_PRIVATE_KEY_PATH", str(key))
    with stranger(200, '{"tasks": [], "pagination": {}}') as (url, sent):
        with TaskerClient("shop", url=url) as client:
            client.list_tasks()
            client.list_tasks()
        assert sent[0]["authorization"] == sent[1]["authorization"], "a token is used until it is about to end"
    tokens = Tokens(OneSigner(public_key(signer.public_pem)), TokenRules(algorithms=("RS256", "ES256")))
    bearer = asyncio.run(tokens.read(sent[0]["authorization"].removeprefix("Bearer ")))
    assert bearer.name == "shop"
    needed = ("tasks:create", "tasks:read", "tasks:list", "tasks:cancel", "steps:read", "templates:register")
    assert all(bearer.may(permission) for permission in (*needed, "system:config_read"))
    key.write_text("no key")
    with pytest.raises(SettingsError, match=r"key\.pem must hold a private key as PEM"):
        TaskerClient(url=url)
    key.unlink()
    with pytest.raises(SettingsError, match=r"key\.pem: No such file"):
        TaskerClient(url=url)


# -- one client, many users


def test_connections_are_kept_and_shared(client: TaskerClient, way: RoughWay) -> None:
    for no in range(20):
        create(client, no)
    assert way.connections == 1
    together = threading.Barrier(16)

    def customer(no: int) -> None:
        together.wait()
        for order in range(5):
            create(client, 100 * no + order)

    threads = [threading.Thread(target=customer, args=(no,)) for no in range(1, 17)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert count(client) == 100
    assert way.connections <= 17


def test_a_forked_child_makes_connections_of_its_own(client: TaskerClient, way: RoughWay) -> None:
    task, before = create(client), way.connections
    in_a_child(lambda: client.get_task(task))
    assert way.connections == before + 1
    assert client.get_task(task).task_uuid == task
    assert way.connections == before + 1


# -- which door


def test_the_server_is_chosen_by_argument_environment_and_file(
    server: Served, workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = workshop.create()
    monkeypatch.chdir(tmp_path)
    with TaskerClient(url=server.url) as client:
        assert client.get_task(task).task_uuid == task
    monkeypatch.setenv("TASKER_URL", NOWHERE)
    with TaskerClient(url=f"{server.url}/") as client:
        assert client.get_task(task).task_uuid == task
    with TaskerClient(database_url=workshop.url) as client:
        assert client.get_task(task).task_uuid == task
    with TaskerClient(retries=0) as client, pytest.raises(ServerError, match=NOWHERE):
        client.get_task(task)
    monkeypatch.setenv("TASKER_URL", server.url)
    monkeypatch.setenv("TASKER_DATABASE_URL", "sqlite:////nowhere/tasker.db")
    with TaskerClient() as client:
        assert client.get_task(task).task_uuid == task
    monkeypatch.delenv("TASKER_URL")
    Path("tasker.toml").write_text(f'[client]\nurl = "{server.url}"\n')
    with TaskerClient() as client:
        assert client.get_task(task).task_uuid == task
    Path("tasker.toml").unlink()
    Path("worker.toml").write_text(f'[worker.orchestration_client]\nbase_url = "{server.url}"\n')
    with TaskerClient() as client:
        assert client.get_task(task).task_uuid == task


def test_doors_that_cannot_be(workshop: Workshop) -> None:
    with pytest.raises(InvalidRequestError, match=r"give url .* or database_url .*, not both"):
        TaskerClient(url=NOWHERE, database_url=workshop.url)
    for url in ("localhost:8080", "ftp://example.org", "postgresql://db/shop"):
        with pytest.raises(SettingsError, match="url must be an http or https URL"):
            TaskerClient(url=url)
    for url in ("http://", "http://exa mple.org", "http://[::1"):
        with pytest.raises(TaskerError), TaskerClient(url=url, retries=0) as client:
            client.list_tasks()
    with pytest.raises(SettingsError, match="timeout must be a number above 0"):
        TaskerClient(url=NOWHERE, timeout=0)


def test_a_server_takes_no_part_in_a_transaction(client: TaskerClient) -> None:
    for call in (create, lambda one, **more: one.create_tasks([{"name": "flow"}], **more)):
        with pytest.raises(InvalidRequestError, match="which can't write in your transaction") as refused:
            call(client, connection=object())
        assert refused.value.field == "connection"


def test_a_time_without_a_zone_is_this_machines(client: TaskerClient, server: Served) -> None:
    moment = datetime(2030, 1, 2, 3, 4, 5)
    task = create(client, requested_at=moment)
    told = server.get(f"/v1/tasks/{task}")["requested_at"]
    assert datetime.fromisoformat(told) == moment.astimezone(UTC)


def test_the_command_asks_the_server_that_the_settings_name(server: Served, workshop: Workshop, tmp_path: Path) -> None:
    here = tmp_path / "elsewhere"
    here.mkdir()
    made = tasker("task", "create", "flow", "--namespace", "shop", "--input", "{}", cwd=here, TASKER_URL=server.url)
    task = made.out.strip()
    assert workshop.client.get_task(task).initiator != ""
    assert task in tasker("task", "list", cwd=here, TASKER_URL=server.url).out
    assert "no live worker" in tasker("explain", task, cwd=here, TASKER_URL=server.url).out
    away = tasker("task", "get", task, cwd=here, TASKER_URL=NOWHERE, TASKER_CLIENT_RETRIES="0")
    assert away.code != 0 and f"error: {NOWHERE} can't be reached" in away.err
    assert not list(here.iterdir()), "no store is made where a server is asked"
