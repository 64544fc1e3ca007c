"""A layer: what one place says about settings, and where exactly it says it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Path: TypeAlias = tuple[str, ...]
Place: TypeAlias = tuple[str | int, ...]
Kind: TypeAlias = Literal["argument", "environment", "file"]
Level: TypeAlias = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Remark:
    """Something noticed while settings were read: a whole sentence that names its place."""

    level: Level
    setting: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.level}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value stands: in an argument or a variable, or at ``file:line`` under ``key``.

    ``is_ours`` is False for a variable that other programs read, too.
    """

    kind: Kind
    place: str
    key: str = ""
    is_ours: bool = True

    def __str__(self) -> str:
        return f"{self.place}: {self.key}" if self.key else self.place


@dataclass(slots=True)
class Layer:
    """What one place says: values by path, each with its origin. ``locate`` tells the line of a part of a value."""

    locate: Callable[[Place], str] | None = None
    values: dict[Path, Any] = field(default_factory=dict)
    origins: dict[Path, Origin] = field(default_factory=dict)

    def say(self, path: Path, value: Any, origin: Origin) -> None:
        self.values[path] = value
        self.origins[path] = origin

    def forget(self, path: Path) -> None:
        self.values.pop(path, None)
        self.origins.pop(path, None)

    def nested(self, but: Collection[Path] = ()) -> dict[str, Any]:
        """The values as tables within tables, those at ``but`` left out."""
        root: dict[str, Any] = {}
        for path, value in self.values.items():
            if path in but:
                continue
            table = root
            for part in path[:-1]:
                table = table.setdefault(part, {})
            table[path[-1]] = value
        return root


def who_says(layers: tuple[Layer, ...], place: Place) -> Iterator[tuple[Path, Layer]]:
    """The layers that say something about the setting at or around ``place``, the one that wins first."""
    for layer in layers:
        for length in range(len(place), 0, -1):
            path = tuple(map(str, place[:length]))
            if path in layer.origins:
                yield path, layer
                break


def leaves(data: Mapping[str, Any], known: Collection[Path], below: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The values of tables in tables: those at ``known`` paths whole, and what stands where no known path leads."""
    for key, value in data.items():
        path = (*below, key)
        if path not in known and isinstance(value, Mapping) and any(other[: len(path)] == path for other in known):
            yield from leaves(value, known, path)
        else:
            yield path, value
