"""Tasker's figures for Prometheus: a collector to register, or a port of its own to scrape."""

from __future__ import annotations

from tasker_core.metrics.collector import Collector
from tasker_core.metrics.events import event_stats
from tasker_core.metrics.listening import serve

__all__ = ["Collector", "event_stats", "serve"]
