"""The handlers of this process, by name."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from typing import Any, ClassVar

from tasker_core.errors import HandlerNotFoundError, ResolutionError
from tasker_core.registry.class_lookup import handler_at
from tasker_core.registry.discovery import handler_class_of, handlers_in, modules_of
from tasker_core.registry.handler_definition import HandlerDefinition, HandlerSpec
from tasker_core.registry.importing import is_path
from tasker_core.registry.lookup import ResolvedHandler, look_up
from tasker_core.registry.resolver_chain import ResolverChain
from tasker_core.settings import load_settings
from tasker_core.step_handler import StepHandler
from tasker_core.template_discovery import HandlerDiscovery, TemplatePath

log = logging.getLogger("tasker_core.registry")

_TEST_MODULES = ("handlers", "step_handler", "workflow", "test")


class HandlerRegistry:
    """Names of handlers and what they stand for.

    >>> class Greet(StepHandler):
    ...     handler_name = "greet"
    ...
    ...     def call(self, context):
    ...         return self.success({"greeting": "hello"})
    >>> registry = HandlerRegistry()
    >>> registry.register("greet", Greet)
    >>> registry.resolve("greet")
    Greet(name='greet', version='1.0.0')
    >>> registry.lookup("great", allow_import=False)
    Traceback (most recent call last):
    ...
    tasker_core.errors.resolution.HandlerNotFoundError: no handler is registered as 'great'; did you mean 'greet'?
    """

    _instance: ClassVar[HandlerRegistry | None] = None
    _instance_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._chain = ResolverChain.default()
        self._classes: dict[str, type[StepHandler]] = {}
        self._resolved: dict[tuple[str, str | None, str | None, bool, int], ResolvedHandler] = {}
        self._bootstrapped = False
        self._changes = 0
        self.import_errors: dict[str, BaseException] = {}
        """Modules that discovery could not import, and why."""

    @classmethod
    def instance(cls, skip_bootstrap: bool = False) -> HandlerRegistry:
        """The registry of this process. The first call finds handlers through templates, unless told to skip that."""
        with cls._instance_lock:
            if cls._instance is None:
                cls._instance = cls()
            registry = cls._instance
        if not skip_bootstrap:
            registry.bootstrap_handlers()
        return registry

    @classmethod
    def reset_instance(cls) -> None:
        """Forget the registry of this process; the next :meth:`instance` is an empty one."""
        with cls._instance_lock:
            cls._instance = None

    # -- names

    def register(self, name: str, handler_class: type[StepHandler] | Callable[..., Any]) -> None:
        """Let ``name`` mean a handler class, or a decorated function. What it meant before is replaced, with a warning.

        Raises:
            ValueError: it is neither, or the class has no ``call`` of its own.
        """
        handler = handler_class_of(handler_class)
        if handler is None:
            raise ValueError(
                f"{handler_class!r} cannot be registered as {name!r}: a handler is a class derived from StepHandler "
                f"with a 'call' of its own, or a function decorated with @step_handler"
            )
        with self._lock:
            before = self._classes.get(name)
            if before is not None and before is not handler:
                log.warning("handler %r was %s and is replaced by %s", name, _place(before), _place(handler))
            self._classes[name] = handler
            self._chain.register(name, handler)
            self._forget_resolved()

    def unregister(self, name: str) -> bool:
        """Forget a name; False when it meant nothing."""
        with self._lock:
            known = self._classes.pop(name, None) is not None
            if self._chain.explicit_resolver is not None:
                self._chain.explicit_resolver.unregister(name)
            self._forget_resolved()
        return known

    def get_handler_class(self, name: str) -> type[StepHandler] | None:
        """The class registered under exactly this name, or None."""
        return self._classes.get(name)

    def is_registered(self, name: str) -> bool:
        """Whether something is registered under exactly this name."""
        return name in self._classes

    def list_handlers(self) -> list[str]:
        """All registered names, sorted."""
        return sorted(self._classes)

    def handler_count(self) -> int:
        """How many names are registered."""
        return len(self._classes)

    def clear(self) -> None:
        """Forget everything, resolvers of your own included."""
        with self._lock:
            self._classes.clear()
            self._chain = ResolverChain.default()
            self._forget_resolved()
            self.import_errors.clear()
            self._bootstrapped = False

    @property
    def resolver_chain(self) -> ResolverChain:
        """The resolvers that are asked; add your own to it."""
        return self._chain

    @property
    def revision(self) -> tuple[int, int]:
        """Another value after every change: a handler more or less, a resolver more or less."""
        return self._changes, self._chain.revision

    # -- from a step's definition to its handler

    def resolve(self, spec: HandlerSpec, *, allow_import: bool = True) -> Any | None:
        """A new handler, or None when none is found.

        Args:
            spec: a name, or a step's whole definition.
            allow_import: whether the path of a Python object may be imported.

        Raises:
            AmbiguousHandlerError: by convention the name means several registered ones.
            ResolverNotFoundError: the definition asks for a resolver that isn't there.
        """
        definition = HandlerDefinition.of(spec)
        try:
            return self.lookup(definition, allow_import=allow_import).make(definition.initialization)
        except HandlerNotFoundError as error:
            log.warning("%s", error)
            return None

    def lookup(self, spec: HandlerSpec, *, allow_import: bool) -> ResolvedHandler:
        """How to make the handler of a step; remembered per callable, method and resolver, so cheap to ask again.

        Args:
            spec: a name, or a step's whole definition.
            allow_import: whether the path of a Python object may be imported: only for a template that comes from a
                file of this worker's own.

        Raises:
            HandlerNotFoundError: nothing answers to the name; the message has the nearest registered ones.
            AmbiguousHandlerError: by convention the name means several registered ones.
            ResolverNotFoundError: the definition asks for a resolver that isn't there.
        """
        definition = HandlerDefinition.of(spec)
        key = (definition.callable, definition.handler_method, definition.resolver, allow_import, self._chain.revision)
        found = self._resolved.get(key)
        if found is None:
            with self._lock:
                found = look_up(definition, self._chain, allow_import, self.import_errors)
                self._resolved[key] = found
        return found

    # -- finding handlers

    def discover_handlers(self, package_name: str, base_class: type | None = None) -> int:
        """Import a package with all its submodules and register the handlers in them.

        Args:
            package_name: what to import, as ``shop.handlers``.
            base_class: take only handlers derived from it.

        Returns:
            How many handlers were found, one that appears in several modules counted in each. A module that can't be
            imported is logged and kept in :attr:`import_errors`.
        """
        count = 0
        for module in modules_of(package_name, self.import_errors):
            for name, handler in handlers_in(module, base_class):
                self.register(name, handler)
                count += 1
        return count

    def bootstrap_handlers(self) -> int:
        """Find handlers through the templates, once: those whose callable is the path of a class are imported.

        With ``TASKER_ENV=test`` modules that are loaded already are looked through first.

        Returns:
            How many were registered.
        """
        with self._lock:
            if self._bootstrapped:
                return 0
            self._bootstrapped = True
        count = self._from_loaded_modules() if load_settings().env == "test" else 0
        return count or self._from_templates()

    def template_discovery_info(self) -> dict[str, Any]:
        """Where templates are looked for, and the callables they name."""
        directory = TemplatePath.find_template_config_directory()
        files = TemplatePath.discover_template_files(directory)
        return {
            "template_path": None if directory is None else str(directory),
            "template_files": [str(file) for file in files],
            "handler_callables": HandlerDiscovery.discover_all_handlers(directory),
            "registered_handlers": self.list_handlers(),
            "environment": load_settings().env,
        }

    def _forget_resolved(self) -> None:
        self._resolved.clear()
        self._changes += 1

    def _from_loaded_modules(self) -> int:
        count = 0
        for module_name, module in list(sys.modules.items()):
            if module is not None and any(word in module_name for word in _TEST_MODULES):
                for name, handler in handlers_in(module):
                    self.register(name, handler)
                    count += 1
        return count

    def _from_templates(self) -> int:
        count = 0
        for callable in HandlerDiscovery.discover_all_handlers():
            if self.is_registered(callable) or not is_path(callable) or not callable.rpartition(".")[2][:1].isupper():
                continue
            try:
                self.register(callable, handler_at(callable))
            except (ResolutionError, ValueError) as error:
                log.warning("handler %r of a template is not available: %s", callable, error)
                continue
            count += 1
        return count


def _place(handler: type) -> str:
    return f"{handler.__module__}.{handler.__qualname__}"
