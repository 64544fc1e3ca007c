"""Results as JSON: one file for each run of the suite, under ``bench/results``."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.rows import Result
from tasker_core import __version__

RESULTS = Path(__file__).resolve().parent / "results"


def machine() -> dict[str, Any]:
    """What it was measured on."""
    cpus = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = next((line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "0")
    return {
        "tasker": __version__,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": os.cpu_count(),
        "cpu": cpus[0] if cpus else "unknown",
        "memory GiB": round(int(memory) / 2**20, 1),
    }


def keep(results: Sequence[Result], settings: Mapping[str, str], versions: Mapping[str, str], began: datetime) -> Path:
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{began:%Y%m%dT%H%M%S}.json"
    rows = [
        {
            "system": r.row.system, "database": r.row.database, "workload": r.row.workload, "workers": r.row.workers,
            "tasks": r.row.size, "submitted": r.row.submitted, "note": r.row.note, "runs": r.runs,
            "failures": r.failures,
        }
        for r in results
    ]  # fmt: skip
    whole = {
        "began": f"{began:%Y-%m-%dT%H:%M:%SZ}", "took s": round((datetime.now(UTC) - began).total_seconds()),
        "machine": machine(), "postgresql": dict(settings), "peers": dict(versions), "rows": rows,
    }  # fmt: skip
    file.write_text(json.dumps(whole, indent=1))
    return file


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
