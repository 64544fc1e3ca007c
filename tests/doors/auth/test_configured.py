"""From tasker.toml and variables to a server that lets in whom they say; and settings that can't be meant so."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path

import httpx
import pytest

from tasker_core.errors import SettingsError
from tasker_core.server.auth.access import Access
from tasker_core.server.auth.configured import access_of
from tasker_core.server.auth.keys import hash_key, new_key
from tasker_core.settings.reading import read_settings
from tests.support.served import served
from tests.support.signer import ec_signer, publisher, rsa_signer
from tests.support.workshop import Background, Workshop, tasker

KEY = new_key()
KEYS = f"""
[[server.auth.api_keys]]
hash = "{hash_key(KEY)}"
permissions = ["tasks:*"]
description = "the shop"
"""


def access(directory: Path, text: str = "", **variables: str) -> Access:
    (directory / "tasker.toml").write_text(text)
    settings = read_settings(environ=variables, directory=directory).settings
    assert settings is not None
    return access_of(settings)


def test_without_keys_and_tokens_only_this_machine_is_let_in(tmp_path: Path) -> None:
    assert access(tmp_path).authenticator is None
    for host in ("0.0.0.0", "::", "10.0.0.7"):
        with pytest.raises(SettingsError, match="--insecure"):
            access(tmp_path, f'[server]\nhost = "{host}"')
        assert access(tmp_path, f'[server]\nhost = "{host}"\ninsecure = true').any_address
        assert access(tmp_path, f'[server]\nhost = "{host}"\n{KEYS}').authenticator is not None


def test_what_is_said_is_what_is_checked(tmp_path: Path) -> None:
    made = access(
        tmp_path,
        'redact = ["iban"]\n[server]\nallowed_hosts = ["Tasker.internal"]\ncors_origins = ["https://shop.example"]\n'
        f'[server.auth]\napi_key_header = "X-Key"\nunknown_per_second = 3\n{KEYS}',
    )
    assert (made.hosts, made.origins, made.redact) == (("tasker.internal",), ("https://shop.example",), ("iban",))
    assert made.authenticator is not None and made.authenticator.api_key_header == "X-Key"
    assert made.unknown_per_second == 3


PEM = rsa_signer().public_pem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server.auth.jwt]\nissuer = 'me'", "tokens need one of public_key, .* there is none"),
        (
            f"[server.auth.jwt]\npublic_key = '''{PEM}'''\njwks_url = 'https://a.example/k'",
            "there are public_key and jwks_url",
        ),
        ("[server.auth.jwt]\njwks_url = 'http://a.example/k'", "must begin with https://"),
        ("[server.auth.jwt]\npublic_key_path = 'nowhere.pem'", "nowhere.pem can't be read"),
        ("[server.auth.jwt]\npublic_key = 'x'", "not a public key in PEM"),
        ("[server.auth.jwt]\nsecret = 'short'\nalgorithms = ['HS256']", "at least 32 random bytes"),
        (
            "[server.auth.jwt]\nsecret = '3kJ9vQ2mXw7Zr5Tn8Lp1Yb4Hd6Gf0Sc-not-of'",
            "secret is for HS256, which algorithms doesn't name",
        ),
        (f"[server.auth.jwt]\npublic_key = '''{ec_signer().public_pem}'''", "public_key is for ES256"),
        (f"[server.auth.jwt]\npublic_key = '''{PEM}'''\nalgorithms = ['none']", "'none' isn't one of RS256"),
        ("[[server.auth.api_keys]]\nhash = 'tsk_plain'\npermissions = ['tasks:read']", "must be sha256:"),
        ("[server]\ncors_origins = ['*']", "every page of the web"),
        (f"[server.auth]\napi_key_header = 'Authorization'\n{KEYS}", "can't be the header of API keys"),
        (f"[server.auth]\napi_key_header = 'X Key'\n{KEYS}", "can't be the header of API keys"),
    ],
    # By number: keys are made anew in each process, and a test's name must be the same in all.
    ids=count(1),
)
def test_settings_that_cannot_be_meant_so_stop_the_start(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        access(tmp_path, text)
    assert str(caught.value).startswith("server") and "short" not in str(caught.value).split()


def test_tokens_of_each_kind_of_key_are_taken(tmp_path: Path, sqlite_url: str) -> None:
    pem = tmp_path / "public.pem"
    pem.write_text(PEM)
    with publisher() as published:
        published.publish(ec_signer("k1").as_jwk())
        for made, signer in (
            (access(tmp_path, f"[server.auth.jwt]\npublic_key_path = '{pem}'"), rsa_signer()),
            (access(tmp_path, TASKER_SERVER_AUTH_JWT_PUBLIC_KEY=PEM), rsa_signer()),
            (
                access(tmp_path, f"[server.auth.jwt]\njwks_url = '{published.url}'\nalgorithms = ['ES256']"),
                ec_signer("k1"),
            ),
        ):
            with served(sqlite_url, made) as api:
                api.http.headers["Authorization"] = f"Bearer {signer.token('tasks:list')}"
                api.get("/v1/tasks")
                api.http.headers["Authorization"] = f"Bearer {rsa_signer('k1').token('tasks:list')}"
                api.get("/v1/tasks", 401)


def test_a_signer_that_is_away_is_a_503_and_no_refusal(tmp_path: Path, sqlite_url: str) -> None:
    with publisher() as published:
        published.status = 500
        made = access(tmp_path, f"[server.auth.jwt]\njwks_url = '{published.url}'\n{KEYS}")
        with served(sqlite_url, made) as api:
            answer = api.http.get(
                "/v1/tasks", headers={"Authorization": f"Bearer {rsa_signer('a').token('tasks:list')}"}
            )
            assert answer.status_code == 503 and answer.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
            assert int(answer.headers["Retry-After"]) > 0 and "x-auth-failure-reason" not in answer.headers
            assert api.http.get("/v1/tasks", headers={"X-API-Key": KEY}).status_code == 200
            assert api.http.get("/health", headers={"Authorization": "Bearer a.b.c"}).status_code == 200


def test_the_command_refuses_to_be_open_to_others(workshop: Workshop) -> None:
    told = tasker("server", "--host", "0.0.0.0", "--port", "0", cwd=workshop.directory, url=workshop.url)
    assert (told.code, told.out) == (2, "")
    assert "without authentication a server listens on this machine only" in told.err and "--insecure" in told.err


def start(workshop: Workshop, *options: str) -> tuple[Background, str]:
    server = Background(
        "server", "--host", "0.0.0.0", "--port", "0", *options,
        log=workshop.directory / "server.log", url=workshop.url, cwd=workshop.directory,
    )  # fmt: skip
    server.await_line("server listens at")
    (port,) = re.findall(r"http://\S+:(\d+)", server.output())
    return server, f"http://127.0.0.1:{port}"


def test_the_command_is_open_where_that_is_said(workshop: Workshop) -> None:
    server, url = start(workshop, "--insecure")
    with server:
        assert httpx.get(f"{url}/v1/tasks").status_code == 200
        assert "without authentication" in server.output()


def test_the_command_reads_its_keys_from_the_file(workshop: Workshop) -> None:
    (workshop.directory / "tasker.toml").write_text(KEYS)
    server, url = start(workshop)
    with server:
        assert httpx.get(f"{url}/v1/tasks").status_code == 401
        assert httpx.get(f"{url}/v1/tasks", headers={"X-API-Key": KEY}).status_code == 200
        assert KEY not in server.output()
