"""``make demo``, as a user sees it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from examples.checkout.processes import CHECKOUT

pytestmark = pytest.mark.xdist_group("checkout-demo")


def demo(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "examples.checkout.demo", "--directory", str(directory)],
        cwd=CHECKOUT.parent.parent,
        env=os.environ | {"COLUMNS": "160"},
        capture_output=True,
        text=True,
        timeout=180,
    )


def test_the_demo_tells_the_story_and_all_accounts_agree(tmp_path: Path) -> None:
    done = demo(tmp_path / "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "card declined: the bank declined the card" in done.stdout
    assert "the payment gateway gave no answer in 2 s" in done.stdout
    assert "gets SIGKILL" in done.stdout
    assert "the ledger shows the refund: worker five gets SIGKILL" in done.stdout
    assert "the task is error" in done.stdout
    assert "All accounts agree" in done.stdout


def test_the_demo_leaves_a_foreign_directory_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    done = demo(tmp_path)
    assert done.returncode == 1
    assert "holds something else" in done.stderr
    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.parametrize("server", ["gateway", "mailsink"])
def test_a_server_whose_port_is_taken_says_so(server: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", f"examples.checkout.{server}", "--port", port],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT.parent.parent)},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 2
    assert f"can't listen on port {port}: " in done.stderr
    assert "choose another one with --port" in done.stderr
