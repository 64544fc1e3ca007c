"""Processes to be killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tasker_core.engine.processes import ProcessId, this_process


@contextmanager
def a_process() -> Iterator[tuple[subprocess.Popen[bytes], ProcessId]]:
    """A living process of this machine."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        me = this_process()
        with open(f"/proc/{process.pid}/stat") as file:
            started = int(file.read().rpartition(")")[2].split()[19])
        yield process, me._replace(pid=process.pid, started=started)
    finally:
        process.kill()
        process.communicate()
