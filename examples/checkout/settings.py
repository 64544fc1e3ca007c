"""Where the shop finds its neighbours; each can be set in the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """The shop's surroundings, with what fits a machine on which all of it runs."""

    database: Path = Path("shop.db")
    gateway_url: str = "http://127.0.0.1:8630"
    gateway_timeout: float = 5.0
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 8625

    @classmethod
    def from_environment(cls) -> Settings:
        """Read ``SHOP_DATABASE``, ``SHOP_GATEWAY_URL``, ``SHOP_GATEWAY_TIMEOUT`` (seconds), ``SHOP_SMTP`` (host:port).

        Raises:
            ValueError: a variable is set to something that can't be read; the message names it.
        """
        given = {name: value for name, value in os.environ.items() if name.startswith("SHOP_")}
        host, port = _address(given.get("SHOP_SMTP", f"{cls.smtp_host}:{cls.smtp_port}"))
        return cls(
            database=Path(given.get("SHOP_DATABASE", cls.database)),
            gateway_url=given.get("SHOP_GATEWAY_URL", cls.gateway_url),
            gateway_timeout=_seconds(given.get("SHOP_GATEWAY_TIMEOUT", str(cls.gateway_timeout))),
            smtp_host=host,
            smtp_port=port,
        )


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdecimal()):
        raise ValueError(f"SHOP_SMTP is {text!r}; write host:port, for example 127.0.0.1:8625")
    return host, int(port)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ValueError(f"SHOP_GATEWAY_TIMEOUT is {text!r}; write a number of seconds above 0, for example 5")
    return seconds
