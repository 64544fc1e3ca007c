"""The driver as the server: plays the cases of workers against a worker's process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from protocol.case import Case, Failed
from protocol.leases import Lease
from protocol.patterns import mismatch
from protocol.rules import Rule, refusal
from protocol.scripted_server import ScriptedServer
from protocol.stage import Event, Stage
from protocol.values import Names
from protocol.worker_process import WorkerProcess

START_SECONDS = 30.0
PATIENCE_MS = 5000
ENDS = {"cancel": "cancelled", "lost": "lost"}
NEVER = {"report": {"again": True}, "unnamed": {}}
"""What no worker may do in any case, unless the case says that it may."""


class Scene:
    """A scripted server and the process of a worker that was told of it."""

    def __init__(self, command: Sequence[str], case: Case | None = None) -> None:
        self.command, script = command, case.script if case else {}
        self.environment = {str(key): str(value) for key, value in script.get("environment", {}).items()}
        self.server = ScriptedServer(Stage(script.get("server", {})))
        self.process: WorkerProcess | None = None

    @property
    def stage(self) -> Stage:
        return self.server.stage

    def start(self) -> None:
        self.process = WorkerProcess(self.command, self.server.url, self.environment)

    def await_worker(self) -> None:
        """Until it claims for the first time."""
        if self.stage.wait_for(lambda events: _first(events, {"on": "claim"}), START_SECONDS) is None:
            said = self.process.last_words() if self.process else ""
            raise Failed(
                f"the worker {' '.join(self.command)} claims nothing {START_SECONDS:.0f} s after its start\n{said}"
            )

    def end(self) -> None:
        if self.process:
            self.process.end()
        self.server.end()


class Play:
    """One case in its scene: a method for each move."""

    def __init__(self, case: Case, scene: Scene, patience_ms: int = PATIENCE_MS) -> None:
        self.case, self.scene, self.stage, self.patience_ms = case, scene, scene.stage, patience_ms
        self.names = Names()
        self.leases: dict[str, Lease] = {}
        self.seen: list[int] = []
        self.last_at = time.monotonic()

    def run(self) -> None:
        """Raises Failed at the first move that isn't answered as it must be."""
        self.stage.clear()
        self.scene.server.date, self.scene.server.troubles = None, []
        for name, wishes in self.names.fill(self.case.script.get("leases", {})).items():
            lease = self.leases[name] = Lease(name, wishes, self.stage.settings["lease_ms"])
            self.names[name] = lease.body
        try:
            for place, move in enumerate(self.case.play, 1):
                try:
                    self._move(move)
                except Failed as failed:
                    raise Failed(f"move {place} {_name_of(move)}: {failed}") from None
            self._keep_to_the_rules()
        finally:
            self.stage.clear()

    def _move(self, move: dict[str, Any]) -> None:
        said = {key: value for key, value in self.names.fill(move).items() if value is not True}
        getattr(self, f"_{_name_of(move)}")(**said)

    # Moves of the server.

    def _give(self, give: list[str], again: dict[str, Any] | None = None) -> None:
        """``again``: another lease of the step under the same name, with these fields changed."""
        for name in give if again is not None else ():
            self.leases[name] = self.leases[name].anew()
            self.leases[name].body.update(again or {})
            self.names[name] = self.leases[name].body
        self.stage.give(self.leases[name] for name in give)

    def _refuse(self, refuse: dict[str, Any], status: int, times: int = 1, **said: Any) -> None:
        answer = refusal(status, said.get("code"), said.get("headers"))
        self.stage.add(Rule(refuse, times, refuse=answer))

    def _lose(self, lose: str, of: dict[str, Any], times: int = 1) -> None:
        self.stage.add(Rule(of, times, lose=lose))

    def _mark(self, mark: str, status: str) -> None:
        with self.stage.changed:
            self.leases[mark].told = status
            if status in ENDS:
                self.leases[mark].end(ENDS[status])

    def _direct(self, direct: str) -> None:
        self.stage.direct(direct)

    def _say(self, say: dict[str, Any]) -> None:
        with self.stage.changed:
            self.stage.extra = say

    def _date(self, date: str) -> None:
        self.scene.server.date = date

    def _forget(self) -> None:
        self.stage.forget()

    def _away_ms(self, away_ms: int) -> None:
        self.scene.server.close()
        time.sleep(away_ms / 1000)
        self.scene.server.open()

    # Moves of the process.

    def _open(self) -> None:
        self.scene.server.open()

    def _start(self) -> None:
        self.scene.start()

    def _signal(self, signal: str) -> None:
        assert self.scene.process
        self.scene.process.signal(signal)

    def _exits(self, exits: int | None, within_ms: int = 10_000) -> None:
        assert self.scene.process
        code = self.scene.process.exit_code(within_ms / 1000)
        if code is None:
            raise Failed(f"the process runs on {within_ms} ms later")
        if exits is not None and code != exits:
            raise Failed(f"the process ended with {code} instead of {exits}")

    # What must be seen.

    def _expect(
        self, expect: dict[str, Any], within_ms: int = 0, after_ms: int | None = None, keep: str | None = None
    ) -> None:
        """An event that no move before has taken; ``after_ms``: so long after the one taken last, at the earliest."""

        within_ms = within_ms or self.patience_ms

        def find(events: list[Event]) -> Event | None:
            since = self.last_at if after_ms is not None else 0
            free = (event for event in events if id(event) not in self.seen and event["at"] >= since)
            return next((event for event in free if mismatch(expect, event) is None), None)

        event = self.stage.wait_for(find, within_ms / 1000)
        if event is None:
            raise Failed(f"not within {within_ms} ms: {expect}\n{self._what_came(expect)}")
        if after_ms is not None and event["at"] - self.last_at < after_ms / 1000:
            gap = (event["at"] - self.last_at) * 1000
            raise Failed(f"came after {gap:.0f} ms, before {after_ms} ms were over: {_shown(event)}")
        self.seen.append(id(event))
        self.last_at = event["at"]
        if keep:
            self.names[keep] = event

    def _never(self, never: dict[str, Any], for_ms: int = 0) -> None:
        event = self.stage.wait_for(lambda events: _first(events, never), for_ms / 1000)
        if event is not None:
            raise Failed(f"must not come: {_shown(event)}")

    def _count(self, count: dict[str, Any], times: Any) -> None:
        with self.stage.changed:
            found = [event for event in self.stage.events if mismatch(count, event) is None]
        if wrong := mismatch(times, len(found)):
            raise Failed(f"{wrong} times came {count}")

    def _effects(self, effects: list[str], within_ms: int = 0) -> None:
        """The lines that the handlers of this case have written, in any order."""
        assert self.scene.process
        within_ms = within_ms or self.patience_ms
        end = time.monotonic() + within_ms / 1000
        keys = [lease.body["task_uuid"] for lease in self.leases.values()]
        while sorted(lines := self.scene.process.lines_of(keys)) != sorted(effects):
            if time.monotonic() > end:
                raise Failed(f"not within {within_ms} ms: the effects are {lines} instead of {effects}")
            time.sleep(0.01)

    def _wait_ms(self, wait_ms: int) -> None:
        time.sleep(wait_ms / 1000)

    # Around the moves.

    def _keep_to_the_rules(self) -> None:
        if self.scene.server.troubles:
            raise Failed("; ".join(self.scene.server.troubles))
        allowed = self.case.script.get("allows", ())
        for on, more in NEVER.items():
            event = None if on in allowed else _first(self.stage.events, {"on": on, **more})
            if event:
                what = "it was reported again after it had been answered" if on == "report" else "no heartbeat named it"
                raise Failed(f"lease {event['of']}: {what}: {_shown(event)}")

    def _what_came(self, expected: dict[str, Any]) -> str:
        """The nearest events, the last ones that aren't heartbeats, and what the worker printed."""
        with self.stage.changed:
            events = list(self.stage.events)
        near = [event for event in events if event["on"] == expected["on"]][-3:]
        lines = [f"  came: {_shown(event)}\n    {mismatch(expected, event) or 'taken before'}" for event in near]
        last = [event for event in events if event["on"] != "heartbeat" and event not in near][-4:]
        lines += [f"  before: {_shown(event)}" for event in last]
        return "\n".join(
            [*(lines or ["  nothing came"]), self.scene.process.last_words() if self.scene.process else ""]
        )


def _name_of(move: dict[str, Any]) -> str:
    return next(iter(move))


def _first(events: list[Event], pattern: dict[str, Any]) -> Event | None:
    return next((event for event in events if mismatch(pattern, event) is None), None)


def _shown(event: Event) -> str:
    text = str({key: value for key, value in event.items() if key not in ("at", "token", "headers")})
    return text if len(text) < 400 else f"{text[:380]}... ({len(text)} characters)"
