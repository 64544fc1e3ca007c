"""Plays many cases, several at once, and says of each how it went."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Literal

from protocol.as_server import PATIENCE_MS, Play, Scene
from protocol.as_worker import Play as PlayWorker
from protocol.as_worker import Server
from protocol.case import Case, Failed
from protocol.restarts import Restarts
from protocol.values import CaseError


@dataclass(frozen=True)
class Result:
    case: Case
    outcome: Literal["passed", "failed", "skipped"]
    seconds: float
    why: str = ""


def play(case: Case, run: Callable[[], None]) -> Result:
    began = time.monotonic()
    try:
        run()
    except (Failed, CaseError) as error:
        return Result(case, "failed", time.monotonic() - began, str(error))
    except Exception:  # a fault of the driver or of the case: it costs this case alone
        return Result(case, "failed", time.monotonic() - began, traceback.format_exc())
    return Result(case, "passed", time.monotonic() - began)


def play_against_worker(
    command: Sequence[str], chosen: Sequence[Case], lanes: int = 4, patience_ms: int = PATIENCE_MS
) -> Iterator[Result]:
    """Cases that are about a start or an end have a process each; the others share two, which live on from case to case
    until one fails. ``patience_ms``: how long what is expected may take, where a case doesn't say."""
    own = [case for case in chosen if case.script.get("process") == "own"]
    shared = [case for case in chosen if case not in own]
    played: SimpleQueue[Result] = SimpleQueue()
    with ThreadPoolExecutor(max_workers=max(lanes, 1)) as pool:
        for half in (shared[::2], shared[1::2]):
            pool.submit(_play_shared, command, half, played, patience_ms)
        for case in own:
            pool.submit(_play_own, command, case, played, patience_ms)
        for _ in chosen:
            yield played.get()


def _play_own(command: Sequence[str], case: Case, played: SimpleQueue[Result], patience_ms: int) -> None:
    scene = Scene(command, case)
    result = play(case, Play(case, scene, patience_ms).run)
    scene.end()
    played.put(result)


def _play_shared(command: Sequence[str], chosen: Sequence[Case], played: SimpleQueue[Result], patience_ms: int) -> None:
    scene: Scene | None = None
    for case in chosen:
        scene = scene or Scene(command)
        result = play(case, partial(_play_on, scene, case, patience_ms))
        if result.outcome == "failed":
            scene.end()
            scene = None
        played.put(result)
    if scene:
        scene.end()


def _play_on(scene: Scene, case: Case, patience_ms: int) -> None:
    if scene.process is None:
        scene.server.open()
        scene.start()
        scene.await_worker()
    Play(case, scene, patience_ms).run()


def play_against_server(server: Server, chosen: Sequence[Case], lanes: int = 12) -> Iterator[Result]:
    """Many cases at once, each with a namespace of its own; then those that want a restart, which share one."""
    able = [case for case in chosen if case.needs <= server.offers]
    for case in chosen:
        if case not in able:
            yield Result(case, "skipped", 0, f"needs {' and '.join(sorted(case.needs - server.offers))}")
    restarted = [case for case in able if "restart" in case.needs]
    with ThreadPoolExecutor(max_workers=max(lanes, 1)) as pool:
        yield from pool.map(
            lambda case: play(case, PlayWorker(case, server).run), [case for case in able if case not in restarted]
        )
    if restarted and server.restart:
        restarts = Restarts(len(restarted), server.restart)
        with ThreadPoolExecutor(max_workers=len(restarted)) as pool:
            yield from pool.map(lambda case: play(case, PlayWorker(case, server, restarts).run), restarted)
