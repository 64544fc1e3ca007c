"""Starting beside a database that doesn't answer yet, as when a machine or a composition of containers comes up."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Annotated

import typer

from tasker_core.cli.output import errors
from tasker_core.engine import Engine
from tasker_core.engine.open import open_engine
from tasker_core.errors import StoreUnavailableError

if TYPE_CHECKING:
    from tasker_core.settings.values import Settings

SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
"""Seconds between two tries; each pause is twice the one before."""

WaitForDatabase = Annotated[
    float | None,
    typer.Option(min=0, help="Seconds to wait for a database that is away; else 60."),
]


def open_patiently(settings: Settings, asked: threading.Event | None = None) -> Engine | None:
    """The engine on the store of ``settings``, as soon as that answers; None when ``asked`` to stop meanwhile.

    What waiting won't mend is raised at once: a refused login, no such host or database, a schema of another version.
    """
    deadline = time.monotonic() + settings.database.wait_seconds
    pause = SHORTEST_PAUSE
    while True:
        try:
            return open_engine(settings.database.store_url, settings)
        except StoreUnavailableError as error:
            left = deadline - time.monotonic()
            if not error.retryable or left <= 0:
                raise
            errors.print(f"{error}; trying again for {left:.0f} s", markup=False, highlight=False, soft_wrap=True)
        if asked is None:
            time.sleep(min(pause, left))
        elif asked.wait(min(pause, left)):
            return None
        pause = min(2 * pause, LONGEST_PAUSE)
