"""A case: one small script, read from its file and checked against the schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

HERE = Path(__file__).parent
CASES = HERE / "cases"


@dataclass(frozen=True)
class Case:
    """``script`` is the whole of the file."""

    name: str
    about: str
    needs: frozenset[str]
    play: tuple[dict[str, Any], ...]
    script: dict[str, Any]

    def __str__(self) -> str:
        return self.name


class Failed(Exception):
    """What was played isn't what the case asks for; the text says which move, and what came instead."""


@cache
def _schema() -> Any:
    return jsonschema_rs.validator_for(json.loads((HERE / "case.schema.json").read_text(encoding="utf-8")))


def read(file: Path) -> Case:
    """The case in ``file``; raises ValueError where it breaks the schema."""
    script = json.loads(file.read_text(encoding="utf-8"))
    broken = [f"{'.'.join(map(str, each.instance_path))}: {each.message}" for each in _schema().iter_errors(script)]
    if script.get("name") != file.stem:
        broken.append(f"name: must be that of the file, {file.stem!r}")
    if broken:
        raise ValueError(f"{file.name}: {'; '.join(broken)}")
    return Case(script["name"], script["about"], frozenset(script.get("needs", ())), tuple(script["play"]), script)


def cases(group: str, wanted: str = "", directory: Path = CASES) -> Iterator[Case]:
    """The cases of a group, ``server`` or ``worker``, whose names contain one of the ``wanted`` words."""
    words = wanted.split()
    for file in sorted(directory.glob(f"{group}-*.json")):
        if not words or any(word in file.stem for word in words):
            yield read(file)
