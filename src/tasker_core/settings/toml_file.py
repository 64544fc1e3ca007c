"""A TOML file: its content, and the line of each part of it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasker_core.errors import SettingsError
from tasker_core.settings.layers import Place
from tasker_core.settings.toml_lines import lines_of


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A file that was read. ``name`` is how people know it: its path as it was given."""

    name: str
    data: Mapping[str, Any]
    lines: Mapping[Place, int] = field(repr=False, default_factory=dict)

    def place(self, path: Place) -> str:
        """``file:line`` of the entry at ``path``, or of the nearest one around it."""
        for length in range(len(path), 0, -1):
            if line := self.lines.get(path[:length]):
                return f"{self.name}:{line}"
        return self.name


def read_toml(path: Path) -> TomlFile:
    """The file at ``path``. Raises SettingsError, which names the file and, where there is one, the line."""
    try:
        text = path.read_text("utf-8")
        return TomlFile(str(path), tomllib.loads(text), lines_of(text))
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not TOML: {error}") from None
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}") from None
