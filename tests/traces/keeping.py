"""The traces that are kept, one file for each shape."""

from __future__ import annotations

from pathlib import Path

from tasker_core.clock import ManualClock
from tasker_core.engine import Engine
from tasker_core.store import Store, open_database
from tests.traces.shapes import SHAPES
from tests.traces.stage import Stage

GOLDEN = Path(__file__).parent / "golden"


def file_of(shape: str) -> Path:
    return GOLDEN / f"{shape}.txt"


def played(shape: str, url: str) -> str:
    """The trace of this shape on the empty store at ``url``."""
    database = open_database(url)
    database.migrate()
    clock = ManualClock()
    engine = Engine(Store(database), clock=clock, roll=lambda: 0.5)
    try:
        stage = Stage(engine, clock, SHAPES[shape].template)
        SHAPES[shape].play(stage)
        return stage.trace()
    finally:
        engine.close()
