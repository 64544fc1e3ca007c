"""Kinds of values that settings have: each reads what stands in a TOML file, and what stands in a variable."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field, PlainValidator

from tasker_core.settings.ages import UNITS, age
from tasker_core.words import Micros

LogLevel: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
_OTHER_LEVELS = {"TRACE": "DEBUG", "WARN": "WARNING", "FATAL": "CRITICAL"}


@dataclass(frozen=True, slots=True)
class Right:
    """What would be right for a setting, in words, where its type doesn't tell."""

    words: str


@dataclass(frozen=True, slots=True)
class Age:
    """A length of time as people write it, ``90d``, with its microseconds."""

    text: str
    micros: Micros

    def __str__(self) -> str:
        return self.text


def _no_truth(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("true and false are no numbers")
    return value


def _listed(value: object) -> object:
    """``a, b`` is a list, as is a JSON list; a single text in a file is one entry."""
    if not isinstance(value, str):
        return value
    return json.loads(value) if value.lstrip().startswith("[") else [part.strip() for part in value.split(",") if part]


def _shared(value: object) -> object:
    """``shop=3, billing=1`` is a mapping."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("{"):
        return json.loads(value)
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    return {name.strip(): share.strip() for name, _, share in pairs}


def _aged(value: object) -> Age:
    if isinstance(value, Age):
        return value
    if not isinstance(value, str):
        raise ValueError(f"a length of time is a text like '90d', which ends in one of {', '.join(UNITS)}")
    return Age(value, age(value, "the length of time"))


def _levelled(value: object) -> object:
    return _OTHER_LEVELS.get(value.upper(), value.upper()) if isinstance(value, str) else value


def _in_lower_case(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _recorded(value: object) -> object:
    return "warn" if value == "record" else value


def _paths(value: object) -> object:
    return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value


Number = BeforeValidator(_no_truth)
Whole: TypeAlias = Annotated[int, Number]
Seconds: TypeAlias = Annotated[float, Number, Field(allow_inf_nan=False)]
Texts: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_listed), Right("a list of texts")]
Shares: TypeAlias = Annotated[
    Mapping[str, Annotated[float, Number, Field(gt=0, allow_inf_nan=False)]],
    BeforeValidator(_shared),
    Right("a number above 0 for each namespace"),
]
KeptFor: TypeAlias = Annotated[Age, PlainValidator(_aged), Right("a length of time like 90d, 12h, 30m or 2w")]
Level: TypeAlias = Annotated[LogLevel, BeforeValidator(_levelled)]
Format: TypeAlias = Annotated[Literal["text", "json"], BeforeValidator(_in_lower_case)]
Paths: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_paths), Right("files, directories or patterns")]
Strictness: TypeAlias = Annotated[Literal["warn", "enforce"], BeforeValidator(_recorded)]
