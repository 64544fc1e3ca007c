"""``tasker auth``: what it makes fits a server, and what it prints and refuses."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tasker_core.cli import main
from tasker_core.server.auth.keys import ApiKey, KeyRing, hash_key, new_key
from tasker_core.server.permissions import PERMISSIONS
from tests.support.signer import publisher, rsa_signer
from tests.support.workshop import tasker

SECRET = "3kJ9vQ2mXw7Zr5Tn8Lp1Yb4Hd6Gf0Sc-not-of-this-world"


@dataclass
class Told:
    code: int
    out: str
    err: str


class Command:
    """``tasker auth`` within this process, which saves the start of one for each of its many calls."""

    def __init__(self, patch: pytest.MonkeyPatch, printed: pytest.CaptureFixture[str]) -> None:
        self._patch, self._printed = patch, printed
        self._patch.setenv("COLUMNS", "400")

    def __call__(self, *arguments: str | Path, feed: str = "") -> Told:
        self._patch.setattr(sys, "argv", ["tasker", "auth", *map(str, arguments)])
        self._patch.setattr(sys, "stdin", io.StringIO(feed))
        with pytest.raises(SystemExit) as ended:
            main()
        return Told(int(ended.value.code or 0), *self._printed.readouterr())


@pytest.fixture
def auth(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(monkeypatch, capsys)


def test_a_generated_key_is_what_its_lines_of_configuration_accept(auth: Command) -> None:
    told = auth("generate-api-key", "-p", "tasks:create", "-p", "dlq:*", "--description", 'the "shop"')
    assert (told.code, told.err) == (0, "")
    key, _, toml = told.out.partition("\n\n")
    (entry,) = tomllib.loads(toml)["server"]["auth"]["api_keys"]
    assert key not in toml
    bearer = KeyRing([ApiKey(**{**entry, "permissions": tuple(entry["permissions"])})]).find(key)
    assert bearer is not None
    assert bearer.name == 'the "shop"' and bearer.may("tasks:create") and bearer.may("dlq:read")

    again = json.loads(auth("generate-api-key", "-p", "tasks:read", "--json").out)
    assert again["key"] != key
    assert auth("hash-key", feed=again["key"] + "\n").out.strip() == again["hash"]


def test_keys_and_permissions_that_will_not_do_are_a_wrong_call(auth: Command) -> None:
    for arguments, feed, said in (
        (("hash-key",), "hunter2", "has 7 characters"),
        (("generate-api-key", "-p", "tasks:creat"), "", "did you mean 'tasks:create'?"),
        (("generate-api-key", "-p", "*"), "", "would permit everything"),
        (("generate-api-key",), "", "--permission"),
        (("generate-keys", ".", "--bits", "1024"), "", "from 2048 to 8192"),
        (("generate-keys", ".", "--algorithm", "none"), "", "RS256 and ES256"),
        (("generate-token", "-s", "me", "-p", "tasks:read"), "", "give one"),
        (("generate-token", "-s", "me", "-p", "tasks:read", "--private-key", "nowhere.pem"), "", "nowhere.pem"),
        (("validate-token",), "x", "--jwks-url"),
    ):
        told = auth(*arguments, feed=feed)
        assert (told.code, told.out) == (2, ""), arguments
        assert said in told.err
        assert "hunter2" not in told.err


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_pair_of_keys_signs_and_validates_tokens(auth: Command, tmp_path: Path, algorithm: str) -> None:
    told = auth("generate-keys", tmp_path / "keys", "--algorithm", algorithm, "--bits", "2048")
    private, public = tmp_path / "keys" / "private_key.pem", tmp_path / "keys" / "public_key.pem"
    assert told.code == 0 and str(private) in told.out and "BEGIN" not in told.out
    assert private.stat().st_mode & 0o777 == 0o600

    again = auth("generate-keys", tmp_path / "keys", "--algorithm", algorithm, "--bits", "2048")
    assert again.code == 2 and "never overwritten" in again.err

    token = auth("generate-token", "-s", "shop", "-p", "tasks:*", "--private-key", private).out
    valid = auth("validate-token", "--public-key", public, "--json", feed=token)
    assert valid.code == 0
    assert json.loads(valid.out) == {
        "subject": "shop",
        "permissions": sorted(p for p in PERMISSIONS if p.startswith("tasks:")),
    }
    wrong = auth("validate-token", "--public-key", public, "--audience", "other", feed=token)
    assert (wrong.code, wrong.out) == (1, "") and "another audience" in wrong.err
    assert auth("validate-token", "--public-key", private, feed=token).code == 2


def test_tokens_of_a_secret_and_of_a_published_key(auth: Command, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    token = auth("generate-token", "-s", "shop", "-p", "tasks:read", "--secret-file", secret, "--hours", "0.5").out
    told = auth("validate-token", "--secret-file", secret, feed=token)
    assert (told.code, told.out) == (0, "valid: shop may tasks:read\n")
    with publisher() as state:
        state.publish(rsa_signer("k1").as_jwk())
        told = auth("validate-token", "--jwks-url", state.url, feed=rsa_signer("k1").token("tasks:read"))
        assert (told.code, told.out) == (0, "valid: shop may tasks:read\n")


def test_the_permissions_are_shown(auth: Command) -> None:
    told = auth("show-permissions")
    assert told.code == 0
    for permission in PERMISSIONS:
        assert f" {permission} " in told.out
    assert json.loads(auth("show-permissions", "--json").out) == dict(PERMISSIONS)


def test_a_process_that_is_given_a_key_prints_its_hash_and_nothing_else() -> None:
    key = new_key()
    told = tasker("auth", "hash-key", feed=key + "\n")
    assert (told.code, told.out, told.err) == (0, hash_key(key) + "\n", "")


def test_other_commands_start_without_the_libraries_of_the_server() -> None:
    loaded = "import sys, tasker_core.cli; print([m for m in ('jwt', 'cryptography', 'fastapi') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout == "[]\n"
