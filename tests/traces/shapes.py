"""The shapes whose traces are kept: how a task of each is played."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from tasker_core.errors import RetryableError
from tasker_core.rules.template import Template
from tasker_core.words import Lease
from tests.support.batches import NOTHING, batching, cut, template_of
from tests.support.flows import Hands, failed, flow, ok, run, yielded
from tests.support.mortals import a_process
from tests.traces.stage import Stage

Play: TypeAlias = Callable[[Stage], None]


class Shape(NamedTuple):
    template: Template
    play: Play = Stage.rounds


def chosen(*names: str) -> dict[str, Any]:
    return {"decision_point_outcome": {"type": "create_steps", "step_names": list(names)}}


def decided(steps: Mapping[str, tuple[str, Sequence[str]]]) -> Template:
    """The template of ``{"choose": ("decision", []), "air": ("standard", ["choose"])}``."""
    return template_of(*({"name": name, "type": kind, "dependencies": list(on)} for name, (kind, on) in steps.items()))


def two_decisions(stage: Stage) -> None:
    stage.rounds({"route": lambda _: chosen("manager"), "limit": lambda _: chosen("finance", "audit")})


def decision_then_batch(stage: Stage) -> None:
    stage.rounds({"route": lambda _: chosen("analyze"), "analyze": lambda _: cut(2)})


def no_batches(stage: Stage) -> None:
    stage.rounds({"analyze": lambda _: NOTHING})


def killed_in_a_batch(stage: Stage) -> None:
    """A worker's process gets SIGKILL after one checkpoint; another worker goes on from there."""
    stage.report(ok(stage.claim()["analyze"], cut(2)))
    with a_process() as (process, its_id):
        doomed = Hands(stage.engine, its_id, name="doomed")
        (first, second) = sorted(doomed.claim_all(), key=lambda lease: lease.step)
        stage.clock.advance(1)
        doomed.report(yielded(first, cursor=5, done=5), ok(second))
        (again,) = doomed.claim_all()
        assert again.step == first.step and '"cursor":5' in (again.checkpoint or "")
        process.kill()
        process.wait()
    stage.clock.advance(1)
    assert stage.engine.sweep() == 1

    def goes_on(lease: Lease) -> None:
        assert '"cursor":5' in (lease.checkpoint or ""), "it begins where the last checkpoint was"

    stage.rounds({first.step: goes_on})


def succeeds_at_third(lease: Lease) -> None:
    if lease.attempt < 3:
        raise RetryableError("the bank is busy")


def never_succeeds(_: Lease) -> None:
    raise RetryableError("the bank is busy")


def beside_a_failure(stage: Stage) -> None:
    """``pay`` fails for good while ``pack`` and ``print`` run: these end well, and what follows from them runs."""
    stage.report(*map(ok, stage.claim().values()))
    running = stage.claim()
    stage.report(failed(running.pop("pay"), "card declined", retryable=False, error_type="PermanentError"))
    stage.report(*(run(lease, None) for lease in running.values()))
    stage.rounds()


def cancelled(stage: Stage) -> None:
    """``left`` has run, ``right`` runs and ``join`` waits when ann cancels; what ``right`` reports is refused."""
    stage.report(*map(ok, stage.claim().values()))
    running = stage.claim()
    stage.report(ok(running["left"]))
    stage.clock.advance(1)
    stage.engine.cancel(stage.task, actor="client ann", reason="ordered twice")
    stage.report(ok(running["right"]))
    stage.rounds()


DIAMOND = {"start": [], "left": ["start"], "right": ["start"], "join": ["left", "right"]}
RETRY = {"max_attempts": 3, "backoff": "exponential", "backoff_base_ms": 2_000, "jitter": 0}

SHAPES: Mapping[str, Shape] = {
    "linear": Shape(flow({"cart": [], "pay": ["cart"], "ship": ["pay"]})),
    "diamond": Shape(flow(DIAMOND)),
    "tree": Shape(flow({"root": [], "l": ["root"], "r": ["root"], "ll": ["l"], "lr": ["l"], "rl": ["r"], "rr": ["r"]})),
    "mixed_dag": Shape(
        flow({"a": [], "b": [], "c": ["a"], "d": ["a", "b"], "e": ["c"], "f": ["c", "d"], "g": ["b", "e", "f"]})
    ),
    "two_decisions_in_a_row": Shape(
        decided({
            "receive": ("standard", []),
            "route": ("decision", ["receive"]),
            "itself": ("standard", ["route"]),
            "manager": ("standard", ["route"]),
            "limit": ("decision", ["manager"]),
            "finance": ("standard", ["limit"]),
            "audit": ("standard", ["limit"]),
            "record": ("deferred_convergence", ["itself", "finance", "audit"]),
        }),
        two_decisions,
    ),
    "decision_then_batch_then_convergence": Shape(
        template_of(
            {"name": "receive"},
            {"name": "route", "type": "decision", "dependencies": ["receive"]},
            {"name": "skip", "dependencies": ["route"]},
            {
                "name": "analyze", "type": "batchable", "dependencies": ["route"],
                "batch_config": {"worker_template": "process"},
            },
            {"name": "process", "type": "batch_worker", "dependencies": ["analyze"]},
            {"name": "total", "type": "deferred_convergence", "dependencies": ["skip", "process"]},
        ),
        decision_then_batch,
    ),
    "batch_with_none": Shape(batching(), no_batches),
    "batch_resumed_after_a_kill": Shape(batching(), killed_in_a_batch),
    "retry_then_success": Shape(
        flow({"pay": [], "ship": ["pay"]}, retry=RETRY), lambda stage: stage.rounds({"pay": succeeds_at_third})
    ),
    "retry_exhausted": Shape(
        flow({"pay": [], "ship": ["pay"]}, retry=RETRY), lambda stage: stage.rounds({"pay": never_succeeds})
    ),
    "permanent_failure_beside_running_siblings": Shape(
        flow({
            "start": [], "pay": ["start"], "pack": ["start"], "print": ["start"], "ship": ["pay", "pack"],
            "file": ["print"],
        }),
        beside_a_failure,
    ),
    "cancelled_in_the_middle": Shape(flow(DIAMOND), cancelled),
}  # fmt: skip
