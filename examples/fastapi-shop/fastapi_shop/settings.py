"""Where the shop finds its database and its neighbours."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TEMPLATES = Path(__file__).parents[1] / "config" / "tasks"


@dataclass(frozen=True)
class Settings:
    """The shop's settings.

    Args:
        database_url: the database that holds the shop's tables and Tasker's. One database, so that an order and its
            task are written in one transaction.
        gateway_url: the payment gateway.
        gateway_timeout: seconds that it gets for each answer.
        runs_worker: whether this process runs steps, too, or leaves them to ``tasker worker``.
    """

    database_url: str
    gateway_url: str
    gateway_timeout: float
    runs_worker: bool

    @classmethod
    def from_environment(cls) -> Settings:
        """What DATABASE_URL, SHOP_GATEWAY_URL, SHOP_GATEWAY_TIMEOUT and SHOP_WORKER (0 or 1) say."""
        worker = os.environ.get("SHOP_WORKER", "1")
        if worker not in ("0", "1"):
            raise ValueError(f"SHOP_WORKER must be 0 or 1, not {worker!r}")
        return cls(
            database_url=os.environ.get("DATABASE_URL", "sqlite:///shop.db"),
            gateway_url=os.environ.get("SHOP_GATEWAY_URL", "http://127.0.0.1:8630"),
            gateway_timeout=float(os.environ.get("SHOP_GATEWAY_TIMEOUT", "5")),
            runs_worker=worker == "1",
        )
