"""What the long-running commands have in common for those who watch them: log lines, spans, figures."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from tasker_core.telemetry import logs
from tasker_core.telemetry.exporting import exported_spans

LogFormat = Annotated[str | None, typer.Option("--log-format", help="text or json; else what the settings say, text.")]


@contextmanager
def watched(service: str, log_format: str | None) -> Iterator[None]:
    """Log in the format that was asked for, and send this command's spans in the name of ``service``."""
    if log_format is not None:
        logs.configure(log_format, logging.getLogger().level)
    with exported_spans(service):
        yield
