"""The process that serves: it loads the user's files, waits to be told, then runs a server and a worker until SIGTERM.

``python -m tasker_core.dev.child OPTIONS SOCKET REPORTS ORDERS``: the options as text, then three file descriptors: the
listening socket, a pipe for what this process reports, and one with orders for it, whose end means that nobody needs
this process any more.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from typing import IO, Any

from tasker_core.dev.options import Options
from tasker_core.dev.trouble import told
from tasker_core.errors import TaskerError
from tasker_core.registry import HandlerRegistry
from tasker_core.settings import load_settings
from tasker_core.telemetry import logs
from tasker_core.telemetry.exporting import exported_spans
from tasker_core.template_files import read_templates
from tasker_core.worker import Worker
from tasker_core.worker.worker import discover

FAILED, STUCK = 1, 70
GRACE = 1.0
"""Seconds in which a connection that was accepted before another process took over may still send its request."""


class Child:
    """This process, from its start to its end."""

    def __init__(self, options: Options, listening: socket.socket, reports: IO[str], orders: IO[str]) -> None:
        self._options, self._listening, self._reports, self._orders = options, listening, reports, orders
        self._templates = 0
        self._is_replaced = False
        self._go, self._stop = threading.Event(), threading.Event()

    def run(self) -> int:
        signal.signal(signal.SIGTERM, lambda *_: self._stop.set())
        threading.Thread(target=self._listen, daemon=True).start()
        if troubles := self._load():
            self._report("failed", why="\n".join(troubles))
            return FAILED
        self._report("loaded")
        while not self._go.wait(0.05):
            if self._stop.is_set():
                return 0
        try:
            with exported_spans("tasker-dev"):
                return self._serve()
        except (TaskerError, OSError, ImportError) as error:
            self._report("failed", why=told(error))
            return FAILED

    def _listen(self) -> None:
        for order in self._orders:
            if order.strip() == "go":
                self._go.set()
            else:
                self._is_replaced = True
                self._stop.set()
        self._stop.set()

    def _load(self) -> list[str]:
        """Import the handlers and read the templates; what is wrong with them, all of it."""
        from tasker_core.server.auth.configured import access_of

        troubles: list[str] = []
        try:
            settings = load_settings(self._options.as_settings())
            access_of(settings)
        except TaskerError as error:
            return [str(error)]
        logs.configure(settings.logging.format, settings.logging.level)
        registry = HandlerRegistry.instance(skip_bootstrap=True)
        for package in settings.worker.handlers:
            try:
                discover(registry, package)
            except (Exception, SystemExit) as error:
                troubles.append(told(error))
        try:
            self._templates = len(read_templates(settings.worker.template_path))
        except TaskerError as error:
            troubles.append(str(error))
        return troubles

    def _serve(self) -> int:
        from tasker_core import dashboard
        from tasker_core.engine.open import close_engine, open_engine
        from tasker_core.server import create_app
        from tasker_core.server.auth.configured import access_of
        from tasker_core.server.serve import Server
        from tasker_core.settings.telling import without_password

        settings = load_settings(self._options.as_settings())
        engine, served = open_engine(settings.database.store_url, settings), threading.Event()
        server = Server(create_app(engine, settings, access_of(settings), dashboard.PAGES), self._listening, served.set)
        # Last of what can fail: from here on this process holds steps.
        worker = Worker.start(
            settings.worker.handlers,
            database_url=self._options.database_url,
            concurrency=self._options.concurrency,
            template_path=self._options.templates,
        )
        serving = threading.Thread(target=server.serve_until_stopped, name="tasker-dev-server")
        serving.start()
        while not served.wait(0.05) and serving.is_alive():
            pass
        lanes = worker.service.serving
        self._report(
            "serving",
            handlers=len(lanes.lanes),
            templates=self._templates,
            missing=lanes.missing,
            store=without_password(settings.database.url),
        )
        while not self._stop.wait(0.2) and worker.is_running and serving.is_alive():
            pass
        code = 0 if self._stop.is_set() else STUCK
        worker.service.drain()
        if self._is_replaced and serving.is_alive():
            server.stop_accepting()
            self._report("drained")
            time.sleep(GRACE)
        server.stop()
        worker.stop()
        serving.join()
        close_engine(engine)
        return code

    def _report(self, event: str, **more: Any) -> None:
        try:
            self._reports.write(json.dumps({"event": event, **more}) + "\n")
            self._reports.flush()
        except BrokenPipeError:
            self._stop.set()


def main() -> int:
    # Ctrl-C reaches every process of the terminal; what becomes of it is for the supervisor to say. It is blocked
    # from before this process began.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    text, *descriptors = sys.argv[1:]
    listening, reports, orders = map(int, descriptors)
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.insert(0, os.getcwd())
    child = Child(
        Options.from_text(text),
        socket.socket(fileno=listening),
        os.fdopen(reports, "w", encoding="utf-8"),
        os.fdopen(orders, encoding="utf-8"),
    )
    return child.run()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # A sync handler that never returns, or an import's own threads, can't keep this process.
    os._exit(code)
