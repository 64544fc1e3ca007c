"""Plays the console blocks of a document: runs the commands, compares what they print."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

COMMAND_TIMEOUT = 60
TERMINAL = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "120", "PYTHONUNBUFFERED": "1"}
DISTRIBUTION = re.compile(r"([A-Za-z0-9._-]+)(?:\[([\w,-]+)\])?([<>=!~].*)?")


class MismatchError(Exception):
    """A document promises something else than what happens; the message is for its author."""


@dataclass
class Command:
    """What is typed after ``$ ``, and the lines shown below it."""

    text: str
    output: list[str] = field(default_factory=list)


class Console:
    """One terminal per document: directory and exported variables stay from command to command."""

    def __init__(self, directory: Path, checkout: Path) -> None:
        self._home = directory
        self._directory = directory
        self._checkout = checkout
        self._state = directory.parent / f"{directory.name}.console"
        self._transcript = directory.parent / f"{directory.name}.out"
        self._background: list[subprocess.Popen[bytes]] = []
        programs = [os.environ.get("TASKER_TEST_PROGRAMS"), str(Path(sys.executable).parent), os.environ.get("PATH")]
        self._environment = {
            **os.environ,
            "PATH": os.pathsep.join(filter(None, programs)),
            **TERMINAL,
        }

    def play(self, block: str, *, expected_exit: int = 0) -> None:
        """Runs the commands of a block; raises MismatchError when one ends or prints otherwise than shown."""
        commands = list(read_commands(block))
        if not commands:
            raise MismatchError("a console block shows at least one command, on a line that starts with '$ '")
        for command in commands:
            last = command is commands[-1]
            self._play(command, expected_exit if last else 0)

    def close(self) -> None:
        """Ends what was started in the background."""
        for process in self._background:
            end_group(process)
        self._state.unlink(missing_ok=True)

    def _play(self, command: Command, expected_exit: int) -> None:
        if self._reaches_outside(command.text):
            return
        if command.text.rstrip().endswith("&"):
            self._start(command)
            return
        code, printed = self._run(command.text)
        if code != expected_exit:
            raise MismatchError(f"`{command.text}` ended with exit code {code}, not {expected_exit}:\n{printed}")
        if command.output and not matches(command.output, printed):
            shown = "\n".join(command.output)
            raise MismatchError(f"`{command.text}` should print:\n{shown}\nbut printed:\n{printed}")

    def _run(self, text: str) -> tuple[int, str]:
        state = shlex.quote(str(self._state))
        script = f"{text}\ncode=$?; {{ pwd; env -0; }} > {state}; exit $code"
        with self._transcript.open("wb") as transcript:
            process = self._bash(script, transcript)
        try:
            code = process.wait(timeout=COMMAND_TIMEOUT)
        except subprocess.TimeoutExpired:
            end_group(process)
            printed = self._transcript.read_text(errors="replace")
            raise MismatchError(
                f"`{text}` was still running after {COMMAND_TIMEOUT} s, and had printed:\n{printed}"
                "(a command that goes on until it is stopped ends in '&')"
            ) from None
        self._remember()
        return code, self._transcript.read_text(errors="replace")

    def _start(self, command: Command) -> None:
        transcript = self._directory.parent / f"{self._home.name}.{len(self._background)}.out"
        with transcript.open("wb") as output:
            process = self._bash(command.text.rstrip().removesuffix("&"), output)
        self._background.append(process)
        deadline = time.monotonic() + COMMAND_TIMEOUT
        shown = [*command.output, "..."] if command.output else []
        while shown and not matches(shown, transcript.read_text(errors="replace")):
            if process.poll() is not None or time.monotonic() > deadline:
                expected, printed = "\n".join(command.output), transcript.read_text(errors="replace")
                raise MismatchError(f"`{command.text}` should print:\n{expected}\nbut printed:\n{printed}")
            time.sleep(0.05)

    def _bash(self, script: str, output: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["bash", "-c", script],
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _remember(self) -> None:
        if not self._state.exists():  # the command was `exit`, or ended the shell some other way
            return
        directory, _, variables = self._state.read_bytes().partition(b"\n")
        self._directory = Path(os.fsdecode(directory))
        pairs = (os.fsdecode(each).partition("=") for each in variables.split(b"\0") if each)
        self._environment = {name: value for name, _, value in pairs}

    def _reaches_outside(self, text: str) -> bool:
        """Checks, instead of running, what fetches from elsewhere or takes the whole checkout."""
        words = shlex.split(text, comments=True)
        if words[:2] == ["git", "clone"]:
            target = words[-1].rstrip("/").rpartition("/")[2].removesuffix(".git")
            (self._directory / target).mkdir(exist_ok=True)  # so that the reader's next line, `cd`, works
            return True
        if words[:1] == ["make"]:
            self._check_make([word for word in words[1:] if "=" not in word and not word.startswith("-")])
            return True
        if words[:2] == ["pip", "install"] or words[1:4] == ["-m", "pip", "install"]:
            self._check_requirements([word for word in words[words.index("install") + 1 :] if not word.startswith("-")])
            return True
        return False

    def _check_make(self, targets: list[str]) -> None:
        known = set(re.findall(r"^([a-z][\w-]*):", (self._checkout / "Makefile").read_text(), re.MULTILINE))
        for target in targets:
            if target not in known:
                raise MismatchError(f"the Makefile has no target {target!r}; it has {', '.join(sorted(known))}")

    def _check_requirements(self, requirements: list[str]) -> None:
        project = tomllib.loads((self._checkout / "pyproject.toml").read_text())["project"]
        for requirement in requirements:
            parts = DISTRIBUTION.fullmatch(requirement)
            if parts is None or parts[1] != project["name"]:
                raise MismatchError(f"`pip install {requirement}`: this project's distribution is {project['name']!r}")
            for extra in filter(None, (parts[2] or "").split(",")):
                if extra not in project["optional-dependencies"]:
                    raise MismatchError(f"{project['name']} has no extra {extra!r}")


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Ends a command and what it started: asks first, and insists after ten seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
            return


def read_commands(block: str) -> Iterator[Command]:
    """Yields the commands of a console block with the output shown below each."""
    command: Command | None = None
    for line in block.splitlines():
        unfinished = command is not None and not command.output
        if line.startswith("$ "):
            if command:
                yield command
            command = Command(line[2:])
        elif command is None:
            if line.strip():
                raise MismatchError(f"a console block starts with a command, a line '$ ...', not with {line!r}")
        elif unfinished and line.startswith("> "):
            command.text += "\n" + line[2:]
        elif unfinished and command.text.endswith("\\"):
            command.text += "\n" + line
        else:
            command.output.append(line)
    if command:
        yield command


def matches(shown: list[str], printed: str) -> bool:
    """Whether output is as shown; ``...`` stands for anything in its line, and for any lines when it is alone."""
    pattern = ""
    for line in "\n".join(shown).strip("\n").split("\n"):
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += r".*?".join(re.escape(part) for part in line.rstrip().split("...")) + r"[ \t]*\n"
    return re.fullmatch(pattern, printed.strip("\n") + "\n") is not None
