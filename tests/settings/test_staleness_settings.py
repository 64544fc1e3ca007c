"""What the settings of dead letters and of staleness come to, from a file of either system."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasker_core.clock import SECOND
from tasker_core.engine.open import vigilance
from tasker_core.engine.staleness import Vigilance
from tasker_core.rules.staleness import Defaults
from tasker_core.settings.reading import read_settings

PUBLISHED = """
[orchestration.dlq]
enabled = true

[orchestration.dlq.staleness_detection]
enabled = true
batch_size = 200
detection_interval_seconds = 600
dry_run = true

[orchestration.dlq.staleness_detection.thresholds]
waiting_for_dependencies_minutes = 120
waiting_for_retry_minutes = 61
steps_in_process_minutes = 62
task_max_lifetime_hours = 48

[orchestration.dlq.staleness_detection.actions]
auto_transition_to_error = false
auto_move_to_dlq = true
"""


def come_to(directory: Path, text: str, name: str = "tasker.toml") -> Vigilance | None:
    (directory / name).write_text(text)
    reading = read_settings(environ={}, directory=directory)
    assert reading.settings is not None, reading.remarks
    return vigilance(reading.settings)


def test_the_defaults(tmp_path: Path) -> None:
    assert come_to(tmp_path, "") == Vigilance(Defaults(60, 30, 30, None, True, True), 300 * SECOND, 100, False)


def test_each_is_set_by_its_own_name(tmp_path: Path) -> None:
    said = come_to(
        tmp_path, "[dlq]\nsteps_in_process_minutes = 5\nmax_duration_minutes = 90\nauto_move_to_dlq = false\n"
    )
    assert said == Vigilance(Defaults(60, 30, 5, 90, True, False), 300 * SECOND, 100, False)


def test_row_14_the_actions_of_a_published_file_are_read(tmp_path: Path) -> None:
    said = come_to(tmp_path, PUBLISHED, "worker.toml")
    assert said == Vigilance(Defaults(120, 61, 62, 48 * 60, False, True), 600 * SECOND, 200, True)


@pytest.mark.parametrize(
    "off", ["[orchestration.dlq]\nenabled = false", "[orchestration.dlq.staleness_detection]\nenabled = false"]
)
def test_it_is_switched_off_there(tmp_path: Path, off: str) -> None:
    assert come_to(tmp_path, off, "worker.toml") is None


@pytest.mark.parametrize("key", ["enabled", "staleness_detection"])
def test_it_is_switched_off_here(tmp_path: Path, key: str) -> None:
    assert come_to(tmp_path, f"[dlq]\n{key} = false") is None
