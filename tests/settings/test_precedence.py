"""An argument wins over the environment, that over tasker.toml, that over worker.toml, that over the default."""

from __future__ import annotations

import pytest

from tests.settings.conftest import Place

WORKER_TOML = """
    [worker.mpsc_channels.handler_dispatch]
    max_concurrent_handlers = 50
"""


def test_the_first_place_that_says_something_counts(place: Place) -> None:
    assert place.settings().worker.concurrency == 10
    place.write("worker.toml", WORKER_TOML)
    assert place.settings().worker.concurrency == 50
    place.own("[worker]\nconcurrency = 40")
    assert place.settings().worker.concurrency == 40
    place.environ["TASKER_WORKER_CONCURRENCY"] = "30"
    assert place.settings().worker.concurrency == 30
    assert place.settings({"worker": {"concurrency": 20}}).worker.concurrency == 20
    assert place.settings({"worker": {"concurrency": None}}).worker.concurrency == 30


def test_each_setting_is_looked_for_by_itself(place: Place) -> None:
    place.own("[worker]\nconcurrency = 40\nshutdown_timeout = 5")
    place.environ["TASKER_WORKER_SHUTDOWN_TIMEOUT"] = "7.5"
    worker = place.settings({"worker": {"name": "w"}}).worker
    assert (worker.name, worker.shutdown_timeout, worker.concurrency) == ("w", 7.5, 40)


def test_a_mapping_or_list_counts_as_a_whole(place: Place) -> None:
    place.own('redact = ["iban"]\n[worker]\nweights = {shop = 3, billing = 2}')
    place.environ["TASKER_WORKER_WEIGHTS"] = "shop=5"
    assert place.settings().worker.weights == {"shop": 5}
    assert place.settings({"worker": {"weights": {"hr": 1}}}).worker.weights == {"hr": 1}
    assert place.settings().redact == ("iban",)


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "sqlite:///tasker.db"),
        ({"DATABASE_URL": "sqlite:///app.db"}, "sqlite:///app.db"),
        ({"DATABASE_URL": "sqlite:///app.db", "TASKER_DATABASE_URL": "sqlite:///own.db"}, "sqlite:///own.db"),
        ({"DATABASE_URL": "sqlite:///app.db", "TASKER_DATABASE_URL": ""}, "sqlite:///app.db"),
    ],
)
def test_of_several_variables_the_first_that_is_set_counts(place: Place, variables: dict[str, str], url: str) -> None:
    place.environ.update(variables)
    assert place.settings().database.store_url == url


@pytest.mark.parametrize(
    ("url", "variables", "expected"),
    [
        ("postgresql://h/db", {}, "postgresql://h/db"),
        ("postgresql://h/db", {"TASKER_DATABASE_SCHEMA": "bill"}, "postgresql://h/db?tasker_schema=bill"),
        (
            "postgresql://h/db?sslmode=require",
            {"TASKER_DATABASE_SCHEMA": "bill", "TASKER_DATABASE_POOL": "4"},
            "postgresql://h/db?sslmode=require&tasker_schema=bill&tasker_pool=4",
        ),
        (
            "postgresql://h/db?tasker_schema=own",
            {"TASKER_DATABASE_SCHEMA": "bill"},
            "postgresql://h/db?tasker_schema=own",
        ),
        ("sqlite:///a.db", {"TASKER_DATABASE_SCHEMA": "bill"}, "sqlite:///a.db"),
    ],
)
def test_schema_and_pool_go_into_the_stores_url(
    place: Place, url: str, variables: dict[str, str], expected: str
) -> None:
    place.environ.update(variables, TASKER_DATABASE_URL=url)
    assert place.settings().database.store_url == expected


def test_a_variable_names_another_file(place: Place) -> None:
    place.own("[worker]\nconcurrency = 40")
    place.environ["TASKER_CONFIG_PATH"] = str(place.write("etc/shop.toml", "[worker]\nconcurrency = 41"))
    assert place.settings().worker.concurrency == 41


def test_origins_tell_every_place(place: Place) -> None:
    from tasker_core.settings.fields import all_settings

    place.write("worker.toml", WORKER_TOML)
    place.own("\n\n[worker]\nconcurrency = 40")
    place.environ["TASKER_WORKER_CONCURRENCY"] = "30"
    (setting,) = [setting for setting in all_settings() if setting.name == "worker.concurrency"]
    told = place.read({"worker": {"concurrency": 20}}).origins(setting)
    assert [(str(origin).replace(f"{place.directory}/", ""), value) for origin, value in told] == [
        ("concurrency", 20),
        ("TASKER_WORKER_CONCURRENCY", "30"),
        ("tasker.toml:4: worker.concurrency", 40),
        ("worker.toml:3: worker.mpsc_channels.handler_dispatch.max_concurrent_handlers", 50),
    ]
