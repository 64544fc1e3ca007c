"""What is read out of a worker.toml of the published system, and what is named as ignored."""

# ruff: noqa: ISC004
from __future__ import annotations

from pathlib import Path

import pytest

from tests.settings.conftest import Place

MERGED = """
    [common.database]
    url = "${DATABASE_URL}"

    [common.database.pool]
    max_connections = 25

    [common.task_templates]
    search_paths = ["config/tasks/**/*.{yml,yaml}"]

    [worker]
    worker_id = "worker-default-001"

    [worker.fallback_poller]
    enabled = true
    supported_namespaces = ["shop"]

    [worker.orchestration_client]
    base_url = "${ORCHESTRATION:-http://localhost:8080}"
    timeout_ms = 12500
    max_retries = 5

    [worker.mpsc_channels.handler_dispatch]
    dispatch_buffer_size = 1000
    max_concurrent_handlers = 50
    handler_timeout_ms = 60000
"""


def test_what_matters_is_read(place: Place) -> None:
    place.write("worker.toml", MERGED)
    settings = place.settings()
    assert settings.worker.template_path == ("config/tasks/**/*.{yml,yaml}",)
    assert settings.worker.namespaces == ("shop",)
    assert (settings.worker.concurrency, settings.worker.handler_timeout) == (50, 60.0)
    assert (settings.client.url, settings.client.timeout, settings.client.retries) == ("http://localhost:8080", 12.5, 5)
    assert settings.database.url == "sqlite:///tasker.db"


def test_the_rest_is_named(place: Place) -> None:
    place.write("worker.toml", MERGED)
    assert place.remarks("info") == [
        "worker.toml: these mean nothing here and are ignored: common.database.url, "
        "common.database.pool.max_connections, worker.worker_id, worker.fallback_poller.enabled, "
        "worker.mpsc_channels.handler_dispatch.dispatch_buffer_size"
    ]
    assert place.remarks("warning") == []


def test_many_that_are_ignored_are_named_by_their_tables(place: Place) -> None:
    backoff = "\n".join(f"key{n} = {n}" for n in range(20))
    place.write("worker.toml", f"[common.backoff]\n{backoff}\n[common.cache]\nenabled = false")
    (sentence,) = place.remarks("info")
    assert sentence.endswith("ignored: common.backoff.*, common.cache.*")


def test_variables_are_put_in(place: Place) -> None:
    place.write("worker.toml", MERGED)
    place.environ["ORCHESTRATION"] = "https://tasker.example"
    assert place.settings().client.url == "https://tasker.example"


def test_a_variable_that_is_missing_is_named(place: Place) -> None:
    place.write("worker.toml", '[worker.orchestration_client]\nbase_url = "${ORCHESTRATION}"')
    assert place.remarks() == [
        "worker.toml:2: worker.orchestration_client.base_url must be there with the variable ORCHESTRATION set, "
        "not '${ORCHESTRATION}'"
    ]


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (
            "timeout_ms = 'soon'",
            "worker.toml:2: worker.orchestration_client.timeout_ms must be a number of milliseconds, not 'soon'",
        ),
        (
            "max_retries = -1",
            "worker.toml:2: worker.orchestration_client.max_retries must be a whole number from 0 to 100, not -1",
        ),
        ("base_url = 'ftp://x'", "worker.toml:2: worker.orchestration_client.base_url must be an http or https URL"),
    ],
)
def test_a_bad_value_is_named_as_it_stands_there(place: Place, entry: str, sentence: str) -> None:
    place.write("worker.toml", f"[worker.orchestration_client]\n{entry}")
    assert place.remarks() == [sentence]


@pytest.mark.parametrize("where", ["TASKER_CONFIG_PATH", "TASKER_CONFIG_ROOT", "working directory"])
def test_where_it_is_found(place: Place, where: str, tmp_path: Path) -> None:
    place.environ["TASKER_ENV"] = "production"
    match where:
        case "TASKER_CONFIG_PATH":
            place.environ[where] = str(place.write("etc/merged.toml", MERGED))
        case "TASKER_CONFIG_ROOT":
            place.write("config/tasker/worker-production.toml", MERGED)
            place.environ[where] = str(tmp_path / "config")
        case _:
            place.write("worker.toml", MERGED)
    place.own("[worker]\nnamespaces = ['own']")
    worker = place.settings().worker
    assert worker.concurrency == 50
    assert worker.namespaces == ("own",), "tasker.toml is read beside it, and wins"


def test_another_programs_worker_toml_isnt_read(place: Place) -> None:
    place.write("worker.toml", "[worker]\nconcurrency = 3\n[queue]\nname = 'x'")
    assert place.settings().worker.concurrency == 10
    assert place.read().files == ()
