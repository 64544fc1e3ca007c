"""Plays the cases: ``python -m protocol worker -- clients/ruby/conformance/run``."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from protocol.as_worker import Server, answers
from protocol.case import CASES, Failed, cases
from protocol.playing import Result, play_against_server, play_against_worker


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 where every case passed, 1 where one failed."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.group == "worker":
        command = asked.command[1:] if asked.command[:1] == ["--"] else asked.command
        if not command:
            parser.error("name the command that starts the worker: worker -- clients/ruby/conformance/run")
        if shutil.which(command[0]) is None:
            parser.error(f"{command[0]} can't be run: there is no such program")
        results = play_against_worker(command, list(cases("worker", asked.k, asked.cases)), asked.lanes)
    else:
        keys = {"worker": asked.api_key, "other": asked.other_key, "weak": asked.weak_key}
        server = Server(
            asked.url, {who: key for who, key in keys.items() if key}, asked.restart and partial(_run, asked.restart)
        )
        if not answers(server):
            parser.error(f"nobody answers at {asked.url}: start the server first")
        results = play_against_server(server, list(cases("server", asked.k, asked.cases)), asked.lanes)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for result in results:
        counts[result.outcome] += 1
        _print(result, asked.quiet)
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    return 1 if counts["failed"] or not counts["passed"] else 0


def _run(command: str) -> None:
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise Failed(f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}")


def _print(result: Result, quiet: bool) -> None:
    if quiet and result.outcome == "passed":
        return
    print(f"{result.outcome:7} {result.case.name} ({result.seconds:.1f} s)", flush=True)
    if result.why:
        print(f"  {result.case.about}\n  {result.why}" if result.outcome == "failed" else f"  {result.why}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m protocol", description="Plays the conformance cases.")
    parser.add_argument("-q", "--quiet", action="store_true", help="only what failed or was skipped, and the summary")
    groups = parser.add_subparsers(dest="group", required=True)
    server = groups.add_parser("server", help="play a worker against a server")
    server.add_argument("--url", required=True, help="the server's URL")
    server.add_argument(
        "--api-key", help="a key with every permission that the cases need, where the server asks for one"
    )
    server.add_argument("--other-key", help="a second key that may be a worker: for cases of two callers")
    server.add_argument("--weak-key", help="a key without worker:run")
    server.add_argument("--restart", help="a command that kills the server, starts it anew, and ends once it answers")
    server.add_argument("--lanes", type=int, default=12, help="cases that are played at once (12)")
    worker = groups.add_parser("worker", help="play the server against a worker")
    worker.add_argument("--lanes", type=int, default=4, help="processes of the worker at once (4)")
    for group in (server, worker):
        group.add_argument("-k", default="", metavar="WORDS", help="only cases whose names contain one of these words")
        group.add_argument("--cases", type=Path, default=CASES, metavar="DIRECTORY", help="other cases than these")
    worker.add_argument("command", nargs=argparse.REMAINDER, help="-- the command that starts the worker")
    return parser


if __name__ == "__main__":
    sys.exit(main())
