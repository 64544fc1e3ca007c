"""What a callable takes."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any


def signature_of(fn: Callable[..., Any]) -> inspect.Signature:
    """The signature of ``fn``; annotations that name what is imported for type checkers only don't matter.

    Raises:
        ValueError: there is none to be had, as of some built-in types.
    """
    if sys.version_info >= (3, 14):  # there, annotations are evaluated when they are asked for
        from annotationlib import Format

        return inspect.signature(fn, annotation_format=Format.FORWARDREF)
    return inspect.signature(fn)
