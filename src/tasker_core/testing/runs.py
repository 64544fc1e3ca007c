"""What became of a rehearsed task, to assert on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tasker_core.rules import spelling
from tasker_core.testing.crashes import End


@dataclass(frozen=True)
class StepRun:
    """What became of one step.

    ``result`` is what its handler returned; ``error`` the last failure's message, ``error_type`` its kind, ``None``
    without one. ``attempts`` counts those that came to an end: not one that a dying worker took with it.
    """

    name: str
    state: str
    attempts: int = 0
    result: Any = None
    error: str | None = None
    error_type: str | None = None

    def __str__(self) -> str:
        said = f": {self.error}" if self.error and self.state != "complete" else ""
        return f"{self.name} is {self.state} after {self.attempts} attempt{'s' * (self.attempts != 1)}{said}"


@dataclass(frozen=True)
class TaskRun:
    """What became of one task: its ``state``, its steps, and the names of the steps in the order they ``ran``.

    ``took`` is the time on the rehearsal's clock from its creation to its end. ``why`` tells in words why the task is
    where it is.

    >>> run = TaskRun("t-1", "complete", {"pay": StepRun("pay", "complete", 1, {"paid": 30})}, ran=["pay"])
    >>> run.step("pay").result
    {'paid': 30}
    >>> run.step("pya")
    Traceback (most recent call last):
    ...
    LookupError: the task has no step 'pya'; did you mean 'pay'?
    """

    task_uuid: str
    state: str
    steps: Mapping[str, StepRun]
    ran: Sequence[str] = ()
    took: timedelta = timedelta()
    why: str = ""
    events: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    compensated: bool = False

    def step(self, name: str) -> StepRun:
        """One step. Raises LookupError, naming what is near: also for a branch that wasn't taken."""
        found = self.steps.get(name)
        if found is None:
            near = spelling.nearest(name, list(self.steps))
            hint = f"did you mean {near!r}?" if near else f"it has {', '.join(self.steps)}"
            raise LookupError(f"the task has no step {name!r}; {hint}")
        return found

    def result(self, name: str) -> Any:
        """What the handler of this step returned."""
        return self.step(name).result

    def assert_complete(self) -> TaskRun:
        """Raise AssertionError, which tells why, unless the task is complete."""
        return self.assert_state("complete")

    def assert_state(self, state: str) -> TaskRun:
        """Raise AssertionError, which tells how it went, unless the task is in this state."""
        __tracebackhide__ = True
        if self.state != state:
            steps = "\n  ".join(map(str, self.steps.values()))
            raise AssertionError(f"the task is {self.state}, not {state}\n  {steps}\n{self.why}".rstrip())
        return self

    @property
    def end(self) -> End:
        """What a crash on the way mustn't change."""
        told: dict[str, Any] = {"state": self.state, "compensated": self.compensated}
        for name, step in self.steps.items():
            told[f"state of {name}"] = step.state
            told.update(_leaves(f"result of {name}", step.result))
        return told


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The values inside ``value``, each with its path: an id in a result that differs hides nothing beside it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(f"{path}.{key}", inner)
    elif isinstance(value, list):
        for no, inner in enumerate(value):
            yield from _leaves(f"{path}[{no}]", inner)
    else:
        yield path, value
