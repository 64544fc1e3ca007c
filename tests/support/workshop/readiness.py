"""What a process that forks does once, so that none of its children has to."""

from __future__ import annotations

import gc
from typing import get_args

from tasker_core.settings import load_settings
from tasker_core.store.statements import Dialect, migrations, statements


def make_ready() -> None:
    """Read the settings' tables and the statements; keep the garbage collector off what the children share."""
    load_settings()
    for dialect in get_args(Dialect):
        statements(dialect)
        migrations(dialect)
    gc.freeze()
