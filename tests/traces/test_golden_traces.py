"""What a task of each shape goes through, step by step: the same on each kind of database as it was before.

A change that is meant is written down by ``python -m tests.traces``, and looked at before it is committed.
"""

from __future__ import annotations

import sys

import pytest

from tests.support.databases import postgres_of_the_suites, store_url
from tests.traces.keeping import GOLDEN, file_of, played
from tests.traces.shapes import SHAPES

__all__ = ["postgres_of_the_suites", "store_url"]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_task_goes_through_what_it_went_through_before(shape: str, store_url: str) -> None:
    if "kill" in shape and not sys.platform.startswith("linux"):
        pytest.skip("only Linux tells when a process was started")
    assert played(shape, store_url) == file_of(shape).read_text("utf-8")


def test_every_trace_that_is_kept_is_of_a_shape() -> None:
    assert {file.stem for file in GOLDEN.iterdir()} == set(SHAPES)
