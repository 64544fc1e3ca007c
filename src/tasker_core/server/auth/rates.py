"""How often somebody may knock who isn't known."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address

from tasker_core.server.auth.addresses import address_of

MOST_CALLERS = 10_000
"""Callers remembered. One forgotten begins anew, with less harm than a memory without end."""
NETWORK_BITS = 64
"""The part of an IPv6 address that its bearer can't choose freely."""


class Rates:
    """A bucket for each caller: ``per_second`` requests on the whole, those of ``seconds`` (one at least) at once."""

    def __init__(self, per_second: float, seconds: float, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._burst, self._now = per_second, max(1.0, per_second * seconds), monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, caller: str) -> float:
        """Take one from the bucket of ``caller``: 0, or the seconds until there is one again."""
        now, key = self._now(), _network(caller)
        left, at = self._buckets.pop(key, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_second)
        allowed = left >= 1
        self._buckets[key] = (left - 1 if allowed else left, now)
        if len(self._buckets) > MOST_CALLERS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._per_second


def _network(caller: str) -> str:
    address = address_of(caller)
    if not isinstance(address, IPv6Address):
        return str(address or caller)
    return f"{int(address) >> (128 - NETWORK_BITS):x}"
