"""Watching the files that a change of means: reload."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from watchfiles import Change, DefaultFilter, watch

from tasker_core.template_files import without_pattern

ENDINGS = (".py", ".yaml", ".yml")
NAMES = ("tasker.toml", "worker.toml")
QUIET_MS = 300
"""Changes within this time are one: an editor's, or those of a checkout of another branch."""


class Sources(DefaultFilter):
    """Python and YAML files, and files of settings; none of an environment or a cache."""

    ignore_dirs: Sequence[str] = (*DefaultFilter.ignore_dirs, "site-packages", "venv", ".ruff_cache")

    def __call__(self, change: Change, path: str) -> bool:
        return (path.endswith(ENDINGS) or Path(path).name in NAMES) and super().__call__(change, path)


class Watcher(threading.Thread):
    """Calls ``changed`` with the paths that did, from its own thread."""

    def __init__(self, directories: Collection[Path], changed: Callable[[list[Path]], None]) -> None:
        super().__init__(name="tasker-dev-watcher", daemon=True)
        self._directories, self._changed = directories, changed
        self._over, self._ready = threading.Event(), threading.Event()
        self.error: OSError | None = None

    def start(self) -> None:
        """Return when changes are seen, or can't be: then ``error`` says why."""
        super().start()
        self._ready.wait()

    def run(self) -> None:
        try:
            for changes in watch(
                *self._directories,
                watch_filter=Sources(),
                debounce=QUIET_MS,
                rust_timeout=200,
                yield_on_timeout=True,
                stop_event=self._over,
            ):
                self._ready.set()
                if changes:
                    self._changed(sorted({Path(path) for _, path in changes}))
        except OSError as error:
            self.error = error
        finally:
            self._ready.set()

    def stop(self) -> None:
        self._over.set()
        self.join(5.0)


def places(handlers: Iterable[str], templates: Iterable[str]) -> list[Path]:
    """The directories that handlers and templates are in, none of them inside another."""
    found = [Path.cwd()] + [path for package in handlers for path in _directories_of(package)]
    for template in templates:
        path = without_pattern(template).absolute()
        found.append(path if path.is_dir() else path.parent)
    kept = {path.resolve() for path in found if path.is_dir()}
    return sorted(path for path in kept if not any(other in kept for other in path.parents))


def _directories_of(package: str) -> list[Path]:
    """Where a package's files are, found without importing it."""
    try:
        spec = importlib.util.find_spec(package.partition(".")[0])
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations is not None:
        return [Path(place) for place in spec.submodule_search_locations]
    return [Path(spec.origin).parent] if spec.origin and Path(spec.origin).is_file() else []
