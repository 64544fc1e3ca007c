"""``tasker dev``: server and worker in one process, which another one replaces when files change."""

from __future__ import annotations

from tasker_core.dev.options import Options
from tasker_core.dev.supervisor import Supervisor

__all__ = ["Options", "Supervisor"]
