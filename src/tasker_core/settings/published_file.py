"""The ``worker.toml`` of the published system: the settings in it that mean something here, and the rest by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tasker_core.settings.layers import Layer, Origin, Path, Remark
from tasker_core.settings.toml_file import TomlFile

_MARKS = frozenset({"common", "orchestration"})
_WORKER_MARKS = frozenset(
    {
        "event_systems", "fallback_poller", "fallback_polling_interval_seconds", "grpc", "health_monitoring",
        "mpsc_channels", "orchestration_client", "web", "worker_id", "worker_type",
    }
)  # fmt: skip
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
MOST_NAMED = 12
_STALENESS = ("orchestration", "dlq", "staleness_detection")


class _WrongValue(ValueError):
    """What would be right, to follow "must be"."""


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _WrongValue("a number of milliseconds")
    return value / 1_000


def _hours(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _WrongValue("a number of hours")
    return round(value * 60)


def _as_is(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class _Taken:
    """The key ``leaf`` at any depth below ``table`` is what here stands at ``path``."""

    table: Path
    leaf: str
    path: Path
    convert: Callable[[Any], Any] = _as_is


TAKEN = (
    _Taken(("common", "task_templates"), "search_paths", ("worker", "template_path")),
    _Taken(("worker",), "supported_namespaces", ("worker", "namespaces")),
    _Taken(("worker", "mpsc_channels"), "max_concurrent_handlers", ("worker", "concurrency")),
    _Taken(("worker", "mpsc_channels"), "handler_timeout_ms", ("worker", "handler_timeout"), _seconds),
    _Taken(("worker", "orchestration_client"), "base_url", ("client", "url")),
    _Taken(("worker", "orchestration_client"), "timeout_ms", ("client", "timeout"), _seconds),
    _Taken(("worker", "orchestration_client"), "max_retries", ("client", "retries")),
    _Taken((*_STALENESS, "actions"), "auto_transition_to_error", ("dlq", "auto_transition_to_error")),
    _Taken((*_STALENESS, "actions"), "auto_move_to_dlq", ("dlq", "auto_move_to_dlq")),
    _Taken(
        (*_STALENESS, "thresholds"), "waiting_for_dependencies_minutes", ("dlq", "waiting_for_dependencies_minutes")
    ),
    _Taken((*_STALENESS, "thresholds"), "waiting_for_retry_minutes", ("dlq", "waiting_for_retry_minutes")),
    _Taken((*_STALENESS, "thresholds"), "steps_in_process_minutes", ("dlq", "steps_in_process_minutes")),
    _Taken((*_STALENESS, "thresholds"), "task_max_lifetime_hours", ("dlq", "max_duration_minutes"), _hours),
    _Taken(_STALENESS, "enabled", ("dlq", "staleness_detection")),
    _Taken(_STALENESS, "detection_interval_seconds", ("dlq", "detection_interval_seconds")),
    _Taken(_STALENESS, "batch_size", ("dlq", "batch_size")),
    _Taken(_STALENESS, "dry_run", ("dlq", "dry_run")),
    _Taken(("orchestration", "dlq"), "enabled", ("dlq", "enabled")),
)


def is_published(data: Mapping[str, Any]) -> bool:
    """Whether a file is of the published system, going by its tables."""
    worker = data.get("worker")
    return bool(_MARKS & data.keys()) or (isinstance(worker, Mapping) and bool(_WORKER_MARKS & worker.keys()))


def published_layer(file: TomlFile, environ: Mapping[str, str]) -> tuple[Layer, list[Remark]]:
    """The settings of ``file`` that mean something here, and remarks that name those that don't."""
    layer, remarks, ignored = Layer(), [], list[Path]()
    for path, value in _leaves(file.data, ()):
        taken = next((t for t in TAKEN if path[-1] == t.leaf and path[: len(t.table)] == t.table), None)
        if taken is None:
            ignored.append(path)
            continue
        origin = Origin("file", file.place(path), ".".join(path))
        try:
            said = taken.convert(_with_variables(value, environ))
        except _WrongValue as error:
            remarks.append(Remark("error", ".".join(taken.path), f"{origin} must be {error}, not {value!r}"))
            continue
        if said not in ("", []):
            layer.say(taken.path, said, origin)
    if ignored:
        remarks.append(Remark("info", "", f"{file.name}: these mean nothing here and are ignored: {_named(ignored)}"))
    return layer, remarks


def _leaves(data: Mapping[str, Any], below: Path) -> Iterator[tuple[Path, Any]]:
    for key, value in data.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*below, key))
        else:
            yield (*below, key), value


def _with_variables(value: Any, environ: Mapping[str, str]) -> Any:
    """``${NAME}`` and ``${NAME:-default}`` replaced, in a text or in the texts of a list."""
    if isinstance(value, list):
        return [_with_variables(part, environ) for part in value]
    if not isinstance(value, str):
        return value

    def put(match: re.Match[str]) -> str:
        name, default = match.groups()
        found = environ.get(name) or default
        if found is None:
            raise _WrongValue(f"there with the variable {name} set")
        return found

    return _VARIABLE.sub(put, value)


def _named(ignored: list[Path]) -> str:
    """Keys by name; where there are many, the tables that hold nothing else."""
    names = [".".join(path) for path in ignored]
    depth = max(map(len, ignored))
    while len(names) > MOST_NAMED and depth > 2:
        depth -= 1
        names = list(dict.fromkeys(".".join(path[:depth]) + (".*" if len(path) > depth else "") for path in ignored))
    return ", ".join(names)
