"""From arguments, the environment and the files to settings: the first that says something wins."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tasker_core.errors import SettingsError
from tasker_core.rules.findings import written
from tasker_core.settings.environment import environment_layer, misspelt_variables
from tasker_core.settings.fields import TABLES, Setting, all_settings
from tasker_core.settings.layers import Layer, Origin, Path, Place, Remark, leaves, who_says
from tasker_core.settings.own_file import own_layer
from tasker_core.settings.published_file import is_published, published_layer
from tasker_core.settings.sources import reading_from
from tasker_core.settings.toml_file import TomlFile, read_toml
from tasker_core.settings.values import Settings

OWN_NAME, PUBLISHED_NAME = "tasker.toml", "worker.toml"
LONGEST_SHOWN = 60
_TOLD = {"missing": "is missing", "extra_forbidden": "unknown key"}


@dataclass(frozen=True)
class Reading:
    """What was read. ``settings`` is None where a remark is an error."""

    settings: Settings | None
    layers: tuple[Layer, ...]
    files: tuple[str, ...]
    remarks: tuple[Remark, ...]

    @property
    def errors(self) -> tuple[Remark, ...]:
        return tuple(remark for remark in self.remarks if remark.level == "error")

    def origins(self, setting: Setting) -> Sequence[tuple[Origin, Any]]:
        """Every place that says something about a setting, with what it says; the first is the one that counts."""
        return [(layer.origins[path], layer.values[path]) for path, layer in who_says(self.layers, setting.path)]


def read_settings(
    arguments: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    directory: FilePath | None = None,
    config_path: str | None = None,
    strict: bool = False,
) -> Reading:
    """Read the settings of this process; what is wrong with them is among the remarks.

    Args:
        arguments: values that win over everything, as tables of a file: ``{"worker": {"concurrency": 4}}``. None says
            nothing.
        environ: the environment variables; this process's when None.
        directory: where ``tasker.toml`` and ``worker.toml`` are looked for; the working directory when None.
        config_path: the file to read, wherever it is; the one that TASKER_CONFIG_PATH names when None.
        strict: whether an unknown key of ``tasker.toml`` is an error.
    """
    environ = os.environ if environ is None else environ
    remarks: list[Remark] = []
    given = Layer()
    for path, value in leaves(arguments or {}, {setting.path for setting in all_settings()}):
        if value is not None:
            given.say(path, value, Origin("argument", path[-1] if path[0] in ("worker", "client") else "_".join(path)))
    layers = [given, environment_layer(environ)]
    remarks += misspelt_variables(environ)
    files = _files(environ, directory or FilePath(), config_path, remarks)
    for file in files:
        layer, noticed = published_layer(file, environ) if is_published(file.data) else own_layer(file, strict=strict)
        layers.append(layer)
        remarks += noticed
    settings, wrong = _validated(tuple(layers))
    remarks += wrong
    if any(remark.level == "error" for remark in remarks):
        settings = None
    return Reading(settings, tuple(layers), tuple(file.name for file in files), tuple(remarks))


def _files(
    environ: Mapping[str, str], directory: FilePath, config_path: str | None, remarks: list[Remark]
) -> list[TomlFile]:
    """The files to read, the one that wins first: ``tasker.toml``, then those of the published system."""
    own, published = list[TomlFile](), list[TomlFile]()

    def read(path: FilePath, *, is_named: bool = False) -> None:
        try:
            file = read_toml(path)
        except SettingsError as error:
            by = "config_path" if config_path else "TASKER_CONFIG_PATH"
            named = f"{by} names a file that can't be used: " if is_named else ""
            remarks.append(Remark("error", "", f"{named}{error}"))
            return
        if is_published(file.data):
            published.append(file)
        elif is_named or path.name == OWN_NAME:
            own.append(file)

    if named := config_path or environ.get("TASKER_CONFIG_PATH"):
        read(FilePath(named), is_named=True)
    if not own and (directory / OWN_NAME).is_file():
        read(directory / OWN_NAME)
    likely = [directory / PUBLISHED_NAME]
    if root := environ.get("TASKER_CONFIG_ROOT"):
        likely.insert(0, FilePath(root, "tasker", f"worker-{environ.get('TASKER_ENV') or 'development'}.toml"))
    for path in likely:
        if not published and path.is_file():
            read(path)
    return [*own, *published]


def _validated(layers: tuple[Layer, ...]) -> tuple[Settings | None, list[Remark]]:
    """The settings, or what is wrong with them. A bad value in a variable of other programs is passed over."""
    remarks: list[Remark] = []
    while True:
        try:
            with reading_from(layers):
                return Settings(), remarks
        except ValidationError as error:
            wrong, again = _explained(error, layers)
            if not again:
                return None, [*remarks, *wrong]
            remarks += [remark for remark in wrong if remark.level == "warning"]


def _explained(error: ValidationError, layers: tuple[Layer, ...]) -> tuple[list[Remark], bool]:
    """What pydantic says, with each value's place; and whether a value was passed over, so that another try is due."""
    remarks: dict[Remark, None] = {}
    passed_over: dict[Path, Layer] = {}
    for said in error.errors(include_url=False, include_context=False):
        place = said["loc"]
        path, layer = next(who_says(layers, place))
        setting = next(setting for setting in all_settings() if setting.path == path)
        sentence = _sentence(setting, layer, place, said)
        if layer.origins[path].is_ours:
            remarks[Remark("error", setting.name, sentence)] = None
        else:
            passed_over[path] = layer
            remarks[Remark("warning", setting.name, f"{sentence}; it is passed over")] = None
    for path, layer in passed_over.items():
        layer.forget(path)
    return list(remarks), bool(passed_over)


def _sentence(setting: Setting, layer: Layer, place: Place, said: ErrorDetails) -> str:
    """What is wrong with a value, and what would be right; of what may hold a secret the value isn't repeated."""
    if setting.name in TABLES and len(place) > len(setting.path):
        where = layer.locate(place) if layer.locate else str(layer.origins[setting.path])
        return f"{where}: {written(place)}: {_TOLD.get(said['type'], said['msg'])}"
    value = layer.values[setting.path]
    shown = "" if setting.may_hold_secrets else f", not {_shown(value)}"
    return f"{layer.origins[setting.path]} must be {setting.right}{shown}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."
