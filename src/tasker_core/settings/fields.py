"""The settings as a list: each with its name, its variables, its default, and what would be right for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, ByteSize, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from tasker_core.settings.kinds import Right
from tasker_core.settings.layers import Path
from tasker_core.settings.values import Settings

TABLES = ("server.auth.api_keys",)
"""Lists of tables: they stand in a file, and no variable sets them."""
WISHES = ("server.auth.jwt",)
"""Tables that say something even when they are empty: who writes this one means to let nobody in without a token."""


@dataclass(frozen=True)
class Setting:
    """One setting. ``path`` leads to it in a file, ``attributes`` in a ``Settings``."""

    path: Path
    attributes: Path
    field: FieldInfo

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def means(self) -> str:
        return self.field.description or ""

    @property
    def default(self) -> Any:
        return None if self.field.default is PydanticUndefined else self.field.default

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that set it, the one that wins first."""
        if self.name in TABLES:
            return ()
        extra = self.field.json_schema_extra
        named = extra.get("variables") if isinstance(extra, dict) else None
        if isinstance(named, list) and named:
            return tuple(str(name) for name in named)
        return ("_".join(("TASKER", *self.path)).upper(),)

    @property
    def is_secret(self) -> bool:
        return SecretStr in _types(self.field.annotation)

    @property
    def may_hold_secrets(self) -> bool:
        """Whether a part of the value mustn't be shown: a URL may hold a password, a key's table holds its hash."""
        return self.is_secret or self.field.repr is False or self.name in TABLES

    @property
    def right(self) -> str:
        """What would be right, to follow "must be"."""
        return what_is_right(self.field)

    def value(self, settings: BaseModel) -> Any:
        value: Any = settings
        for attribute in self.attributes:
            value = getattr(value, attribute)
            if value is None:
                return None
        return value


def _types(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


@cache
def all_settings() -> tuple[Setting, ...]:
    """Every setting, in the order in which they are documented; those of a list of tables are one."""
    return tuple(_settings(Settings, (), ()))


def _settings(model: type[BaseModel], path: Path, attributes: Path) -> Iterator[Setting]:
    for attribute, field in model.model_fields.items():
        below = (*path, field.alias or attribute), (*attributes, attribute)
        table = next((t for t in _types(field.annotation) if isinstance(t, type) and issubclass(t, BaseModel)), None)
        if table is None:
            yield Setting(*below, field)
        else:
            yield from _settings(table, *below)


def what_is_right(field: FieldInfo) -> str:
    """What would be right for a field, from its type and its bounds, to follow "must be"."""
    for words in field.metadata:
        if isinstance(words, Right):
            return words.words
    inner = next(t for t in _types(field.annotation) if t is not type(None))
    while get_origin(inner) is not Literal and hasattr(inner, "__metadata__"):
        for words in inner.__metadata__:
            if isinstance(words, Right):
                return words.words
        inner = inner.__origin__
    if get_origin(inner) is Literal:
        *others, last = get_args(inner)
        return f"{', '.join(map(str, others))} or {last}"
    if inner is bool:
        return "true or false"
    if inner is ByteSize:
        return f"a size of {_bound(field, annotated_types.Ge)} bytes at least, as a number or like 4MiB"
    if inner in (int, float):
        return f"a {'whole ' if inner is int else ''}number{_bounds(field)}"
    if any("^https?" in str(getattr(check, "pattern", "")) for check in field.metadata):
        return "an http or https URL"
    return "a text" if inner in (str, SecretStr) else "a list of tables"


def _bound(field: FieldInfo, kind: type[Any]) -> Any:
    for check in field.metadata:
        if isinstance(check, kind):
            return getattr(check, kind.__name__.lower())
    return None


def _bounds(field: FieldInfo) -> str:
    least, above, most = (
        _bound(field, annotated_types.Ge),
        _bound(field, annotated_types.Gt),
        _bound(field, annotated_types.Le),
    )
    if least is not None:
        return f" from {least:g} to {most:g}" if most is not None else f" of at least {least:g}"
    return f" above {above:g}" if above is not None else ""
