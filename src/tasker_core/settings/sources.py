"""The way into pydantic-settings: the layers of one reading, the one that wins first."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from tasker_core.settings.layers import Layer, Path

_layers: ContextVar[tuple[Layer, ...]] = ContextVar("layers", default=())


class LayerSource(PydanticBaseSettingsSource):
    """What a layer says, as pydantic-settings asks for it; settings in ``but`` left out."""

    def __init__(self, settings_cls: type[BaseSettings], layer: Layer, but: Collection[Path]) -> None:
        super().__init__(settings_cls)
        self._nested = layer.nested(but)

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        return self._nested.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._nested


def sources_of_this_reading(settings_cls: type[BaseSettings]) -> tuple[LayerSource, ...]:
    """A setting is in one source only, the first that has it: pydantic-settings would merge two mappings into one."""
    sources: list[LayerSource] = []
    said: set[Path] = set()
    for layer in _layers.get():
        sources.append(LayerSource(settings_cls, layer, said))
        said |= layer.values.keys()
    return tuple(sources)


@contextmanager
def reading_from(layers: tuple[Layer, ...]) -> Iterator[None]:
    """Within the block, settings are made from ``layers``."""
    token = _layers.set(layers)
    try:
        yield
    finally:
        _layers.reset(token)
