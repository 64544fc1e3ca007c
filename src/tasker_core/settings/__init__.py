"""Settings: from arguments, the environment, ``tasker.toml`` and a published ``worker.toml`` to frozen values.

Nothing is read, and no library loaded, before somebody asks.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tasker_core.errors import SettingsError

if TYPE_CHECKING:
    from tasker_core.settings.values import Settings

__all__ = ["load_settings"]

log = logging.getLogger("tasker.settings")
_told: set[str] = set()


def load_settings(arguments: Mapping[str, Any] | None = None, *, config_path: str | None = None) -> Settings:
    """The settings of this process: what ``arguments`` say, else the environment, the files, the defaults.

    Args:
        arguments: as tables of a file: ``{"worker": {"concurrency": 4}}``; None says nothing.
        config_path: a file to read instead of the one that TASKER_CONFIG_PATH names.

    What is odd, an unknown key say, is logged once. Raises SettingsError that names everything that is wrong.

    >>> load_settings({"worker": {"concurrency": 4}}).worker.concurrency
    4
    """
    from tasker_core.settings.reading import read_settings

    reading = read_settings(arguments, config_path=config_path)
    if reading.settings is None:
        raise SettingsError("\n".join(remark.sentence for remark in reading.errors))
    for remark in reading.remarks:
        if remark.sentence not in _told:
            _told.add(remark.sentence)
            log.log(logging.WARNING if remark.level == "warning" else logging.INFO, "%s", remark.sentence)
    return reading.settings
