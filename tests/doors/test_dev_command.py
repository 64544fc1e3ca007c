"""``tasker dev``: a real process, real edits of handlers and templates, broken ones too, and Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasker_core.server.auth.keys import hash_key, new_key
from tests.support.workshop import Background, eventually, tasker

HANDLERS = """
from pathlib import Path
import time

from tasker_core.step_handler import inputs, step_handler

SAYS = "one"


@step_handler("greet")
@inputs("gate")
def greet(gate):
    if gate:
        Path(gate + ".here").touch()
        while not Path(gate).exists():
            time.sleep(0.01)
    return {"said": SAYS}
"""
TEMPLATE = """
name: greet
namespace_name: shop
version: 1.0.0
steps:
  - {name: hello, handler: {callable: greet}}
"""
SECOND_STEP = "  - {name: again, handler: {callable: greet}, dependencies: [hello]}\n"


class Desk:
    """A newcomer's directory with ``tasker dev`` running in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.handlers, self.template = directory / "shop.py", directory / "config/tasks/greet.yaml"
        self.template.parent.mkdir(parents=True)
        self.handlers.write_text(HANDLERS)
        self.template.write_text(TEMPLATE)

    def start(self) -> Background:
        self.process = Background(
            "dev", "--handlers", "shop", "--port", "0", cwd=self.directory, log=self.directory / "dev.log"
        )
        return self.process

    def edit(self, file: Path, before: str, after: str) -> None:
        text = file.read_text()
        assert before in text
        file.write_text(text.replace(before, after))

    def says(self, words: str, times: int = 1) -> None:
        """Wait until ``words`` have been printed so many times."""
        deadline = time.monotonic() + 60
        while self.process.output().count(words) < times:
            assert self.process.is_running, self.process.output()
            assert time.monotonic() < deadline, self.process.output()
            time.sleep(0.01)

    @property
    def url(self) -> str:
        found = re.search(r"Tasker serves (http://\S+):", self.process.output())
        assert found is not None, self.process.output()
        return found[1]

    def create(self, **context: Any) -> str:
        body = {"name": "greet", "namespace": "shop", "context": context, "idempotency_key": os.urandom(8).hex()}
        answer = httpx.post(f"{self.url}/v1/tasks", json=body, timeout=30)
        assert answer.status_code == 201, answer.text
        task: str = answer.json()["task_uuid"]
        return task

    def finish(self, task: str) -> dict[str, str]:
        """What each step of the task said."""
        answer = httpx.get(f"{self.url}/v1/tasks/{task}", params={"wait_ms": 20_000}, timeout=30).json()
        assert answer["status"] == "complete", answer
        steps = httpx.get(f"{self.url}/v1/tasks/{task}/workflow_steps", timeout=30).json()
        return {step["name"]: step["results"]["result"]["said"] for step in steps}

    def children(self) -> list[int]:
        """The processes that load or serve; a dead one has no command any more."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in listed if "tasker_core.dev.child" in command_of(int(pid))]


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    with desk.start():
        yield desk


def test_edited_handlers_and_templates_are_reloaded(desk: Desk) -> None:
    desk.says("save a file and it is reloaded; Ctrl-C ends")
    assert f"Tasker serves {desk.url}: 1 handler, 1 template, tasks in sqlite:///tasker.db" in desk.process.output()
    assert desk.finish(desk.create()) == {"hello": "one"}
    assert "Tasker" in httpx.get(desk.url).text

    desk.edit(desk.handlers, '"one"', '"two"')
    desk.says("reloaded after a change of shop.py: 1 handler, 1 template")
    assert desk.finish(desk.create()) == {"hello": "two"}

    with desk.template.open("a") as file:
        file.write(SECOND_STEP)
    desk.says("reloaded after a change of config/tasks/greet.yaml")
    assert desk.finish(desk.create()) == {"hello": "two", "again": "two"}

    (desk.directory / "config/tasks/other.yml").write_text(TEMPLATE.replace("name: greet", "name: other"))
    desk.says("reloaded after a change of config/tasks/other.yml: 1 handler, 2 templates")


def test_broken_files_are_told_and_what_ran_before_goes_on(desk: Desk) -> None:
    desk.says("Ctrl-C ends")
    desk.edit(desk.handlers, "def greet(gate):", "def greet(gate:")
    desk.says("not reloaded; what ran before goes on")
    assert "shop.py:12: SyntaxError: '(' was never closed\n    def greet(gate:\n" in desk.process.output()
    assert desk.finish(desk.create()) == {"hello": "one"}

    desk.edit(desk.template, "steps:", "steps: [")
    desk.says("not reloaded; what ran before goes on", times=2)
    assert re.search(r"config/tasks/greet.yaml:\d+:\d+: error YAML_SYNTAX: ", desk.process.output())
    desk.edit(desk.handlers, "def greet(gate:", "def greet(gate):")
    desk.says("not reloaded; what ran before goes on", times=3)
    desk.edit(desk.handlers, 'SAYS = "one"', 'SAYS = "three"')
    desk.edit(desk.template, "steps: [", "steps:")
    desk.says("reloaded after a change of shop.py, config/tasks/greet.yaml: 1 handler")
    assert desk.finish(desk.create()) == {"hello": "three"}

    desk.edit(desk.template, "callable: greet", "callable: great")
    desk.says("not served: shop/greet/hello: no handler is registered as 'great'; did you mean 'greet'?")


def test_keys_are_taken_from_edited_settings_and_bad_ones_are_told(desk: Desk) -> None:
    desk.says("Ctrl-C ends")
    key, settings = new_key(), desk.directory / "tasker.toml"
    assert httpx.get(f"{desk.url}/v1/tasks", timeout=30).status_code == 200
    settings.write_text('[[server.auth.api_keys]]\nhash = "plain"\npermissions = ["tasks:list"]\n')
    desk.says("not reloaded; what ran before goes on")
    assert "its hash must be sha256:" in desk.process.output()
    assert httpx.get(f"{desk.url}/v1/tasks", timeout=30).status_code == 200
    settings.write_text(settings.read_text().replace("plain", hash_key(key)))
    desk.says("reloaded after a change of tasker.toml")
    assert httpx.get(f"{desk.url}/v1/tasks", timeout=30).status_code == 401
    assert httpx.get(f"{desk.url}/v1/tasks", headers={"X-API-Key": key}, timeout=30).status_code == 200


def test_a_running_attempt_finishes_on_the_code_it_began_with(desk: Desk) -> None:
    desk.says("Ctrl-C ends")
    gate = desk.directory / "gate"
    running = desk.create(gate=str(gate))
    eventually(Path(f"{gate}.here").exists)
    desk.edit(desk.handlers, '"one"', '"two"')
    desk.says("reloaded after a change of shop.py")
    assert len(desk.children()) == 2
    assert desk.finish(desk.create()) == {"hello": "two"}
    gate.touch()
    assert desk.finish(running) == {"hello": "one"}
    eventually(lambda: len(desk.children()) == 1)


def test_every_request_is_answered_while_files_are_reloaded(desk: Desk) -> None:
    desk.says("Ctrl-C ends")
    over, failed, answered = threading.Event(), list[str](), list[int]()

    def ask() -> None:
        while not over.is_set():
            try:
                answered.append(httpx.get(f"{desk.url}/health", timeout=30).status_code)
            except httpx.TransportError as error:
                failed.append(repr(error))

    asking = threading.Thread(target=ask)
    asking.start()
    for times in (1, 2, 3):
        desk.handlers.write_text(HANDLERS.replace('"one"', f'"{times}"'))
        desk.says("reloaded after a change of shop.py", times)
    over.set()
    asking.join()
    assert not failed
    assert set(answered) == {200}


def test_ctrl_c_lets_what_runs_finish_and_leaves_nothing_behind(desk: Desk) -> None:
    desk.says("Ctrl-C ends")
    gate = desk.directory / "gate"
    task = desk.create(gate=str(gate))
    eventually(Path(f"{gate}.here").exists)
    children = desk.children()
    # As a terminal does it: everybody hears Ctrl-C.
    for pid in (*children, desk.process.pid):
        os.kill(pid, signal.SIGINT)
    desk.says("stopping: what runs may finish ...")
    assert desk.process.is_running
    gate.touch()
    assert desk.process.wait() == 0
    assert not any(map(command_of, children))
    found = tasker("task", "get", task, "--json", cwd=desk.directory)
    assert '"status": "complete"' in found.out
    assert "Traceback" not in desk.process.output()


def test_a_second_ctrl_c_ends_at_once(desk: Desk) -> None:
    desk.says("Ctrl-C ends")
    gate = desk.directory / "gate"
    desk.create(gate=str(gate))
    eventually(Path(f"{gate}.here").exists)
    children = desk.children()
    desk.process.signal(signal.SIGINT)
    desk.says("stopping")
    desk.process.signal(signal.SIGINT)
    assert desk.process.wait() == 130
    eventually(lambda: not any(map(command_of, children)))


def test_a_serving_process_that_dies_is_told_and_comes_back(desk: Desk) -> None:
    desk.says("Ctrl-C ends")
    desk.edit(desk.handlers, '"one"', '"two"')
    desk.says("reloaded after a change of shop.py")
    eventually(lambda: len(desk.children()) == 1)
    os.kill(desk.children()[0], signal.SIGKILL)
    desk.says("the serving process died (signal 9)")
    desk.edit(desk.handlers, '"two"', '"three"')
    desk.says("reloaded after a change of shop.py", times=2)
    assert desk.finish(desk.create()) == {"hello": "three"}


def test_the_serving_process_ends_when_the_command_is_killed(desk: Desk) -> None:
    desk.says("Ctrl-C ends")
    (child,) = desk.children()
    desk.process.kill()
    eventually(lambda: not command_of(child))


def test_a_broken_beginning_waits_for_its_repair(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.edit(desk.handlers, "from tasker_core.step_handler", "from tasker_core.step_handlers")
    with desk.start():
        desk.says("nothing can be served yet; waiting for a change")
        assert "shop.py:5: ModuleNotFoundError: No module named 'tasker_core.step_handlers'" in desk.process.output()
        desk.edit(desk.handlers, "step_handlers", "step_handler")
        desk.says("Ctrl-C ends")
        assert desk.finish(desk.create()) == {"hello": "one"}


def test_an_empty_directory_is_helped(tmp_path: Path) -> None:
    with Background("dev", "--port", "0", cwd=tmp_path, log=tmp_path / "log") as process:
        process.await_line("no template is here: put one into config/tasks, or name its place with --templates")
        process.await_line("Ctrl-C ends")


def test_what_no_edit_can_mend_is_refused(tmp_path: Path) -> None:
    unknown = tasker("dev", "--handlers", "shpo", "--port", "0", cwd=tmp_path)
    assert (unknown.code, unknown.out) == (2, "")
    assert unknown.err == f"error: there is no package 'shpo' here; handlers are imported from {tmp_path}\n"
    exposed = tasker("dev", "--host", "0.0.0.0", "--port", "0", cwd=tmp_path)
    assert exposed.code == 2 and "without authentication a server listens on this machine only" in exposed.err
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = tasker("dev", "--port", port, cwd=tmp_path)
    assert refused.code == 2
    assert f"can't listen at 127.0.0.1:{port}: Address already in use" in refused.err
