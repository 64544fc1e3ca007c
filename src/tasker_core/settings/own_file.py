"""``tasker.toml``: what it says, and which of its keys mean nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tasker_core.rules.spelling import did_you_mean
from tasker_core.settings.fields import WISHES, all_settings
from tasker_core.settings.layers import Layer, Origin, Path, Remark, leaves
from tasker_core.settings.toml_file import TomlFile


def own_layer(file: TomlFile, *, strict: bool) -> tuple[Layer, list[Remark]]:
    """The settings in ``file``, and remarks on keys that are unknown: warnings, with ``strict`` errors."""
    layer, remarks = Layer(file.place), list[Remark]()
    known = {setting.path for setting in all_settings()}
    for path, value in leaves(file.data, known):
        place = file.place(path)
        if path in known:
            layer.say(path, value, Origin("file", place, ".".join(path)))
        elif any(other[: len(path)] == path for other in known):
            sentence = f"{place}: {'.'.join(path)} must be a table, [{'.'.join(path)}]"
            remarks.append(Remark("error", ".".join(path), sentence))
        else:
            sentence = f"{place}: {_unknown(path, known)}"
            remarks.append(Remark("error" if strict else "warning", ".".join(path), sentence))
    for name in WISHES:
        path = tuple(name.split("."))
        if _at(file.data, path) == {}:
            layer.say(path, {}, Origin("file", file.place(path), name))
    return layer, remarks


def _at(data: Mapping[str, Any], path: Path) -> Any:
    found: Any = data
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _unknown(path: Path, known: Collection[Path]) -> str:
    *table, key = path
    beside = {other[len(table)] for other in known if other[: len(table)] == tuple(table)}
    where = f" in [{'.'.join(table)}]" if table else ""
    near = did_you_mean(key, beside)
    if not near:
        elsewhere = sorted(".".join(other) for other in known if other[-1] == key)
        near = f"; did you mean '{elsewhere[0]}'?" if elsewhere else ""
    return f"unknown key '{key}'{where}{near}"
