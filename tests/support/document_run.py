"""Executes the code blocks of one document in order, as its reader would: `python document_run.py DOCUMENT DIRECTORY`.

`python document_run.py` alone does so for many, each in a child that it forks: what they import is imported once. It
reads lines of JSON (``document``, ``directory``, and ``output``, a file for all that is printed) and answers each with
the exit code.

- ``python`` is executed, all blocks of a document in one namespace. One that is a file is written, imported as a
  module, and its names are there for the blocks after it.
- ``pycon`` is a session of the interpreter, and what it shows must be what comes out.
- ``console``: lines that start with ``$ `` are commands for bash, and ``> `` goes on with one; the lines below a
  command are its output, in which ``...`` stands for anything. A command that ends in ``&`` runs until the document
  does, and the next one waits until it has printed the lines shown. ``console exit=1`` expects that exit code of the
  block's last command.
- Any language with a file name is written to that file.
- ``text`` and ``mermaid`` are no code.

What reaches outside (`git clone`, `make`, `pip install`) isn't run but checked: the target or the extra must exist.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib
import json
import os
import shutil
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support.code_blocks import CodeBlock, code_blocks
from tests.support.console import Console, MismatchError

ROOT = Path(__file__).resolve().parents[2]
NO_CODE = {"text", "mermaid"}
TIMEOUT = 300
"""Seconds for a document."""


class Document:
    """A document under execution: its namespace, its directory, its console."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.namespace: dict[str, Any] = {"__name__": "document"}
        self.console = Console(directory, ROOT)

    def execute(self, block: CodeBlock) -> None:
        """Does what the block's language asks for; raises whatever goes wrong."""
        if block.not_executed is not None:
            if not block.not_executed:
                raise MismatchError("a block that is not executed needs a reason: <!-- not executed: why -->")
        elif block.file:
            self._keep(block, block.file)
        elif block.language == "python":
            self._run(block)
        elif block.language == "pycon":
            self._play(block)
        elif block.language == "console":
            self.console.play(block.code, expected_exit=int(block.options.get("exit", "0")))
        elif block.language not in NO_CODE:
            raise MismatchError(
                f"a block of {block.language or 'no language'} can't be executed: make it python, pycon, console or "
                "text, give it a file name (# file: NAME), or say why above it (<!-- not executed: reason -->)"
            )

    def _keep(self, block: CodeBlock, name: str) -> None:
        path = (self.directory / name).resolve()
        if not path.is_relative_to(self.directory.resolve()):
            raise MismatchError(f"the file {name} lies outside the document's directory: use a relative name")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.code, encoding="utf-8")
        if block.language == "python":
            importlib.invalidate_caches()
            module = importlib.import_module(".".join(Path(name).with_suffix("").parts))
            public = {key: value for key, value in vars(module).items() if not key.startswith("_")}
            self.namespace.update(public)

    def _run(self, block: CodeBlock) -> None:
        lines_before = "\n" * (block.line - 1)
        code = compile(lines_before + block.code, str(block.document), "exec", dont_inherit=True)
        exec(code, self.namespace)

    def _play(self, block: CodeBlock) -> None:
        session = doctest.DocTestParser().get_doctest(
            block.code, self.namespace, "session", str(block.document), block.line - 1
        )
        session.globs = self.namespace
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
        said: list[str] = []
        if runner.run(session, out=said.append, clear_globs=False).failed:
            raise MismatchError("".join(said))


def run_document(document: Path, directory: Path) -> int:
    """Executes ``document`` in ``directory``; returns 0, or 1 after printing where and how it failed."""
    if (ROOT / "examples").is_dir():
        ignored = shutil.ignore_patterns("__pycache__", "*.db*", ".demo")
        shutil.copytree(ROOT / "examples", directory / "examples", ignore=ignored)
    os.chdir(directory)
    sys.path.insert(0, str(directory))
    run = Document(directory)
    with contextlib.closing(run.console):
        for block in code_blocks(document):
            try:
                run.execute(block)
            except (Exception, SystemExit) as error:
                known = isinstance(error, MismatchError)
                print(f"{block.where}: {error if known else traceback.format_exc()}", file=sys.stderr)
                return 1
    return 0


def serve() -> None:
    """Fork a child for each document that is asked for."""
    import tasker_core.cli
    import tasker_core.server.serve  # noqa: F401  # before the forks
    from tests.support.workshop.readiness import make_ready

    sys.path.remove(str(ROOT))
    make_ready()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become_reader(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become_reader(asked: dict[str, str]) -> NoReturn:
    for stream, (place, mode) in enumerate(
        [(os.devnull, os.O_RDONLY), (asked["output"], os.O_WRONLY | os.O_CREAT), (asked["output"], os.O_WRONLY)]
    ):
        os.dup2(os.open(place, mode | os.O_APPEND), stream)
    signal.alarm(TIMEOUT)
    _end(run_document(Path(asked["document"]), Path(asked["directory"])))


def _end(code: int) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a document may leave a worker's threads running; its end is the end


if __name__ == "__main__":
    if len(sys.argv) == 1:
        serve()
    else:
        sys.path.remove(str(ROOT))
        _end(run_document(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()))
