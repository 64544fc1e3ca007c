"""The worker: claim, run, report."""

from __future__ import annotations

from tasker_core.worker.worker import Worker

__all__ = ["Worker"]
