"""A port of its own, for a process that serves no HTTP otherwise."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from tasker_core.metrics.collector import Collector


def serve(host: str, port: int, store_url: str | None = None) -> tuple[int, Callable[[], None]]:
    """Answer ``/metrics`` on ``host`` and ``port`` (0: any free one) in a thread; the port, and what ends it.

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

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join()
        collector.close()

    return server.server_port, end
