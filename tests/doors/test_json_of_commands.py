"""Every command that reads or acts has ``--json``; what a program finds there stands in ``golden_json.txt``.

A change that is meant is written down by ``python -m tests.doors.test_json_of_commands``.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import re
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from tasker_core import PermanentError
from tasker_core.cli.app import app
from tasker_core.server.auth.keys import new_key
from tests.docs.command_page import commands
from tests.support.workshop import Workshop, flow, tasker

COMMAND: Any = typer.main.get_command(app)
NAMES = commands()
GOLDEN = Path(__file__).with_name("golden_json.txt")
SERVE = {"tasker", "tasker worker", "tasker server", "tasker dev", "tasker mcp"}
"""They run until they are stopped, and print what people read."""
ELSEWHERE = {
    "tasker run": "test_run_command",
    "tasker auth validate-token": "auth/test_auth_command",
    "tasker limits unset": "as limits set",
    "tasker breakers close": "as breakers open",
    "tasker init": "test_init_command",
    "tasker events set": "as webhook set",
    "tasker events forget": "as webhook remove",
    "tasker template schema": "it is JSON anyway",
}  # fmt: skip
KEYS_OF_USERS = {
    "context",
    "result",
    "metadata",
    "detail",
    "details",
    "said",
    "declared",
    "configuration",
    "task_snapshot",
    "dead_letter",
    "queues",
    "reason",
}
"""Their values are what a user put there, or tell it."""


class Scene:
    """A store in which something of everything stands, and the words by which it is asked."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        workshop.handler("cart")(lambda: {"total": 42})

        @workshop.handler("pay")
        def pay() -> None:
            raise PermanentError("declined")

        workshop.handler("back")(lambda: None)
        undoable = flow({"cart": []}, name="undoable", cart={"compensate": {"handler": {"callable": "back"}}})
        workshop.client.register_template(undoable)
        self.file = workshop.directory / "flow.yaml"
        self.file.write_text(yaml.safe_dump(flow({"cart": [], "pay": ["cart"], "ship": ["pay"]}), sort_keys=False))
        workshop.client.register_template(self.file)
        workshop.start()
        self.tasks = [self._blocked(no) for no in range(12)]
        self.done = workshop.create("undoable")
        workshop.finish(self.done)
        self.letters = [workshop.client.send_to_dead_letters(task).dlq_entry_uuid for task in self.tasks[9:]]
        self.waiting = [workshop.create(context={"later": no}) for no in range(2)]
        self.worker = workshop.client.list_workers()[0]["name"]

    def _blocked(self, no: int) -> str:
        task = self._workshop.create(context={"no": no})
        self._workshop.finish(task)
        return task

    def say(self, arguments: str, feed: str | None = None) -> Any:
        """What the command prints, as data; of several lines of JSON the last."""
        printed, before = io.StringIO(), sys.stdin
        sys.stdin = io.StringIO(feed)
        try:
            with contextlib.redirect_stdout(printed), contextlib.chdir(self._workshop.directory):
                COMMAND.main(args=arguments.split(), prog_name="tasker", standalone_mode=False)
        finally:
            sys.stdin = before
        out = printed.getvalue()
        return json.loads(out if not arguments.startswith("task watch") else out.splitlines()[-1])


def calls(scene: Scene) -> Iterator[tuple[str, str]]:
    """(what is typed after ``tasker``, what is fed to it), in an order in which each is possible."""
    a, b, c, d, e, f, g, h, i, *_ = scene.tasks
    letter, second, third = scene.letters
    for line in (
        f"template validate {scene.file}", f"template register {scene.file}", "template list", "template info flow",
        f"template diff {scene.file} shop/flow", "template visualize flow", "template generate made --step one",
        "task create flow --input {\"new\":1}", f"task get {a}", "task list --limit 2", f"task steps {a}",
        f"task step {a} pay", f"task audit {a}", f"task step-audit {a} pay", f"task explain {a}", f"task watch {a}",
        f"task visualize {a}", f"task wait {a}", f"step get {a} pay", f"step audit {a} pay", f"explain {a}",
        f"export {a}", f"task reset-step {a} pay", f"step reset {b} pay", f"task resolve-step {c} pay",
        f"step resolve {d} pay", f"task complete-step {e} pay --result {{}}", f"step complete {f} pay --result {{}}",
        f"task retry {g}", f"task restart {h} cart", f"task give-up {i}", f"task undo {scene.done}",
        "worker list", "namespace list", "namespace pause shop", "namespace resume shop",
        f"task pause {scene.waiting[0]}", f"task resume {scene.waiting[0]}", f"task cancel {scene.waiting[0]}",
        f"task resolve {g}", "task bulk pause --status blocked_by_failures --dry-run",
        "dlq list", "dlq queue", "dlq groups", f"dlq show {letter}", "dlq stats", "dlq staleness",
        f"dlq resolve {second}", f"dlq requeue {third}", f"dlq send {h}",
        "events list", "events subscriptions", "webhook add hook https://example.org/", "webhook list",
        "webhook set hook --state paused", "webhook log hook", "webhook remove hook",
        "limits set shop/cart --concurrency 3", "limits list", "breakers open shop/cart", "breakers list",
        "config show --changed", "config validate", "config explain worker.concurrency",
        "auth generate-api-key --permission tasks:read", "auth show-permissions",
        "auth generate-keys keys --algorithm ES256",
        "auth generate-token -s ann -p tasks:read --private-key keys/private_key.pem",
        f"generate types {scene.file}", f"generate handler {scene.file}", f"generate tests {scene.file}",
        f"generate scaffold {scene.file} -o made", "system health", "system info", "doctor", "migrate",
        "prune --older-than 90d --dry-run", f"worker drain {scene.worker}",
    ):  # fmt: skip
        yield line, ""
    yield "auth hash-key", new_key()


def shape(value: Any, key: str = "") -> str:
    """What of a value stays the same from one time to the next: its keys, and those of what is below them."""
    if isinstance(value, dict) and key not in KEYS_OF_USERS:
        return "{" + ", ".join(f"{name}{shape(inner, name)}" for name, inner in value.items()) + "}"
    if isinstance(value, list) and key not in KEYS_OF_USERS:
        return "[" + (shape(value[0], key) if value else "") + "]"
    return ""


def told(scene: Scene) -> str:
    """The golden text: each command, and below it the keys of what it prints."""
    parts = []
    for line, feed in calls(scene):
        keys = textwrap.fill(shape(scene.say(f"{line} --json", feed)), 118, break_long_words=False)
        parts.append(f"{_named(line)}\n{textwrap.indent(keys, '  ')}\n")
    return "\n".join(parts)


def _named(line: str) -> str:
    """The name of the command in a line."""
    words = ["tasker", *line.split()]
    return max((" ".join(words[:at]) for at in range(2, len(words) + 1) if " ".join(words[:at]) in NAMES), key=len)


@pytest.fixture
def as_it_logged() -> Iterator[None]:
    """The command says how this process logs; afterwards it logs as before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_what_a_program_finds(workshop: Workshop, as_it_logged: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKER_DATABASE_URL", workshop.url)
    assert told(Scene(workshop)) == GOLDEN.read_text("utf-8"), "python -m tests.doors.test_json_of_commands"


def test_no_command_is_left_out() -> None:
    there = set(re.findall(r"^tasker .*$", GOLDEN.read_text("utf-8"), re.MULTILINE))
    assert sorted(NAMES.keys() - there - SERVE - ELSEWHERE.keys()) == []
    for name, command in NAMES.items():
        if name not in SERVE | {"tasker template schema"}:
            assert any("--json" in each.opts for each in command.params), f"{name} has no --json"


@pytest.mark.parametrize("how", [["--format", "json", "task", "list"], ["task", "list", "--json"]])
def test_json_may_be_asked_for_before_and_behind(workshop: Workshop, how: list[str]) -> None:
    assert json.loads(tasker(*how, url=workshop.url).out)["tasks"] == []


def written(make: Callable[[Path], Workshop]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        workshop = make(Path(directory))
        os.environ["TASKER_DATABASE_URL"] = workshop.url
        try:
            GOLDEN.write_text(told(Scene(workshop)), "utf-8")
        finally:
            workshop.close()


if __name__ == "__main__":
    written(Workshop)
