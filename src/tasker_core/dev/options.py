"""What was asked of ``tasker dev``, on its way to the process that serves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command's options; None where it says nothing."""

    handlers: Sequence[str] | None = None
    templates: str | None = None
    concurrency: int | None = None
    host: str | None = None
    port: int | None = None
    database_url: str | None = None
    log_level: str | None = None

    def as_settings(self) -> Mapping[str, Any]:
        """The same, as arguments of ``load_settings``."""
        worker = {
            "handlers": self.handlers,
            "concurrency": self.concurrency,
            "template_path": None if self.templates is None else [self.templates],
        }
        return {
            "database": {"url": self.database_url},
            "server": {"host": self.host, "port": self.port},
            "worker": worker,
            "logging": {"level": self.log_level},
        }

    def as_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Options:
        return cls(**json.loads(text))
