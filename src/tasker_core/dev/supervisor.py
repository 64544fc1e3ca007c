"""The supervisor: it watches the files and has a new process take over from the serving one when they change.

The new process loads everything anew before the old one hears of it, so whatever is broken breaks only the new one.
Both accept at the same socket; no request meets a closed door.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias

from tasker_core.dev.options import Options
from tasker_core.dev.process import Process, Stage
from tasker_core.dev.watching import Watcher, places
from tasker_core.rules.explanation import counted
from tasker_core.settings import load_settings

KILLED = 130
LONG_TO_LOAD = 10.0
"""Seconds after which it is said that the files are still being loaded."""
LONG_ENOUGH = 5.0
"""Seconds: a process that served for so long and then died is started again at once."""
MOST_NAMED = 3
BEFORE = "what ran before goes on"
WAITING = "waiting for a change"

Say: TypeAlias = Callable[[str], None]


class Supervisor:
    """Serves until SIGINT or SIGTERM. ``say`` prints a line for people."""

    def __init__(self, options: Options, listening: socket.socket, url: str, say: Say) -> None:
        self._options, self._listening, self._url, self._say = options, listening, url, say
        # A signal handler may put into it while the main thread is getting out of it.
        self._events: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._current: Process | None = None
        self._candidate: Process | None = None
        self._leaving: set[Process] = set()
        self._changed: list[Path] = []
        """What changed since the serving process began, as far as the candidate has seen it."""
        self._later: list[Path] = []
        """What changed too late for the candidate."""
        self._announce: Callable[[], None] | None = None
        self._signals = 0
        self._said_long = self._has_served = False

    def run(self) -> int:
        """The exit code, when everything has ended."""
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sign, lambda *_: self._events.put(self._asked_to_stop))
        watcher = self._watch()
        try:
            self._start()
            while not self._is_over:
                try:
                    self._events.get(timeout=1.0)()
                except Empty:
                    self._look_at_the_clock()
        finally:
            watcher.stop()
            for process in self._processes:
                process.kill()
        return KILLED if self._signals > 1 else 0

    @property
    def _processes(self) -> Sequence[Process]:
        return [process for process in (self._current, self._candidate, *self._leaving) if process is not None]

    @property
    def _is_over(self) -> bool:
        return self._signals > 0 and not self._processes

    def _watch(self) -> Watcher:
        worker = load_settings(self._options.as_settings()).worker
        wanted = places(worker.handlers, worker.template_path)

        def changed(paths: list[Path]) -> None:
            self._events.put(lambda: self._files_changed(paths))

        watcher = Watcher(wanted, changed)
        watcher.start()
        if watcher.error is not None:
            self._say(f"files can't be watched, so nothing is reloaded: {watcher.error}")
        return watcher

    def _start(self) -> None:
        self._changed += [path for path in self._later if path not in self._changed]
        self._later, self._said_long = [], False
        self._candidate = Process(
            self._options,
            self._listening,
            lambda process, report: self._events.put(lambda: self._said(process, report)),
            lambda process, code: self._events.put(lambda: self._ended(process, code)),
        )

    def _files_changed(self, paths: list[Path]) -> None:
        if self._signals:
            return
        self._later += [path for path in paths if path not in self._later]
        if self._candidate is None:
            self._start()
        elif self._candidate.stage is Stage.LOADING:
            # It may have read half of what changed. It holds nothing yet.
            self._candidate.kill()
            self._leaving.add(self._candidate)
            self._start()

    def _said(self, process: Process, report: dict[str, Any]) -> None:
        match report["event"]:
            case "loaded" if process is self._candidate and not self._signals:
                process.go()
            case "failed" if process is self._candidate:
                process.has_failed = True
                self._failed(report["why"])
            case "serving" if process is self._candidate:
                self._takes_over(process, report)
            case "drained" if self._announce is not None:
                self._announce()
                self._announce = None

    def _takes_over(self, process: Process, report: dict[str, Any]) -> None:
        process.stage = Stage.SERVING
        before, self._current, self._candidate = self._current, process, None
        names, self._changed = _named(self._changed), []

        def announce() -> None:
            served = f"{counted(report['handlers'], 'handler')}, {counted(report['templates'], 'template')}"
            if self._has_served:
                self._say(f"reloaded after a change of {names}: {served}" if names else f"started again: {served}")
            else:
                self._say(f"Tasker serves {self._url}: {served}, tasks in {report['store']}")
            for step, why in report["missing"].items():
                self._say(f"not served: {step}: {why}")
            if not report["templates"]:
                self._say("no template is here: put one into config/tasks, or name its place with --templates")
            if not self._has_served:
                self._say("save a file and it is reloaded; Ctrl-C ends")
            self._has_served = True

        if before is not None:
            before.retire()
            self._leaving.add(before)
        if self._signals:
            process.leave()
        elif before is None:
            announce()
        else:
            # Said when the old process takes no more steps, so that what is created from then on runs on the new code.
            self._announce = announce
        self._go_on()

    def _go_on(self) -> None:
        """With what changed too late for the candidate that is one no more."""
        if self._later and not self._signals:
            self._start()

    def _failed(self, why: str) -> None:
        self._say(why)
        if self._current is not None:
            self._say(f"not reloaded; {BEFORE}")
        elif not self._signals:
            self._say(f"nothing can be served yet; {WAITING}")

    def _ended(self, process: Process, code: int) -> None:
        if process is self._candidate:
            self._candidate = None
            if not process.has_failed:
                how = f"signal {-code}" if code < 0 else f"exit code {code}"
                self._failed(f"the files' process ended by itself while it was {process.stage} ({how})")
            self._go_on()
        elif process is self._current:
            self._current = None
            if not self._signals:
                self._died(process, code)
        else:
            self._leaving.discard(process)
            if self._announce is not None and process.stage is Stage.LEAVING:
                self._announce()
                self._announce = None

    def _died(self, process: Process, code: int) -> None:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        if self._candidate is not None:
            self._say(f"the serving process died ({how}); the next one is on its way")
        elif process.age >= LONG_ENOUGH:
            self._say(f"the serving process died ({how}); it is started again")
            self._start()
        else:
            self._say(f"the serving process died ({how}) soon after its start; {WAITING}")

    def _look_at_the_clock(self) -> None:
        loading = self._candidate
        if (
            loading is not None
            and loading.stage is Stage.LOADING
            and loading.age > LONG_TO_LOAD
            and not self._said_long
        ):
            self._said_long = True
            self._say(f"the files are still being loaded, for {loading.age:.0f} s now")

    def _asked_to_stop(self) -> None:
        self._signals += 1
        if self._signals == 1:
            self._say("stopping: what runs may finish ...")
        for process in self._processes:
            if self._signals > 1 or process.stage is Stage.LOADING:
                process.has_failed = True
                process.kill()
            elif process.stage is Stage.SERVING:
                process.leave()


def _named(paths: Sequence[Path]) -> str:
    names = [os.path.relpath(path) for path in paths]
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
