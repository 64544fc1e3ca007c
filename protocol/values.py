"""Values of a case: references to what was kept, and short words for what would be long to write out."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

WHOLE = re.compile(r"\$([a-z_][\w]*(?:\.[\w-]+)*)")
INSIDE = re.compile(r"\$\{([a-z_][\w]*(?:\.[\w-]+)*)\}")


class CaseError(Exception):
    """The case itself is wrong: it names what isn't there."""


class Uuids(dict[str, str]):
    """``$uuid.a``: a UUID for each name, made when it is first asked for."""

    def __missing__(self, name: str) -> str:
        self[name] = str(uuid.uuid4())
        return self[name]


class Names(dict[str, Any]):
    """What the moves of a case have kept, by name."""

    def __init__(self, **names: Any) -> None:
        super().__init__(uuid=Uuids(), **names)

    def look_up(self, path: str) -> Any:
        value: Any = self
        for part in path.split("."):
            try:
                value = value[int(part)] if isinstance(value, list) else value[part]
            except (KeyError, IndexError, ValueError, TypeError):
                there = ", ".join(map(str, value)) if isinstance(value, Mapping) else repr(value)[:200]
                raise CaseError(f"${path}: there is no {part!r} (there is: {there})") from None
        return value

    def fill(self, value: Any) -> Any:
        """``value`` with each reference replaced: ``$a.b`` by what that is, ``${a.b}`` inside a text by its text."""
        if isinstance(value, str):
            if whole := WHOLE.fullmatch(value):
                return self.look_up(whole[1])
            return INSIDE.sub(lambda found: str(self.look_up(found[1])), value)
        if isinstance(value, list):
            return [self.fill(each) for each in value]
        if isinstance(value, Mapping):
            filled = {key: self.fill(each) for key, each in value.items()}
            made = _made(filled)
            return filled if made is None else made
        return value


def _made(value: Mapping[str, Any]) -> Any:
    """What ``{"$text": "x", "times": 3}``, ``{"$list": 0, "times": 3}`` and ``{"$nested": 3}`` stand for."""
    match value:
        case {"$text": str(text), "times": int(times)}:
            return text * times
        case {"$list": each, "times": int(times)}:
            return [each] * times
        case {"$nested": int(depth)}:
            nested: Any = "deep"
            for level in range(depth):
                nested = [nested] if level % 2 else {"in": nested}
            return nested
    return None
