"""A small chaos run; ``make chaos`` is the large one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.orders import effects_of
from tests.chaos.run import Plan, play
from tests.support.postgres import Server
from tests.support.postgres_binaries import installations

PLAN = Plan(tasks=40, seconds=9.0, seed=20_251_125, lease=3.0)


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_nothing_is_lost_or_done_twice(database: str, tmp_path: Path) -> None:
    if database == "sqlite":
        report = play(PLAN, f"sqlite:///{tmp_path / 'tasker.db'}", tmp_path, None)
    else:
        with Server(installations()[-1], fsync=False) as server:
            report = play(PLAN, server.create_database(), tmp_path, server)
        assert len(report.outages) == 2
    assert report.complaints == []
    assert report.effects == effects_of(PLAN.tasks)
    assert report.endings["ok"] == report.steps
    assert report.blows.kills, "nobody was killed: the seed or the pauses don't do any more what they are for"
