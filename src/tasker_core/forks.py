"""What a forked child must not inherit: a lock that another thread of its parent held, and which nobody here opens."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Inherited(Protocol):
    """A thing that a child gets from its parent as it stood at the instant of the fork, threads and locks included."""

    def begin_anew(self) -> None:
        """Called in the child, before anything else: be as if just made."""
        ...


_things: WeakSet[Inherited] = WeakSet()


def renew_in_children(thing: Inherited) -> None:
    """Let ``thing`` begin anew in every child that this process forks, for as long as somebody holds on to it."""
    _things.add(thing)


def _renew() -> None:
    for thing in list(_things):
        thing.begin_anew()


os.register_at_fork(after_in_child=_renew)
