"""The tables of docs/reference/settings.md as the code has them. Run as a module it prints them."""

from __future__ import annotations

from collections.abc import Iterator

from tasker_core.settings.fields import Setting, all_settings
from tasker_core.settings.published_file import TAKEN
from tasker_core.settings.telling import in_a_line, shown


def settings_table() -> str:
    """Every setting: its name, what sets it, its default, what is right, what it means."""
    rows = ["| setting | variable | default | right | means |", "|---|---|---|---|---|"]
    return "\n".join([*rows, *map(_row, all_settings())])


def published_table() -> str:
    """What is read out of a published ``worker.toml``."""
    rows = ["| there | here |", "|---|---|"]
    return "\n".join(
        [*rows, *(f"| `{'.'.join(taken.table)}`, `{taken.leaf}` | `{'.'.join(taken.path)}` |" for taken in TAKEN)]
    )


def _row(setting: Setting) -> str:
    return f"| {' | '.join(_cells(setting))} |"


def _cells(setting: Setting) -> Iterator[str]:
    yield f"`{setting.name}`"
    yield ", ".join(f"`{variable}`" for variable in setting.variables)
    default = in_a_line(shown(setting, setting.default))
    yield "" if default == "-" else f"`{default}`"
    yield setting.right
    yield setting.means


if __name__ == "__main__":
    print(settings_table(), published_table(), sep="\n\n")
