"""Handlers by the path of a Python object: ``app.handlers:validate_cart`` or ``app.handlers.ValidateCart``."""

from __future__ import annotations

import importlib
import re
from types import ModuleType
from typing import Any

from tasker_core.errors import ResolutionError

_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_COLON = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


class NotThere(ResolutionError):
    """There is no such module, or no such thing in it."""


class CannotImport(ResolutionError):
    """The module is there, and importing it fails."""


def is_path(callable: str) -> bool:
    """Whether a name could be the path of a Python object.

    >>> is_path("app.handlers.ValidateCart"), is_path("app:validate"), is_path("validate"), is_path("App::Validate")
    (True, True, False, False)
    """
    return bool(_DOTTED.fullmatch(callable) or _COLON.fullmatch(callable))


def imported(path: str) -> Any:
    """The object at ``path``.

    Raises:
        NotThere: no such module, or no such thing in it.
        CannotImport: importing the module fails; the cause is chained.
    """
    module_path, colon, attributes = path.partition(":")
    if colon:
        return _attribute(_module(module_path), attributes)
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            module = _module(".".join(parts[:cut]))
        except NotThere:
            if cut == 1:
                raise
            continue
        return _attribute(module, ".".join(parts[cut:]))
    raise NotThere(f"{path!r} is no path of a Python object")


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise NotThere(f"there is no module {error.name!r}") from error
        raise CannotImport(f"importing {name!r} fails: {error}") from error
    except Exception as error:
        raise CannotImport(f"importing {name!r} fails: {type(error).__name__}: {error}") from error


def _attribute(module: ModuleType, path: str) -> Any:
    found: Any = module
    for name in path.split("."):
        if not hasattr(found, name):
            raise NotThere(f"{getattr(found, '__name__', found)!r} has no {name!r}")
        found = getattr(found, name)
    return found
