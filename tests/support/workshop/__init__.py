"""A workshop to test doors and workers in: a store on one file, handlers, templates, and processes to kill."""

from __future__ import annotations

from tests.support.workshop.flows import flow
from tests.support.workshop.patience import eventually
from tests.support.workshop.processes import Background, Finished, tasker
from tests.support.workshop.workshop import Workshop

__all__ = ["Background", "Finished", "Workshop", "eventually", "flow", "tasker"]
