"""Code made from a template: typed models of what its schemas say, handlers to fill in, a test that runs them."""

from __future__ import annotations

from tasker_core.generating.handlers import handlers_source
from tasker_core.generating.models import Models
from tasker_core.generating.trial import trial_source

__all__ = ["Models", "handlers_source", "trial_source"]
