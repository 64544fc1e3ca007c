"""A server's figures, for Prometheus: those of its HTTP side, and what every process tells of Tasker."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from starlette.types import Scope

from tasker_core.engine import Engine
from tasker_core.metrics import Collector
from tasker_core.version import VERSION

UNMATCHED = "(none)"
"""The route of a path that the server doesn't have, so that strangers can't make as many series as they like."""
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """One server's figures."""

    def __init__(self, engine: Engine) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(Collector(engine=engine))
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._requests = Counter(
            "tasker_api_requests_total", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self._durations = Histogram(
            "tasker_api_request_duration_seconds", "Time to the answer.", ["method", "route"],
            buckets=BUCKETS, registry=self.registry,
        )  # fmt: skip
        self._rejected = Counter(
            "tasker_api_requests_rejected_total", "Requests refused under load.", registry=self.registry
        )
        self._auth_failures = Counter(
            "tasker_auth_failures_total", "Requests without credentials that do.", ["reason"], registry=self.registry
        )
        self._denials = Counter(
            "tasker_permission_denials_total", "Requests of known callers who lack a permission.", ["permission"],
            registry=self.registry,
        )  # fmt: skip
        Gauge("tasker_orchestration_info", "The server's version.", ["version"], registry=self.registry).labels(
            VERSION
        ).set(1)

    def seen(self, scope: Scope, status: int, seconds: float) -> None:
        """A request was answered."""
        route = getattr(scope.get("route"), "path", UNMATCHED)
        method = scope["method"] if route != UNMATCHED else UNMATCHED
        self._requests.labels(method, route, str(status)).inc()
        self._durations.labels(method, route).observe(seconds)
        if status in (429, 503):
            self._rejected.inc()

    def auth_failed(self, reason: str) -> None:
        """A caller could not be known."""
        self._auth_failures.labels(reason).inc()

    def permission_denied(self, permission: str) -> None:
        """A caller is known and may not."""
        self._denials.labels(permission).inc()

    def text(self) -> bytes:
        """All of them. Blocks while the database is asked for what waits there, for two seconds at most."""
        return generate_latest(self.registry)
