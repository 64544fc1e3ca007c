"""The limits that a step of a template sets to its handler."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from tasker_core.rules.context_field import read_path
from tasker_core.rules.limits import LARGEST, read_rate
from tasker_core.rules.template_blocks import Block, words


def bare_limit(value: Any) -> Any:
    """``concurrency: 5`` is short for ``concurrency: {limit: 5}``."""
    return {"limit": value} if isinstance(value, int) and not isinstance(value, bool) else value


def checked_rate(text: str) -> str:
    """A rate that can be read, as it was written."""
    try:
        read_rate(text)
    except ValueError as error:
        raise words("BAD_VALUE", str(error)) from None
    return text


def _path(text: str) -> str:
    try:
        read_path(text)
    except ValueError as error:
        raise words("BAD_VALUE", str(error)) from None
    return text


class Concurrency(Block):
    """How many steps of a handler may run at once: ``limit`` in all, ``per_key`` of those whose tasks have the same
    value at ``key`` in their contexts."""

    limit: int | None = Field(None, ge=1, le=LARGEST)
    per_key: int | None = Field(None, ge=1, le=LARGEST)
    key: Annotated[str, AfterValidator(_path)] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Concurrency:
        if self.per_key is not None and self.key is None:
            raise words("BAD_VALUE", "has 'per_key' and no 'key': name a value of the context, like key: customer.id")
        if self.limit is None and self.key is None:
            raise words("BAD_VALUE", "limits nothing: give a number, or a 'limit', or a 'key' of the context")
        return self

    @property
    def most_per_key(self) -> int | None:
        """A key alone means one at a time."""
        return self.per_key or (1 if self.key is not None else None)
