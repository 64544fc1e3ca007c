"""One template for handlers in any language: the names that mean the same by convention."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_QUALIFIED = re.compile(r"([A-Za-z_]\w*(::|\.))*[A-Z]\w*")


def snake(word: str) -> str:
    """A word in snake case.

    >>> snake("ValidateCart"), snake("APIClient"), snake("already_snake")
    ('validate_cart', 'api_client', 'already_snake')
    """
    return _WORD_START.sub("_", word).lower()


def registered_form(callable: str) -> str | None:
    """The registered name that a class's name stands for, or None for what isn't a class's name.

    >>> registered_form("Ecommerce::StepHandlers::ValidateCartHandler")
    'ecommerce_validate_cart'
    >>> registered_form("Ecommerce.StepHandlers.ValidateCartHandler")
    'ecommerce_validate_cart'
    >>> registered_form("validate_cart") is None
    True
    """
    if not _QUALIFIED.fullmatch(callable):
        return None
    words = [snake(part) for part in re.split(r"::|\.", callable)]
    return "_".join([*(word for word in words[:-1] if word != "step_handlers"), _without_suffix(words[-1])])


def same_by_convention(callable: str, registered: Iterable[str]) -> list[str]:
    """The registered names that a class's name stands for, whatever way they spell it.

    >>> same_by_convention("Shop::OAuth2TokenHandler", ["shop_oauth2_token", "shop_token"])
    ['shop_oauth2_token']
    """
    meant = registered_form(callable)
    if meant is None:
        return []
    return sorted(
        name for name in registered if _letters(registered_form(name) or _without_suffix(name)) == _letters(meant)
    )


def _without_suffix(name: str) -> str:
    return name.removesuffix("_handler") or name


def _letters(name: str) -> str:
    return name.replace("_", "").lower()
