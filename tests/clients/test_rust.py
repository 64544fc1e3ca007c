"""The Rust crate: its own tests, also against a real server, the cases of the worker protocol, linter and formatter."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from protocol.case import cases
from tests.support.cargo import ROOT, cargo, fetch, needs_cargo, without_settings
from tests.support.served import Served, served

CRATE = ROOT / "clients" / "rust"

pytestmark = needs_cargo


@pytest.fixture(scope="module")
def crates() -> None:
    fetch(CRATE)


@pytest.fixture
def server(sqlite_url: str) -> Iterator[Served]:
    with served(sqlite_url) as running:
        yield running


@pytest.mark.usefixtures("crates")
def test_its_own_tests(server: Served) -> None:
    # They wait more than they compute.
    told = cargo(CRATE, "test", "--", "--include-ignored", "--test-threads", "16", TASKER_URL=server.url)
    assert "0 ignored" in told
    assert told.count("test result: ok") == 4, told


@pytest.mark.usefixtures("crates")
def test_its_worker_keeps_to_the_protocol() -> None:
    cargo(CRATE, "build", "--example", "conformance")
    driver = [sys.executable, "-m", "protocol", "--quiet", "worker", "--", str(CRATE / "conformance" / "run")]
    played = subprocess.run(driver, cwd=ROOT, env=without_settings(), capture_output=True, text=True, timeout=120)
    assert played.returncode == 0, played.stdout + played.stderr
    assert int(played.stdout.split()[0]) == len(list(cases("worker")))


@pytest.mark.skipif(shutil.which("cargo-clippy") is None, reason="there is no clippy (rustup component add clippy)")
@pytest.mark.usefixtures("crates")
def test_clippy() -> None:
    cargo(CRATE, "clippy", "--all-targets", "--", "-D", "warnings")


@pytest.mark.skipif(shutil.which("cargo-fmt") is None, reason="there is no rustfmt (rustup component add rustfmt)")
def test_format() -> None:
    cargo(CRATE, "fmt", "--check")
