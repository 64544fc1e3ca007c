"""A place with settings in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import TypeAlias

import pytest

from tasker_core.settings.reading import Reading, read_settings
from tasker_core.settings.values import Settings

Read: TypeAlias = Callable[..., Reading]


class Place:
    """A directory with files of settings, and an environment."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environ: dict[str, str] = {}

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), "utf-8")
        return path

    def own(self, text: str) -> Path:
        return self.write("tasker.toml", text)

    def read(self, arguments: dict[str, object] | None = None, *, strict: bool = False) -> Reading:
        return read_settings(arguments, environ=self.environ, directory=self.directory, strict=strict)

    def settings(self, arguments: dict[str, object] | None = None) -> Settings:
        """The settings, which must be right."""
        reading = self.read(arguments)
        assert reading.settings is not None, reading.remarks
        return reading.settings

    def remarks(self, level: str = "error", *, strict: bool = False) -> list[str]:
        """What is said on a level, paths shortened to the files' names."""
        reading = self.read(strict=strict)
        assert (reading.settings is None) is bool(reading.errors)
        said = [remark.sentence for remark in reading.remarks if remark.level == level]
        return [sentence.replace(f"{self.directory}/", "") for sentence in said]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)
