"""Settings cost nothing before somebody asks for them."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"pydantic_settings", "fastapi", "watchfiles"}
LOADED = f"import sys, tasker_core; print(sorted({HEAVY!r} & set(sys.modules)))"


def test_importing_tasker_loads_nothing_that_only_settings_or_servers_need() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
