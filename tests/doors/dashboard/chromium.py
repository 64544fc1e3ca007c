"""The system's Chromium, which the tests drive; none of its own is downloaded."""

from __future__ import annotations

import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), None)

IN_A_BROWSER = [
    pytest.mark.skipif(
        CHROMIUM is None,
        reason="THE DASHBOARD IS NOT TESTED IN A BROWSER: there is no Chromium (apt-get install chromium)",
    ),
    pytest.mark.xdist_group("browser"),
]
"""Marks of a module whose tests drive one."""
