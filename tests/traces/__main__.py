"""Writes the traces anew: ``python -m tests.traces``."""

from __future__ import annotations

import tempfile

from tests.traces.keeping import file_of, played
from tests.traces.shapes import SHAPES

for shape in SHAPES:
    with tempfile.TemporaryDirectory() as place:
        trace = played(shape, f"sqlite:///{place}/tasker.db")
    file = file_of(shape)
    changed = not file.exists() or file.read_text("utf-8") != trace
    file.write_text(trace, "utf-8")
    print(f"{file.name}: {'written anew' if changed else 'as it was'}")
