"""Random graphs of steps: chains, joins, diamonds, fan-outs and whatever else has no cycle."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from tasker_core.words import RetryPolicy
from tests.support.model_plan import Plan, PlannedStep

HANDLERS = ("h1", "h2", "h3")

POLICIES = tuple(
    RetryPolicy(retryable=retryable, max_attempts=attempts, backoff=backoff, backoff_base_ms=base, jitter=jitter)
    for retryable, attempts, backoff, base, jitter in (
        (True, 2, "exponential", 1_000, 0.15),
        (True, 3, "exponential", 700, 0.0),
        (True, 3, "linear", 400, 0.15),
        (True, 3, "fibonacci", 250, 1.0),
        (True, 2, "none", 1_000, 0.15),
        (True, 1, "exponential", 1_000, 0.15),
        (False, 3, "exponential", 1_000, 0.15),
    )
)

TYPES = ("standard", "standard", "decision", "deferred_convergence")

STRATEGIES = ("continue_on_failure", "isolate", "fail_fast")

Parents = Sequence[tuple[int, ...]]


def _chain(length: int) -> Parents:
    return [(no - 1,) if no > 1 else () for no in range(1, length + 1)]


def _join(width: int) -> Parents:
    return [*(() for _ in range(width)), tuple(range(1, width + 1))]


def _fan(width: int) -> Parents:
    return [(), *((1,) for _ in range(width)), tuple(range(2, width + 2))]


def _diamonds(count: int) -> Parents:
    """One diamond after the other, each beginning where the last one ended."""
    parents: list[tuple[int, ...]] = [()]
    for _ in range(count):
        top = len(parents)
        parents += [(top,), (top,), (top + 1, top + 2)]
    return parents


@st.composite
def _any(draw: st.DrawFn) -> Parents:
    """Each step waits for any of those before it."""
    size = draw(st.integers(1, 12))
    return [
        tuple(sorted(draw(st.sets(st.integers(1, no - 1), max_size=4)))) if no > 1 else () for no in range(1, size + 1)
    ]


shapes: st.SearchStrategy[Parents] = st.one_of(
    _any(),
    st.integers(1, 6).map(_chain),
    st.integers(2, 8).map(_join),
    st.integers(2, 10).map(_fan),
    st.integers(1, 3).map(_diamonds),
)


@st.composite
def _batched(draw: st.DrawFn, steps: Sequence[PlannedStep]) -> Sequence[PlannedStep]:
    """The same steps with one of them cutting a batch, whose worker stands right behind it; some of those that waited
    for that step wait for the worker."""
    cutter = draw(st.one_of(st.just(1), st.just(1), st.integers(1, len(steps))))
    cutting = steps[cutter - 1]._replace(
        type="batchable", parallelism=draw(st.sampled_from((2, 1, 3, 10))), strategy=draw(st.sampled_from(STRATEGIES))
    )
    working = cutting._replace(type="batch_worker", parents=(cutter,), retry=draw(st.sampled_from(POLICIES)))
    behind = []
    for step in steps[cutter:]:
        parents = {no if no <= cutter else no + 1 for no in step.parents}
        if cutter in parents:
            parents |= draw(st.sampled_from([{cutter + 1}, {cutter + 1}, set()]))
            parents -= draw(st.sampled_from([{cutter}, set()])) if cutter + 1 in parents else set()
        behind.append(step._replace(parents=tuple(sorted(parents))))
    return [*steps[: cutter - 1], cutting, working, *behind]


@st.composite
def plans(draw: st.DrawFn, name: str) -> Plan:
    """A plan of this name."""
    parents = draw(shapes)
    decide = draw(st.booleans())
    steps = [
        PlannedStep(
            draw(st.sampled_from(HANDLERS)),
            before,
            draw(st.sampled_from(POLICIES)),
            draw(st.sampled_from((3, 1, 2))),
            draw(st.sampled_from(TYPES if before else TYPES[:-1])) if decide else "standard",
        )
        for before in parents
    ]
    if draw(st.booleans()):
        steps = [*draw(_batched(steps))]
    if draw(st.sampled_from((True, True, False))):
        may = [step.type != "batch_worker" for step in steps]
        steps = [step._replace(compensated=can and draw(st.booleans())) for step, can in zip(steps, may, strict=True)]
    return Plan(name, tuple(steps), draw(st.sampled_from((None, None, 1, 2))))
