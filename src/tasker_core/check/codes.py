"""Every code that a check can find, as ``codes.toml`` beside this module has them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import NamedTuple

from tasker_core.rules.findings import Level


class Code(NamedTuple):
    """What there is to know of a code: its usual level, what it says, why it matters, how it is mended."""

    level: Level
    what: str
    why: str
    mend: str


def _read() -> Mapping[str, Code]:
    text = files("tasker_core.check").joinpath("codes.toml").read_text("utf-8")
    return {code: Code(*row) for code, row in tomllib.loads(text).items()}


CODES = _read()
