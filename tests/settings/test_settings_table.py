"""The documented tables are those of the code."""

from __future__ import annotations

from pathlib import Path

from tasker_core.settings.fields import all_settings
from tests.support.settings_tables import published_table, settings_table

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs/reference/settings.md"
HOW = "copy the tables that `python -m tests.support.settings_tables` prints"


def test_every_setting_is_documented_as_it_is() -> None:
    assert settings_table() in DOCUMENT.read_text("utf-8"), HOW


def test_what_is_read_out_of_a_published_file_is_documented() -> None:
    assert published_table() in DOCUMENT.read_text("utf-8"), HOW


def test_no_variable_sets_two_settings() -> None:
    variables = [variable for setting in all_settings() for variable in setting.variables]
    assert len(variables) == len(set(variables))


def test_every_setting_says_what_it_means_and_what_is_right() -> None:
    for setting in all_settings():
        assert setting.means and setting.right, setting.name
        assert "|" not in setting.means + setting.right, setting.name
