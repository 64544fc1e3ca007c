"""A port of its own, for a process that serves no HTTP otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from tasker_core.metrics.collector import Collector
from tasker_core.metrics.events import event_stats

if TYPE_CHECKING:
    from wsgiref.types import StartResponse


def serve(host: str, port: int, store_url: str | None = None) -> tuple[int, Callable[[], None]]:
    """Answer ``/metrics``, and ``/metrics/events`` in JSON, on ``host`` and ``port`` (0: any free one) in a thread; the
    port, and what ends it.

    Raises StoreError when the store can't be opened, OSError when the port can't.
    """
    collector = Collector(store_url)
    registry = CollectorRegistry()
    registry.register(collector)
    for of_the_process in (ProcessCollector, PlatformCollector, GCCollector):
        of_the_process(registry=registry)
    try:
        server, thread = start_http_server(port, host, registry)
    except BaseException:
        collector.close()
        raise

    figures = server.get_app()
    assert figures is not None

    def answer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/metrics/events" or environ["REQUEST_METHOD"] != "GET":
            return figures(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(event_stats()).encode()]

    server.set_app(answer)

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join()
        collector.close()

    return server.server_port, end
