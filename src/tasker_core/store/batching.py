"""The statements of batches and checkpoints within a settling transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tasker_core.store.database import Call, as_json
from tasker_core.words import JsonText, LeaseKey, Micros


class BornBatch(NamedTuple):
    """A batch that an analyzer brings about, by the number of its worker step; its instances' inputs by number."""

    no: int
    strategy: str
    parallelism: int
    total: int
    next: int
    free: int
    inputs: Mapping[int, JsonText]


class BatchEnds(NamedTuple):
    """What a settlement has to do with batches: whether an instance came to its end, which are set aside when they
    failed, and whether what isn't running yet may have to be held back."""

    any_ended: bool
    aside: Sequence[LeaseKey]
    may_hold_back: bool

    def __bool__(self) -> bool:
        return self.any_ended or self.may_hold_back


NO_ENDS = BatchEnds(False, (), False)


def birth_calls(batch: BornBatch, opener: LeaseKey, stamp: int) -> list[Call]:
    """The statements that write a batch whose instances have been written."""
    by = {"task": opener.task, "opener": opener.no, "held": opener.fence, "tx": stamp}
    how = batch._asdict()
    del how["no"], how["inputs"]
    return [
        Call("insert_inputs", {**by, "inputs": as_json(list(batch.inputs.items()))}),
        Call("insert_batch", {**by, **how, "worker_step": batch.no}),
    ]


def end_calls(ends: BatchEnds, hot: Mapping[str, object]) -> list[Call]:
    """The statements behind ``free_children``; ``hot`` are the parameters of those before."""
    calls = []
    if ends.aside:
        aside = {**hot, "aside": as_json([{"task": k.task, "step": k.no, "held": k.fence} for k in ends.aside])}
        calls += [Call("free_from_set_aside", aside), Call("cut_set_aside", aside)]
    if ends.any_ended:
        calls += [Call(name, hot) for name in ("end_instances", "admit_instances", "count_admitted")]
    if ends.may_hold_back:
        calls += [Call(name, hot) for name in ("record_held_back", "hold_back")]
    return calls


def checkpoint_call(checkpoints: Sequence[tuple[LeaseKey, JsonText]], stamp: int) -> Call:
    """The statement that keeps how far steps are that yielded."""
    rows = [{"task": k.task, "step": k.no, "held": k.fence, "checkpoint": text} for k, text in checkpoints]
    return Call("save_checkpoints", {"checkpoints": as_json(rows), "tx": stamp})


def resume_calls(worker: int, said: Mapping[str, object], now: Micros) -> list[Call]:
    """The statements by which a batch goes on when an instance of it is to run again."""
    of = {**said, "worker_step": worker, "now": now}
    names = ("resume_batch", "record_let_go", "let_go", "admit_instances", "count_admitted")
    return [Call(name, of) for name in names]
