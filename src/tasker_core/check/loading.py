"""Importing the handlers of a project, so that what can't be imported is a finding and not the end."""

from __future__ import annotations

import importlib
import logging
import traceback
from collections.abc import Iterator, Sequence

from tasker_core.check.sources import shown
from tasker_core.registry import HandlerRegistry
from tasker_core.rules.findings import Finding, Place


def registry_of(packages: Sequence[str]) -> HandlerRegistry:
    """The handlers of these packages. Modules that can't be imported are left out; see ``import_findings``.

    Raises ModuleNotFoundError for a package that isn't there.
    """
    registry = HandlerRegistry()
    log = logging.getLogger("tasker_core.registry")
    before, log.disabled = log.disabled, True  # what it says is in the findings
    try:
        for package in packages:
            _find(package)
            registry.discover_handlers(package)
    finally:
        log.disabled = before
    return registry


def import_findings(registry: HandlerRegistry) -> Iterator[Finding]:
    """What kept modules from being imported, each at the line of the module that is to blame."""
    for module, error in registry.import_errors.items():
        place = _place(module, error)
        message = f"module {module} can't be imported, so its handlers are missing: {type(error).__name__}: {error}"
        yield Finding("error", "NOT_IMPORTED", message, place.file, place.line, "", code_place=place)


def _find(package: str) -> None:
    """Raise ModuleNotFoundError where there is no such package; what importing it raises comes later."""
    try:
        importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name is not None and (package == error.name or package.startswith(f"{error.name}.")):
            raise
    except Exception:
        return


def _place(module: str, error: BaseException) -> Place:
    if isinstance(error, SyntaxError) and error.filename is not None:
        return Place(shown(error.filename), error.lineno or 1)
    told = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_inside(frame.filename)]
    if told:
        return Place(shown(told[-1].filename), told[-1].lineno or 1)
    return Place(module, 1)


def _is_inside(file: str) -> bool:
    """Whether a file is Python's or Tasker's own."""
    return "importlib" in file or "/tasker_core/" in file.replace("\\", "/") or "site-packages" in file
