"""``Worker``: one running worker per process, inside any application."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar

from tasker_core.errors import InvalidRequestError
from tasker_core.logging import set_level
from tasker_core.registry import HandlerRegistry
from tasker_core.settings import load_settings
from tasker_core.types import BootstrapConfig, BootstrapResult
from tasker_core.worker.service import Service

log = logging.getLogger("tasker.worker")


class Worker:
    """A worker of this process: it claims steps, runs their handlers, and reports. There is one at a time.

    >>> import tempfile
    >>> with Worker.start(database_url=f"sqlite:///{tempfile.mkdtemp()}/tasker.db") as worker:
    ...     worker.is_running
    True
    >>> worker.is_running
    False
    """

    _instance: ClassVar[Worker | None] = None
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self._service: Service | None = None
        self._result: BootstrapResult | None = None

    @classmethod
    def start(
        cls,
        handler_packages: Sequence[str] | None = None,
        config: BootstrapConfig | None = None,
        *,
        url: str | None = None,
        database_url: str | None = None,
        concurrency: int | None = None,
        shutdown_timeout: float | None = None,
        namespaces: Sequence[str] | None = None,
        weights: Mapping[str, float] | None = None,
        template_path: str | Path | None = None,
    ) -> Worker:
        """Start this process's worker, or return the one that runs already.

        What isn't given is taken from the settings: the environment, ``tasker.toml``, the defaults.

        Args:
            handler_packages: packages to import, with all their modules, for the handlers in them.
            config: ``worker_id`` names the worker, ``config_path`` a file of settings; ``log_level`` is the least that
                Tasker's loggers tell. ``namespace`` is accepted and says nothing: see ``namespaces``.
            url: the server to ask for steps, ``http://tasker.internal:8080`` say, with the credentials of a client;
                without it the store itself is asked. Such a worker has no ``context.transaction`` and no durable
                subscribers.
            database_url: the store; where nothing names one, ``sqlite:///tasker.db``.
            concurrency: how many handlers run at once; 10 where nothing says.
            shutdown_timeout: how many seconds a stop waits for what runs; 30 where nothing says.
            namespaces: serve only these; None serves every namespace whose handlers are here.
            weights: shares of namespaces where several wait, 1 where silent: ``{"shop": 3}`` gets three steps for each
                of another namespace, so that one with 100,000 waiting steps can't starve it.
            template_path: templates to register: a file, a directory or a pattern; where nothing names one,
                ``config/tasks`` if it exists.

        Raises:
            SettingsError: a setting is wrong; the message says which, where it stands and what would be right.
            TemplateError: a template of this machine is wrong; the message says which, where and what would be right.
            StoreError: the store can't be opened.
            ModuleNotFoundError: a handler package doesn't exist.
        """
        with cls._lock:
            running = cls._instance
            if running is not None and running.is_running:
                log.warning("a worker runs in this process already; it is returned, and what was asked for is ignored")
                return running
            if url and database_url:
                raise InvalidRequestError(
                    "give url (a server) or database_url (the store itself), not both", field="url"
                )
            own = {
                "url": url,
                "name": config.worker_id if config else None,
                "handlers": handler_packages,
                "concurrency": concurrency,
                "shutdown_timeout": shutdown_timeout,
                "namespaces": namespaces,
                "weights": weights,
                "template_path": None if template_path is None else [str(template_path)],
            }
            given = {"database": {"url": database_url}, "worker": own}
            settings = load_settings(given, config_path=config.config_path if config else None)
            if config is not None and "log_level" in config.model_fields_set:
                set_level(config.log_level)
            registry = HandlerRegistry.instance(skip_bootstrap=True)
            for package in settings.worker.handlers:
                discover(registry, package)
            worker = cls()
            worker._service = Service(settings, registry)
            worker._service.start()
            worker._result = BootstrapResult(
                success=True,
                handle_id=worker.worker_id,
                worker_id=worker.worker_id,
                status="started",
                message=f"worker {worker.worker_id} serves {len(worker._service.serving.lanes)} handlers",
            )
            cls._instance = worker
            return worker

    def stop(self) -> None:
        """Take nothing more, finish what runs (up to ``shutdown_timeout``), end. A second call does nothing."""
        service, self._service = self._service, None
        if service is not None:
            service.stop()
        with self._lock:
            if Worker._instance is self:
                Worker._instance = None

    @classmethod
    def instance(cls) -> Worker | None:
        """The running worker of this process, if there is one."""
        running = cls._instance
        return running if running is not None and running.is_running else None

    @classmethod
    def reset_instance(cls) -> None:
        """Stop the worker of this process, if there is one, and forget it."""
        running = cls._instance
        if running is not None:
            running.stop()
        cls._instance = None

    @property
    def service(self) -> Service:
        """The parts of the running worker. Raises RuntimeError before the start and after the stop."""
        if self._service is None:
            raise RuntimeError("Worker has not been started")
        return self._service

    @property
    def worker_id(self) -> str:
        """The worker's id in the store; "" when it doesn't run."""
        return self._service.worker_id if self._service else ""

    @property
    def is_running(self) -> bool:
        return self._service is not None and self._service.is_running

    @property
    def bootstrap_result(self) -> BootstrapResult:
        """How the start went. Raises RuntimeError before it."""
        if self._result is None:
            raise RuntimeError("Worker has not been started")
        return self._result

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def discover(registry: HandlerRegistry, package: str) -> int:
    """Import ``package`` with all its modules and register the handlers in it; how many.

    Raises what the import of the package raises: a worker without its handlers would claim nothing and say nothing.
    """
    import importlib

    importlib.import_module(package)
    count = registry.discover_handlers(package)
    failed = {module: error for module, error in registry.import_errors.items() if module.startswith(package)}
    for module, error in failed.items():
        raise ImportError(f"{module}, a module of the handler package {package}, can't be imported: {error}") from (
            error if isinstance(error, BaseException) else None
        )
    if count == 0:
        log.warning("package %s holds no handlers", package)
    return count
