"""How a server runs."""

from __future__ import annotations

from dataclasses import dataclass

from tasker_core.rules.payload import LARGEST_PAYLOAD

KIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """The settings of one server. Times are in seconds, sizes in bytes.

    Args:
        request_timeout: how long a request may take until it is answered 408.
        longest_wait: the most that ``wait_ms`` may ask for.
        largest_body: of a request; a context of 1 MiB and what goes with it.
        largest_batch: of a request that creates many tasks.
        threads: how many calls of the engine run at once. Each one holds a connection.
        backlog: how many calls may wait for a thread or run; what comes on top is answered 503.
        drain: for how long ``/health/ready`` says no before the server stops to accept.
        shutdown_timeout: how long a stop waits for what runs.
        environment: what health and logs call the place it runs in.
    """

    request_timeout: float = 30.0
    longest_wait: float = 20.0
    largest_body: int = LARGEST_PAYLOAD + 64 * KIB
    largest_batch: int = 16 * LARGEST_PAYLOAD
    threads: int = 8
    backlog: int = 1_000
    drain: float = 0.0
    shutdown_timeout: float = 30.0
    environment: str = "development"


def longest_wait_ms(settings: ServerSettings) -> int:
    """The most that ``wait_ms`` may ask for."""
    return round(settings.longest_wait * 1_000)
