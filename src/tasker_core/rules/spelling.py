"""Guesses what was meant by a word that isn't known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like ``word``, if one is like it.

    >>> nearest("validate_crat", ["validate_cart", "process_payment"])
    'validate_cart'
    >>> nearest("refund", ["validate_cart"]) is None
    True
    """
    matches = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message: ``; did you mean 'validate_cart'?``, or nothing where no known word is near.

    >>> "no step 'validate_crat'" + did_you_mean("validate_crat", ["validate_cart"])
    "no step 'validate_crat'; did you mean 'validate_cart'?"
    """
    match = nearest(word, known)
    return f"; did you mean '{match}'?" if match else ""
