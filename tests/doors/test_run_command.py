"""``tasker run``: one task before the user's eyes, to its end."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasker_core import TaskerClient
from tests.support.workshop import Background, Finished, eventually, flow, tasker
from tests.support.workshop.processes import COMMAND, environment

HANDLERS = "tests.support.workshop.handlers"
GREET, REFUSE = {"handler": {"callable": "greet"}}, {"handler": {"callable": "refuse"}}
GREETING = flow({"hello": [], "again": ["hello"]}, hello=GREET, again=GREET)
REFUSAL = flow({"hello": [], "pay": ["hello"], "ship": ["pay"]}, name="refusal", hello=GREET, pay=REFUSE, ship=GREET)


class Desk:
    """A user's directory with templates, and the store beside them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = f"sqlite:///{directory}/tasker.db"

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.directory / "tasker.db")) as store:
            return store.execute(sql).fetchall()

    def write(self, name: str, template: dict[str, Any]) -> Path:
        path = self.directory / name
        path.write_text(yaml.safe_dump(template, sort_keys=False))
        return path

    def run(self, template: Path, *options: str, feed: str | None = None) -> Finished:
        return tasker(
            "run", template, "--handlers", HANDLERS, *options, cwd=self.directory, url=self.url, feed=feed
        )  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_task_runs_to_its_end(desk: Desk) -> None:
    done = desk.run(desk.write("greeting.yaml", GREETING), "--input", '{"name": "Ann"}')
    assert (done.code, done.err) == (0, "")
    assert re.search(r"^hello: complete, attempt 1 of 3", done.out, re.MULTILINE)
    assert re.search(r"^shop/flow 1\.0\.0 +complete +[0-9a-f-]{36}$", done.out, re.MULTILINE)
    assert re.search(r"^ *again +complete +1 of 3", done.out, re.MULTILINE)
    assert re.search(r"^complete in \d+\.\d{3} s$", done.out, re.MULTILINE)


def test_json_is_for_programs(desk: Desk) -> None:
    done = desk.run(desk.write("greeting.yaml", GREETING), "--input", '{"name": "Ann"}', "--json")
    told = json.loads(done.out)
    assert (done.code, done.err, told["status"], told["context"]) == (0, "", "complete", {"name": "Ann"})
    assert [(step["name"], step["results"]["result"]) for step in told["steps"]] == [
        ("hello", {"greeting": "hello, Ann"}),
        ("again", {"greeting": "hello, Ann"}),
    ]


def test_a_refusal_is_exit_code_one_and_names_the_reason(desk: Desk) -> None:
    done = desk.run(desk.write("refusal.yaml", REFUSAL))
    assert done.code == 1
    assert re.search(r"^ *pay +error +1 of 3 .*permanent_error: the card was declined", done.out, re.MULTILINE)
    assert re.search(r"^ *ship +pending", done.out, re.MULTILINE)
    assert "blocked_by_failures in" not in done.out
    told = desk.run(desk.write("refusal.yaml", REFUSAL), "--json")
    assert (told.code, json.loads(told.out)["status"]) == (1, "blocked_by_failures")


def test_the_input_comes_from_a_file_or_from_standard_input(desk: Desk) -> None:
    template = desk.write("greeting.yaml", GREETING)
    (desk.directory / "order.json").write_text('{"name": "Bob"}')
    for options, feed, name in ((["order.json"], None, "Bob"), (["-"], '{"name": "Cleo"}', "Cleo")):
        told = json.loads(desk.run(template, "--json", "--input", *options, feed=feed).out)
        assert told["context"] == {"name": name}


def test_the_same_task_again_shows_its_result_and_says_so(desk: Desk) -> None:
    template = desk.write("greeting.yaml", GREETING)
    first = json.loads(desk.run(template, "--json").out)
    again = desk.run(template)
    assert (
        again.code == 0 and "the same task is finished already; this is its result (--new makes another)" in again.out
    )
    assert first["task_uuid"] in again.out
    other = json.loads(desk.run(template, "--json", "--new").out)
    assert other["task_uuid"] != first["task_uuid"] and other["status"] == "complete"
    keyed = [json.loads(desk.run(template, "--json", "--idempotency-key", "k").out)["task_uuid"] for _ in range(2)]
    assert keyed[0] == keyed[1] != first["task_uuid"]


def test_a_run_goes_on_with_the_unfinished_task(desk: Desk) -> None:
    """As after a kill: the store holds the task, and the next run takes it up."""
    template = desk.write("greeting.yaml", GREETING)
    with TaskerClient(database_url=desk.url) as client:
        client.register_template(template)
        begun = client.create_task("flow", namespace="shop", context={"name": "Ann"}).task_uuid
    done = desk.run(template, "--input", '{"name": "Ann"}')
    assert done.code == 0 and "the same task exists unfinished; it goes on (--new makes another)" in done.out
    assert begun in done.out and "complete in" in done.out


def test_a_run_that_is_killed_is_taken_up_by_the_next(desk: Desk) -> None:
    gate, book = desk.directory / "gate", desk.directory / "ledger.db"
    steps: Any = {"hello": {"handler": {"callable": "greet"}}, "wait": {"handler": {"callable": "linger"}}}
    template = desk.write("killed.yaml", flow({"hello": [], "wait": ["hello"]}, **steps))
    context = json.dumps({"gate": str(gate), "ledger": str(book)})
    arguments: list[str | Path] = ["run", template, "--handlers", HANDLERS, "--input", context]
    with Background(*arguments, log=desk.directory / "run.log", url=desk.url) as doomed:
        doomed.await_line("wait: in_progress, attempt 1 of 3")
        eventually(book.exists)
        doomed.kill()
    gate.touch()
    done = desk.run(template, "--input", context, "--json")
    told = json.loads(done.out)
    assert (done.code, told["status"]) == (0, "complete")
    assert [step["attempts"] for step in told["steps"]] == [1, 2]


def test_ctrl_c_ends_the_watching_and_leaves_the_task(desk: Desk) -> None:
    gate, book = desk.directory / "gate", desk.directory / "ledger.db"
    steps: Any = {"wait": {"handler": {"callable": "linger"}}}
    template = desk.write(
        "waits.yaml", flow({"wait": [], "after": ["wait"]}, **steps, after={"handler": {"callable": "greet"}})
    )
    arguments: list[str | Path] = [
        "run",
        template,
        "--handlers",
        HANDLERS,
        "--input",
        json.dumps({"gate": str(gate), "ledger": str(book)}),
    ]
    with Background(*arguments, log=desk.directory / "run.log", url=desk.url) as running:
        running.await_line("wait: in_progress")
        running.signal(signal.SIGINT)
        running.await_line("interrupted: what runs may finish; the same command goes on with task")
        eventually(lambda: desk.query("select state from tasker_workers") == [("draining",)])
        gate.touch()
        assert running.wait() == 130
    with TaskerClient(database_url=desk.url) as client:
        (task,) = client.list_tasks().tasks
        states = {step.name: step.current_state for step in client.list_task_steps(task.task_uuid)}
    assert states == {"wait": "complete", "after": "enqueued"}


def test_handlers_that_are_missing_are_named(desk: Desk) -> None:
    template = desk.write(
        "odd.yaml", flow({"hello": [], "greet": ["hello"]}, hello={"handler": {"callable": "greeet"}})
    )
    done = desk.run(template)
    assert done.code == 2 and done.out == ""
    assert "no handler for these steps; name their package with --handlers" in done.err
    assert "step 'hello': no handler is registered as 'greeet'; did you mean 'greet'?" in done.err
    assert "step 'greet'" not in done.err
    alone = tasker("run", template, cwd=desk.directory, url=desk.url)
    assert alone.code == 2 and "none is registered at all: name the package of your handlers" in alone.err
    with TaskerClient(database_url=desk.url) as client:
        assert client.list_tasks().tasks == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ('{"name": }', r"error: --input:1:10: not JSON: Expecting value"),
        ("broken.json", r"error: broken\.json:2:10: not JSON: Expecting"),
        ("list.json", r"error: list\.json: a task's context is a JSON object \{\.\.\.\}, not a list"),
        ("twice.json", r"error: twice\.json: the key 'name' stands twice in one object"),
        ("nowhere.json", r"error: nowhere\.json: No such file or directory"),
        ("latin.json", r"error: latin\.json: not UTF-8 text"),
    ],
)
def test_an_input_that_is_not_a_json_object(desk: Desk, given: str, words: str) -> None:
    (desk.directory / "broken.json").write_text('{\n  "name" "Ann"\n}')
    (desk.directory / "list.json").write_text("[1]")
    (desk.directory / "twice.json").write_text('{"name": "Ann", "name": "Bob"}')
    (desk.directory / "latin.json").write_bytes('{"name": "Zoë"}'.encode("latin-1"))
    done = desk.run(desk.write("greeting.yaml", GREETING), "--input", given)
    assert done.code == 2 and re.match(words, done.err), done.err
    assert "Traceback" not in done.err


def test_a_template_that_is_broken(desk: Desk) -> None:
    template = desk.write("wrong.yaml", flow({"pay": ["crat"], "cart": []}))
    done = desk.run(template)
    assert done.code == 2 and re.search(r"wrong\.yaml:\d+: .*'crat'.*did you mean 'cart'\?", done.err)
    assert "Traceback" not in done.err
    missing = desk.run(desk.directory / "nowhere.yaml")
    assert missing.code == 2 and "nowhere.yaml: No such file or directory" in missing.err


@pytest.mark.parametrize(
    ("module", "words"),
    [("no_such_package", "No module named 'no_such_package'"), ("half_shop", "half_shop.pay, a module of the handler")],
)
def test_a_package_of_handlers_that_cannot_be_imported(desk: Desk, module: str, words: str) -> None:
    (desk.directory / "half_shop").mkdir()
    (desk.directory / "half_shop" / "__init__.py").touch()
    (desk.directory / "half_shop" / "pay.py").write_text("import a_library_that_is_missing")
    done = tasker("run", desk.write("greeting.yaml", GREETING), "-H", module, cwd=desk.directory, url=desk.url)
    assert done.code == 2 and words in done.err and "Traceback" not in done.err


def test_the_live_view_on_a_terminal(desk: Desk) -> None:
    steps: Any = {"hello": {"handler": {"callable": "greet"}}, "rest": {"handler": {"callable": "nap_async"}}}
    template = desk.write("live.yaml", flow({"hello": [], "rest": ["hello"]}, **steps))
    master, terminal = pty.openpty()
    running = subprocess.Popen(
        [COMMAND, "run", template, "--handlers", HANDLERS, "--input", '{"nap": 0.7}'],
        stdin=terminal, stdout=terminal, stderr=terminal, cwd=desk.directory,
        env={**environment(desk.url), "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"},
    )  # fmt: skip
    os.close(terminal)
    shown = read_all(master)
    assert running.wait(30) == 0
    assert re.search(r"rest +in_progress +1 of 3", shown), "the running step was shown while it ran"
    assert re.search(r"rest +complete +1 of 3 +7\d\d ms", shown)
    assert "complete in" in shown
    assert shown.count("rest") > 2, "the table was drawn again and again"


def read_all(master: int) -> str:
    """Everything that is written to the terminal until its last user has gone, without the control sequences."""
    shown, deadline = b"", time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([master], [], [], 0.5)[0]:
            continue
        try:
            piece = os.read(master, 65_536)
        except OSError:  # Linux says so at the end
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode("utf-8", "replace"))
