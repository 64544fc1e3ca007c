"""``tasker config``: which settings count here, from where, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.workshop import tasker


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "tasker.toml").write_text('env = "staging"\n[worker]\nconcurrency = 4\nnamespaces = ["shop"]\n')
    return tmp_path


def test_show_tells_values_and_origins(directory: Path) -> None:
    done = tasker("config", "show", "--json", cwd=directory, TASKER_WORKER_CONCURRENCY="6")
    shown = {answer["setting"]: (answer["value"], answer["from"]) for answer in json.loads(done.out)}
    assert shown["worker.concurrency"] == (6, "TASKER_WORKER_CONCURRENCY")
    assert shown["worker.namespaces"] == (["shop"], "tasker.toml:4: worker.namespaces")
    assert shown["worker.shutdown_timeout"] == (30.0, "default")
    assert shown["server.auth.jwt.issuer"] == (None, "default"), "without tokens there is no issuer"


def test_show_changed(directory: Path) -> None:
    done = tasker("config", "show", "--changed", cwd=directory)
    assert [line.split() for line in done.out.splitlines()][1:] == [
        ["env", "staging", "tasker.toml:1:", "env"],
        ["worker.concurrency", "4", "tasker.toml:3:", "worker.concurrency"],
        ["worker.namespaces", "shop", "tasker.toml:4:", "worker.namespaces"],
    ]


def test_validate_answers_with_an_exit_code(directory: Path) -> None:
    assert tasker("config", "validate", cwd=directory).code == 0
    with (directory / "tasker.toml").open("a") as file:
        file.write("concurency = 3\n")
    lenient, strict = (tasker("config", "validate", *flag, cwd=directory) for flag in ([], ["--strict"]))
    assert lenient.code == 0
    assert "warning: tasker.toml:5: unknown key 'concurency' in [worker]; did you mean" in lenient.out
    assert strict.code == 1
    assert "error: tasker.toml:5: unknown key 'concurency' in [worker]; did you mean" in strict.out


def test_settings_that_cant_be_used_can_still_be_looked_at(directory: Path) -> None:
    done = tasker("config", "validate", "--json", cwd=directory, TASKER_LEASE_SECONDS="soon")
    assert done.code == 1
    assert json.loads(done.out) == {
        "valid": False,
        "files": ["tasker.toml"],
        "remarks": [
            {
                "level": "error",
                "setting": "worker.lease_seconds",
                "message": "TASKER_LEASE_SECONDS must be a number from 3 to 3600, not 'soon'",
            }
        ],
    }
    shown = tasker("config", "show", cwd=directory, TASKER_LEASE_SECONDS="soon")
    assert shown.code == 1
    assert "worker.lease_seconds" in shown.out
    assert tasker("config", "explain", "TASKER_LEASE_SECONDS", cwd=directory, TASKER_LEASE_SECONDS="soon").code == 0


def test_other_commands_refuse_them(directory: Path) -> None:
    done = tasker("task", "list", cwd=directory, TASKER_LEASE_SECONDS="soon")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: TASKER_LEASE_SECONDS must be a number from 3 to 3600, not 'soon'\n"
    assert not (directory / "tasker.db").exists()


def test_explain_knows_settings_and_variables(directory: Path) -> None:
    by_name = tasker("config", "explain", "worker.concurrency", cwd=directory)
    by_variable = tasker("config", "explain", "TASKER_WORKER_CONCURRENCY", cwd=directory)
    assert by_name.out == by_variable.out
    assert by_name.out.splitlines()[0] == "worker.concurrency = 4   from: tasker.toml:3: worker.concurrency"
    unknown = tasker("config", "explain", "worker.concurency", cwd=directory)
    assert (unknown.code, unknown.err) == (
        2,
        "error: there is no setting 'worker.concurency'; did you mean 'worker.concurrency'?\n",
    )


def test_a_worker_runs_as_the_file_says(directory: Path) -> None:
    (directory / "shop.py").write_text(
        "from tasker_core.step_handler import step_handler\n\n"
        "@step_handler('hello')\ndef hello() -> dict[str, str]:\n    return {'said': 'hello'}\n"
    )
    tasks = directory / "flows"
    tasks.mkdir()
    (tasks / "greet.yaml").write_text(
        "name: greet\nnamespace_name: shop\nversion: 1.0.0\nsteps: [{name: hello, handler: {callable: hello}}]\n"
    )
    (directory / "tasker.toml").write_text(
        "[database]\nurl = 'sqlite:///own.db'\n"
        "[worker]\nhandlers = ['shop']\nconcurrency = 3\ntemplate_path = 'flows/*.{yml,yaml}'\n"
    )
    registered = tasker("template", "register", tasks, cwd=directory)
    assert registered.code == 0, registered
    created = tasker("task", "create", "greet", "--namespace", "shop", cwd=directory)
    done = tasker("run", tasks / "greet.yaml", "--json", cwd=directory)
    assert done.code == 0, done
    assert json.loads(done.out)["task_uuid"] == created.out.strip(), "the same store"
    assert (directory / "own.db").exists()
    assert not (directory / "tasker.db").exists()
