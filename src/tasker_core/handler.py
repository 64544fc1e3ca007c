"""The registry of handlers and their base class, by their contract names."""

from __future__ import annotations

from tasker_core.registry import HandlerRegistry
from tasker_core.step_handler import StepHandler

__all__ = ["HandlerRegistry", "StepHandler"]
