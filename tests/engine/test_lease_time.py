"""How long a silent worker is believed to live is a setting of the process."""

from __future__ import annotations

import pytest

from tasker_core.clock import SECOND
from tasker_core.engine.open import close_engine, open_engine
from tasker_core.errors import InvalidRequestError


def test_ten_seconds_unless_the_environment_says_otherwise(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_engine(sqlite_url)
    assert engine.lease_time == 10 * SECOND
    close_engine(engine)
    monkeypatch.setenv("TASKER_LEASE_SECONDS", "4.5")
    engine = open_engine(sqlite_url)
    assert engine.lease_time == 4_500_000
    close_engine(engine)


@pytest.mark.parametrize("wrong", ["soon", "-1", "2.9", "3601", "nan", "10s"])
def test_another_time_is_refused_with_what_would_be_right(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("TASKER_LEASE_SECONDS", wrong)
    with pytest.raises(InvalidRequestError, match="TASKER_LEASE_SECONDS must be a number from 3 to 3600, not"):
        open_engine(sqlite_url)
