"""Handlers found by walking through a package."""

from __future__ import annotations

import importlib
import inspect
import logging
import pkgutil
from collections.abc import Iterator, MutableMapping
from types import ModuleType
from typing import Any

from tasker_core.step_handler import StepHandler

log = logging.getLogger("tasker_core.registry")


def modules_of(package_name: str, failed: MutableMapping[str, BaseException]) -> Iterator[ModuleType]:
    """The package and all its submodules, imported. One that can't be is logged, and noted in ``failed``.

    ``__main__`` is left alone: importing it may start the application.
    """
    module = _import(package_name, failed)
    if module is None:
        return
    yield module
    for info in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{package_name}."):
        if not info.name.endswith(".__main__"):
            yield from modules_of(info.name, failed)


def handlers_in(module: ModuleType, base_class: type | None = None) -> Iterator[tuple[str, type[StepHandler]]]:
    """The named handler classes in a module, and those made of decorated functions, with their names."""
    for thing in list(vars(module).values()):
        handler = handler_class_of(thing)
        if handler is not None and handler.handler_name and issubclass(handler, base_class or StepHandler):
            yield handler.handler_name, handler


def handler_class_of(thing: Any) -> type[StepHandler] | None:
    """The handler class that a thing is, or carries; None for anything else."""
    if not inspect.isclass(thing):
        thing = vars(thing).get("_handler_class") if hasattr(thing, "__dict__") else None
    if inspect.isclass(thing) and issubclass(thing, StepHandler) and not inspect.isabstract(thing):
        return thing
    return None


def _import(name: str, failed: MutableMapping[str, BaseException]) -> ModuleType | None:
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as error:
        log.error("handlers of %s are not available: %s: %s", name, type(error).__name__, error)
        failed[name] = error
        return None
    failed.pop(name, None)
    return module
