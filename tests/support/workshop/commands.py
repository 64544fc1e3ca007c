"""The ``tasker`` command from a process that has imported it already, and forks a child for each call.

Importing takes the command most of a second, nearly all the time of a test that runs it. A child is a process like any
other: arguments, directory, environment, open files and exit code are its own, and it ends as an interpreter ends. What
is only true of a process that imports everything itself is shown by the tests of the wheel.

Run as a program, ``listen SOCKET``, it listens there: a call is a line of JSON with the three standard files of
the caller, its answers are the child's number and, in the end, its exit code. A child whose caller goes away is killed.
With ``call SOCKET ARGUMENTS`` it is itself such a caller, for those who call ``tasker`` from a shell.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

CHECKOUT = str(Path(__file__).resolve().parents[3])
LARGEST_CALL = 1 << 20
START_TIMEOUT = 60.0


class Commands:
    """That process, started; ``close`` ends it, and whatever it has forked."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._place = tempfile.TemporaryDirectory(prefix="tasker-commands-")
        self.socket = f"{self._place.name}/socket"
        program = [sys.executable, "-P", __file__, "listen", self.socket]
        self._process = subprocess.Popen(program, stdin=subprocess.PIPE, env=environment)
        deadline = time.monotonic() + START_TIMEOUT
        while not Path(self.socket).exists():
            assert self._process.poll() is None and time.monotonic() < deadline, "the command can't be imported"
            time.sleep(0.005)

    def put_on_path(self) -> Path:
        """A directory that holds a ``tasker`` which is answered by this process."""
        caller = Path(self._place.name) / "bin/tasker"
        caller.parent.mkdir()
        caller.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {__file__} call {self.socket} "$@"\n')
        caller.chmod(0o755)
        return caller.parent

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._place.cleanup()


class Call:
    """A call of ``tasker``, answered by a process that ``Commands`` listens for at ``address``."""

    def __init__(
        self, address: str, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], files: Sequence[int]
    ) -> None:
        self._line = socket.socket(socket.AF_UNIX)
        self._line.connect(address)
        call = {"arguments": list(arguments), "cwd": str(cwd), "environment": dict(environment)}
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))]
        self._line.sendmsg([json.dumps(call).encode() + b"\n"], rights)
        self._heard = b""
        self._code: int | None = None
        self.pid = self._number(START_TIMEOUT)

    def poll(self) -> int | None:
        """The exit code of the process, None while it runs."""
        with contextlib.suppress(TimeoutError):
            self.wait(0.0)
        return self._code

    def wait(self, patience: float) -> int:
        """Its exit code, a signal's number below zero if it was killed. TimeoutError after ``patience`` seconds."""
        if self._code is None:
            self._code = self._number(patience)
            self._line.close()
        return self._code

    def signal(self, sign: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sign)

    def _number(self, patience: float) -> int:
        deadline = time.monotonic() + patience
        while b"\n" not in self._heard:
            self._line.settimeout(max(deadline - time.monotonic(), 0.0) or 1e-6)
            heard = self._line.recv(64)
            assert heard, "the process that forks commands has ended"
            self._heard += heard
        number, _, self._heard = self._heard.partition(b"\n")
        return int(number)


def call_from_shell(address: str, arguments: Sequence[str]) -> NoReturn:
    """Be a shell's ``tasker``: what it is told it passes on, and it ends as the command does."""
    call = Call(address, arguments, Path.cwd(), os.environ, (0, 1, 2))

    def pass_on(number: int, _: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(call.pid, number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    code = call.wait(threading.TIMEOUT_MAX)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


def become(call: dict[str, Any], files: Sequence[int]) -> NoReturn:
    """From here on be ``tasker`` as it was called."""
    from tasker_core.cli import main, output

    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(call["environment"])
    os.chdir(call["cwd"])
    # What the interpreter does at its start.
    sys.path[0:0] = filter(None, call["environment"].get("PYTHONPATH", "").split(os.pathsep))
    for console in (output.people, output.errors):
        output.Paper.__init__(console, stderr=console.stderr)  # it looks at the environment when it is made
    sys.argv = ["tasker", *call["arguments"]]
    sys.exit(main())  # type: ignore[func-returns-value]


class Forking:
    """The loop of that process."""

    def __init__(self, address: str) -> None:
        self._selector = selectors.DefaultSelector()
        self._listening = socket.socket(socket.AF_UNIX)
        # It is there by its name only when it listens: who sees a name that doesn't yet is refused.
        self._listening.bind(f"{address}.new")
        self._listening.listen(100)
        os.rename(f"{address}.new", address)
        self._selector.register(self._listening, selectors.EVENT_READ, None)
        self._selector.register(0, selectors.EVENT_READ, None)
        self._callers: dict[socket.socket, tuple[int, int]] = {}

    def run(self) -> None:
        """Until standard input ends."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj == 0:
                    for child, _ in self._callers.values():
                        os.kill(child, signal.SIGKILL)
                    return
                if key.fileobj is self._listening:
                    self._fork()
                elif key.data is not None:
                    self._bury(key.data)
                elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._callers:
                    os.kill(self._callers[key.fileobj][0], signal.SIGKILL)
                    self._selector.unregister(key.fileobj)

    def _fork(self) -> None:
        caller, _ = self._listening.accept()
        text, rights, _, _ = caller.recvmsg(LARGEST_CALL, socket.CMSG_SPACE(3 * array.array("i").itemsize))
        while not text.endswith(b"\n"):
            text += caller.recv(LARGEST_CALL)
        files = array.array("i", rights[0][2])
        child = os.fork()
        if child == 0:
            self._selector.close()
            for mine in (self._listening, caller, *self._callers):
                mine.close()
            become(json.loads(text), files)
        for file in files:
            os.close(file)
        ended = os.pidfd_open(child)
        self._callers[caller] = (child, ended)
        self._selector.register(ended, selectors.EVENT_READ, caller)
        self._selector.register(caller, selectors.EVENT_READ, None)
        caller.sendall(b"%d\n" % child)

    def _bury(self, caller: socket.socket) -> None:
        child, ended = self._callers.pop(caller)
        _, status = os.waitpid(child, 0)
        self._selector.unregister(ended)
        os.close(ended)
        with contextlib.suppress(OSError, KeyError):
            self._selector.unregister(caller)
            caller.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
        caller.close()


if __name__ == "__main__":
    verb, address, *arguments = sys.argv[1:]
    if verb == "call":
        call_from_shell(address, arguments)
    import tasker_core.cli
    import tasker_core.server.serve
    import tasker_core.store.postgres  # noqa: F401  # before the forks

    sys.path.append(CHECKOUT)
    from tests.support.workshop.readiness import make_ready

    sys.path.remove(CHECKOUT)
    make_ready()
    sys.modules["__main__"].__package__ = None  # or the usage of the command is that of ``python -m``
    Forking(address).run()
