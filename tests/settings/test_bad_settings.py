"""What can't be used is refused with its place and with what would be right."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tasker_core import TaskerClient
from tasker_core.errors import SettingsError
from tasker_core.settings import load_settings
from tests.settings.conftest import Place


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("TASKER_WORKER_CONCURRENCY", "many", "must be a whole number of at least 1, not 'many'"),
        ("TASKER_WORKER_CONCURRENCY", "2.5", "must be a whole number of at least 1, not '2.5'"),
        ("TASKER_WORKER_CONCURRENCY", "0", "must be a whole number of at least 1, not '0'"),
        ("TASKER_WORKER_SHUTDOWN_TIMEOUT", "-1", "must be a number of at least 0, not '-1'"),
        ("TASKER_WORKER_SHUTDOWN_TIMEOUT", "inf", "must be a number of at least 0, not 'inf'"),
        ("TASKER_WORKER_HANDLER_TIMEOUT", "0", "must be a number above 0, not '0'"),
        ("TASKER_WORKER_WEIGHTS", "shop", "must be a number above 0 for each namespace, not 'shop'"),
        ("TASKER_WORKER_WEIGHTS", '{"shop":', "must be a number above 0 for each namespace, not '{\"shop\":'"),
        ("TASKER_RETENTION", "90 days", "must be a length of time like 90d, 12h, 30m or 2w, not '90 days'"),
        ("TASKER_SERVER_PORT", "65536", "must be a whole number from 0 to 65535, not '65536'"),
        ("TASKER_SERVER_INSECURE", "maybe", "must be true or false, not 'maybe'"),
        (
            "TASKER_SERVER_LARGEST_BODY",
            "4XB",
            "must be a size of 1024 bytes at least, as a number or like 4MiB, not '4XB'",
        ),
        ("TASKER_LOG_FORMAT", "xml", "must be text or json, not 'xml'"),
        ("TASKER_LOG_LEVEL", "loud", "must be DEBUG, INFO, WARNING, ERROR or CRITICAL, not 'loud'"),
        ("TASKER_SCHEMA_VALIDATION", "strict", "must be warn or enforce, not 'strict'"),
        ("TASKER_REDACT", "[1", "must be a list of texts, not '[1'"),
        ("TASKER_URL", "shop.example", "must be an http or https URL"),
    ],
)
def test_a_bad_variable_is_named(place: Place, variable: str, value: str, sentence: str) -> None:
    place.environ[variable] = value
    assert place.remarks() == [f"{variable} {sentence}"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "\n[worker]\nconcurrency = true",
            "tasker.toml:3: worker.concurrency must be a whole number of at least 1, not True",
        ),
        ("worker = 3", "tasker.toml:1: worker must be a table, [worker]"),
        ("[database]\npool = [1]", "tasker.toml:2: database.pool must be a whole number of at least 1, not [1]"),
        ("[worker]\nname = 3", "tasker.toml:2: worker.name must be a text, not 3"),
        (
            "[retention]\ntasks = 90",
            "tasker.toml:2: retention.tasks must be a length of time like 90d, 12h, 30m or 2w, not 90",
        ),
        (
            "[worker.concurrency]\na = 1",
            "tasker.toml:1: worker.concurrency must be a whole number of at least 1, not {'a': 1}",
        ),
        ("[server.auth]\napi_keys = 3", "tasker.toml:2: server.auth.api_keys must be a list of tables"),
        (
            "[[server.auth.api_keys]]\nhash = 'x'\npermissions = []\n[[server.auth.api_keys]]\nhash = 'y'\n",
            "tasker.toml:4: server.auth.api_keys[1].permissions: is missing",
        ),
        (
            "[[server.auth.api_keys]]\nhash = 'x'\npermissions = []\nkey = 'plain'",
            "tasker.toml:4: server.auth.api_keys[0].key: unknown key",
        ),
        (
            "[worker\nconcurrency = 3",
            "tasker.toml: not TOML: Expected ']' at the end of a table declaration (at line 1, column 8)",
        ),
    ],
)
def test_a_bad_entry_is_named_with_its_line(place: Place, text: str, sentence: str) -> None:
    place.own(text)
    assert place.remarks() == [sentence]


def test_everything_wrong_is_told_at_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.own("[worker]\nconcurrency = 0\n[server]\nport = -1")
    monkeypatch.chdir(place.directory)
    monkeypatch.setenv("TASKER_LEASE_SECONDS", "1")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert str(refused.value).splitlines() == [
        "tasker.toml:2: worker.concurrency must be a whole number of at least 1, not 0",
        "TASKER_LEASE_SECONDS must be a number from 3 to 3600, not '1'",
        "tasker.toml:4: server.port must be a whole number from 0 to 65535, not -1",
    ]
    assert isinstance(refused.value, ValueError)
    with pytest.raises(SettingsError):
        TaskerClient()
    assert not Path("tasker.db").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[worker]\nconcurency = 3",
            "tasker.toml:2: unknown key 'concurency' in [worker]; did you mean 'concurrency'?",
        ),
        ("[wroker]\nconcurrency = 3", "tasker.toml:1: unknown key 'wroker'; did you mean 'worker'?"),
        ("concurrency = 3", "tasker.toml:1: unknown key 'concurrency'; did you mean 'worker.concurrency'?"),
        (
            "[server.auth.jwt]\nissuers = ''",
            "tasker.toml:2: unknown key 'issuers' in [server.auth.jwt]; did you mean 'issuer'?",
        ),
        ("[worker]\nzzz = 3", "tasker.toml:2: unknown key 'zzz' in [worker]"),
    ],
)
def test_an_unknown_key_warns_and_is_an_error_when_strict(place: Place, text: str, sentence: str) -> None:
    place.own(text)
    assert place.remarks("warning") == [sentence]
    assert place.remarks("error", strict=True) == [sentence]


def test_a_misspelt_variable_warns(place: Place) -> None:
    place.environ.update(TASKER_WORKER_CONCURENCY="3", TASKER_MESSAGING_BACKEND="pgmq", TASKER_TEST_URL="x")
    assert place.remarks("warning") == [
        "TASKER_WORKER_CONCURENCY means nothing; did you mean TASKER_WORKER_CONCURRENCY?"
    ]


def test_a_variable_of_other_programs_is_passed_over_when_it_is_wrong(place: Place) -> None:
    place.environ["LOG_LEVEL"] = "verbose"
    assert place.settings().logging.level == "WARNING"
    assert place.remarks("warning") == [
        "LOG_LEVEL must be DEBUG, INFO, WARNING, ERROR or CRITICAL, not 'verbose'; it is passed over"
    ]


@pytest.mark.parametrize("named", ["nowhere.toml", "."])
def test_a_named_file_must_be_there(place: Place, named: str) -> None:
    place.environ["TASKER_CONFIG_PATH"] = str(place.directory / named)
    (sentence,) = place.remarks()
    assert sentence.startswith("TASKER_CONFIG_PATH names a file that can't be used: ")


def test_a_file_that_is_no_text(place: Place) -> None:
    (place.directory / "tasker.toml").write_bytes(b"a = '\xff'")
    assert place.remarks() == ["tasker.toml: not UTF-8 text (invalid start byte at byte 5)"]


def test_a_warning_is_logged_once(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place.own("[worker]\nof_this_test = 3")
    monkeypatch.chdir(place.directory)
    with caplog.at_level(logging.WARNING, "tasker.settings"):
        load_settings()
        load_settings()
    assert [record.getMessage() for record in caplog.records] == [
        "tasker.toml:2: unknown key 'of_this_test' in [worker]"
    ]
