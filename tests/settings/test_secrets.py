"""Nothing that is secret is shown: not by the command, not in a message, not in a repr."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from tasker_core.cli.app import app
from tasker_core.settings.telling import without_password
from tests.settings.conftest import Place

SECRETS = {
    "TASKER_DATABASE_URL": "postgresql://shop:s3cret-1@db/shop?password=s3cret-2",
    "TASKER_LISTEN_URL": "postgresql://shop:s3cret-3@db/shop",
    "TASKER_URL": "https://shop:s3cret-4@tasker.example",
    "TASKER_API_KEY": "s3cret-5",
    "TASKER_AUTH_TOKEN": "s3cret-6",
    "TASKER_SERVER_AUTH_JWT_SECRET": "s3cret-7",
}
FILE = """
    [client]
    api_key = "s3cret-8"
    [database]
    url = "postgresql://shop:s3cret-9@db/shop"
    [[server.auth.api_keys]]
    hash = "sha256:s3cret-10"
    permissions = ["tasks:read"]
    description = "the shop"
"""


def test_settings_dont_show_them(place: Place) -> None:
    place.own(FILE)
    place.environ.update(SECRETS)
    settings = place.settings()
    assert settings.client.api_key is not None
    assert settings.client.api_key.get_secret_value() == "s3cret-5"
    assert settings.server.auth.api_keys[0].hash.get_secret_value() == "sha256:s3cret-10"
    assert "s3cret" not in repr(settings) + str(settings)


def config(*arguments: str) -> tuple[int, str]:
    """The command's exit code, and everything that it printed."""
    done = CliRunner().invoke(app, ["config", *arguments])
    return done.exit_code, done.output


@pytest.fixture
def here(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(place.directory)
    return place


@pytest.mark.parametrize("json_wanted", [[], ["--json"]])
def test_the_command_doesnt_show_them(here: Place, monkeypatch: pytest.MonkeyPatch, json_wanted: list[str]) -> None:
    here.own(FILE)
    for variable, value in SECRETS.items():
        monkeypatch.setenv(variable, value)
    for arguments in (
        ["show"],
        ["validate"],
        ["explain", "client.api_key"],
        ["explain", "database.url"],
        ["explain", "server.auth.api_keys"],
    ):
        code, printed = config(*arguments, *json_wanted)
        assert code == 0, printed
        assert "s3cret" not in printed
    values = {answer["setting"]: answer["value"] for answer in json.loads(config("show", "--json")[1])}
    assert values["database.url"] == "postgresql://shop:********@db/shop?password=********"
    assert values["client.api_key"] == values["server.auth.jwt.secret"] == "********"
    assert values["server.auth.api_keys"] == [
        {"hash": "********", "permissions": ["tasks:read"], "description": "the shop"}
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[client]\napi_key = ['s3cret']",
        "[client]\ntoken = {a = 's3cret'}",
        "[client]\nurl = 'ftp://a:s3cret@b'",
        "[database]\nurl = ['postgresql://a:s3cret@b']",
        "[[server.auth.api_keys]]\nhash = 's3cret'\npermissions = 3",
        "[[server.auth.api_keys]]\nhash = ['s3cret']\npermissions = []",
        "[server.auth]\napi_keys = ['s3cret']",
        "[server.auth.jwt]\nsecret = ['s3cret']",
        "[common]\n[worker.orchestration_client]\nbase_url = ['https://a:s3cret@b']",
    ],
)
def test_messages_dont_show_them(here: Place, text: str) -> None:
    here.own(text)
    (sentence,) = here.remarks()
    assert "s3cret" not in sentence
    for arguments in (["show"], ["validate"], ["show", "--json"], ["validate", "--json"]):
        code, printed = config(*arguments)
        assert code == 1, printed
        assert "s3cret" not in printed


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////srv/tasker.db?busy_timeout=3", "sqlite:////srv/tasker.db?busy_timeout=3"),
        ("sqlite:///tasker.db", "sqlite:///tasker.db"),
        ("postgresql://shop@db:5432/shop", "postgresql://shop@db:5432/shop"),
        ("postgresql://shop:p@ss:w/rd@db/shop", "********"),
        ("postgresql:///shop?host=/run&sslpassword=x", "postgresql:///shop?host=/run&sslpassword=********"),
        ("http://[::1", "********"),
    ],
)
def test_urls(url: str, shown: str) -> None:
    assert without_password(url) == shown
