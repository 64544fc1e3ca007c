"""Tests of a group run in one process, as their fixtures need: pytest and pytest-xdist agree on what a group is."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("of-this-test")
def test_a_group_is_known_where_tests_are_dealt_out(request: pytest.FixtureRequest) -> None:
    is_dealt_out = hasattr(request.config, "workerinput")
    assert request.node.nodeid.endswith("@of-this-test") is is_dealt_out
