"""A peer's own virtual environment under ``.build/peers``, made once from the package registry and used again."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / ".build" / "peers"
INSTALL_WITHIN = 900


class PeerUnavailableError(RuntimeError):
    """A peer can't be installed or started here; the message says why."""


def environment(name: str, packages: Sequence[str], node_packages: Sequence[str] = ()) -> Path:
    """The directory of the environment, with ``packages`` in it. Raises PeerUnavailableError."""
    directory = PEERS / name
    stamp, wanted = directory / "installed.json", _mark(packages, node_packages)
    if stamp.exists() and json.loads(stamp.read_text()) == wanted:
        return directory
    print(f"installing {name}: {', '.join([*packages, *node_packages])}", flush=True)
    shutil.rmtree(directory, ignore_errors=True)
    venv.create(directory, with_pip=True)
    quietly = ["--quiet", "--disable-pip-version-check"]
    _run([directory / "bin" / "python", "-m", "pip", "install", *quietly, *packages], name)
    if node_packages:
        npm = shutil.which("npm")
        if npm is None:
            raise PeerUnavailableError(f"{name} needs npm for {', '.join(node_packages)}, and there is no npm")
        _run([npm, "install", "--silent", "--prefix", directory / "node", *node_packages], name)
    stamp.write_text(json.dumps(wanted))
    return directory


def _mark(packages: Sequence[str], node_packages: Sequence[str]) -> dict[str, str]:
    text = json.dumps([sys.version, list(packages), list(node_packages)])
    return {"of": hashlib.sha256(text.encode()).hexdigest()}


def _run(command: Sequence[str | Path], name: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_WITHIN, check=False)
    except subprocess.TimeoutExpired:
        raise PeerUnavailableError(f"installing {name} took longer than {INSTALL_WITHIN} s") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise PeerUnavailableError(f"{name} can't be installed: {' / '.join(said[-3:])}")
