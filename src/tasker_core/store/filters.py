"""Which tasks of all: what a list asks for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from tasker_core.rules.context_field import ContextField
from tasker_core.rules.payload import encode
from tasker_core.store.database import Call, as_json
from tasker_core.words import Micros

NEWEST = 2**63 - 1
"""A number that every task's is below."""
ABOUT_THE_ACT = ("act", "stamp", "from_step")
UNFINISHED = ("steps_in_process", "waiting_for_retry", "blocked_by_failures")
"""States in which something of each task waits, runs or has failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which tasks; what is None isn't asked. ``tag`` is one that they must have, the times are microseconds, the first
    of a pair included. ``act`` is an operator's, of which the tasks must be apt, or have been the object already, with
    the word of this ``stamp``."""

    namespace: str | None = None
    name: str | None = None
    version: str | None = None
    state: str | None = None
    initiator: str | None = None
    source_system: str | None = None
    correlation_id: str | None = None
    parent_correlation_id: str | None = None
    tag: str | None = None
    created_after: Micros | None = None
    created_before: Micros | None = None
    updated_after: Micros | None = None
    updated_before: Micros | None = None
    context: ContextField | None = None
    error: str | None = None
    """A text that the error of one of its failed steps must have in it, as it is stored."""
    act: str | None = None
    stamp: int | None = None
    from_step: str | None = None
    """The step of a restart."""

    @property
    def asks_anything(self) -> bool:
        """Is there anything that not every task has?"""
        return any(value is not None for key, value in asdict(self).items() if key not in ABOUT_THE_ACT)

    def page(
        self, limit: int, offset: int = 0, *, older_than: int | None = None, newer_than: int = 0,
        unfinished: bool = False,
    ) -> Call:  # fmt: skip
        """The tasks that match, the newest first; those that may match, where a field of the context is asked for.

        Of those between two numbers, if they are given. ``unfinished`` has those of one of UNFINISHED found by their
        steps.
        """
        than = NEWEST if older_than is None else older_than
        page = {**self._params(), "limit": limit, "offset": offset, "older_than": than, "newer_than": newer_than}
        name = "list_unfinished_tasks" if unfinished else "list_tasks"
        return Call(name if self.correlation_id is None else "list_tasks_of_correlation", page)

    def count(self) -> Call:
        """How many there are on all pages."""
        if self.correlation_id is not None:
            return Call("count_tasks_of_correlation", self._params())
        return Call("count_tasks" if self._asks_payloads else "count_tasks_by_state", self._params())

    def count_states(self) -> Call:
        """How many there are of each state."""
        name = "count_states_of_tasks_and_payloads" if self._asks_payloads else "count_states_of_tasks"
        return Call(name, self._params())

    @property
    def _asks_payloads(self) -> bool:
        asked = (self.initiator, self.source_system, self.parent_correlation_id, self.tag, self.context, self.error)
        return any(each is not None for each in asked)

    def _params(self) -> dict[str, object]:
        tag = None if self.tag is None else encode(self.tag, "tag")
        needles = None if self.context is None else as_json(self.context.needles)
        error = None if self.error is None else encode(self.error, "error")[1:-1]
        return {**asdict(replace(self, context=None)), "tag": tag, "needles": needles, "error": error}
