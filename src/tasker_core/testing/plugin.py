"""The pytest plugin: the fixture ``tasker``, and ``--crash-everywhere``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import runtestprotocol

if TYPE_CHECKING:
    from tasker_core.testing import Crash, Rehearsal
    from tasker_core.testing.crashes import End

OPTION = "--crash-everywhere"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tasker")
    group.addoption(
        OPTION,
        action="store_true",
        help="play each test that uses the fixture 'tasker' once more for every commit of its worker, with the worker "
        "dying before it and after it: the test must pass all the same, and its tasks must end the same",
    )
    parser.addini("tasker_templates", "templates of the fixture 'tasker': files, directories", type="paths")
    parser.addini("tasker_handlers", "handler packages of the fixture 'tasker'", type="args")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption(OPTION):
        config.pluginmanager.register(_Crashes(), "tasker-crashes")


@pytest.fixture
def tasker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rehearsal]:
    """A rehearsal of this project's templates and handlers: those that pytest's settings name (``tasker_templates``,
    ``tasker_handlers``), else those of Tasker's own settings. TASKER_DATABASE_URL is its store meanwhile."""
    from tasker_core.settings import load_settings
    from tasker_core.template_files import template_files
    from tasker_core.testing import Rehearsal

    worker = load_settings().worker
    templates: list[Any] = request.config.getini("tasker_templates")
    if not templates:
        templates = [file for path in worker.template_path for file in template_files(path)]
    handlers = request.config.getini("tasker_handlers") or worker.handlers
    crashes: _Crashes | None = request.config.pluginmanager.get_plugin("tasker-crashes")
    with Rehearsal(templates, handlers, crash=crashes.crash if crashes else None) as rehearsal:
        monkeypatch.setenv("TASKER_DATABASE_URL", rehearsal.database_url)
        monkeypatch.delenv("TASKER_URL", raising=False)
        if crashes is not None:
            crashes.rehearsal = rehearsal
        yield rehearsal


class _Crashes:
    """Plays a test over and over: twice in peace, to learn its commits and what differs anyway, then with each crash.

    What is reported of the test is the first play that failed, else the last.
    """

    def __init__(self) -> None:
        self.crash: Crash | None = None
        self.rehearsal: Rehearsal | None = None
        self._calm: list[list[End]] = []
        self._commits = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        if "tasker" not in getattr(item, "fixturenames", ()):
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in self._play(item, nextitem):
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        try:
            yield
        finally:
            rehearsal, self.rehearsal = self.rehearsal, None
        if rehearsal is not None:
            self._compare(rehearsal)

    def _play(self, item: pytest.Item, nextitem: pytest.Item | None) -> list[pytest.TestReport]:
        from tasker_core.testing.crashes import everywhere

        self._calm, self._commits = [], 0
        reports = self._once(item, nextitem, None)
        if _passed(reports):
            reports = self._once(item, nextitem, None)
        if not _passed(reports):
            return reports
        for crash in everywhere(self._commits):
            reports = self._once(item, nextitem, crash)
            if not _passed(reports):
                for report in reports:
                    report.sections.append(("tasker", f"with {crash} of {self._commits}; without one the test passes"))
                break
        return reports

    def _once(self, item: pytest.Item, nextitem: pytest.Item | None, crash: Crash | None) -> list[pytest.TestReport]:
        self.crash, self.rehearsal = crash, None
        if self._calm and isinstance(item, pytest.Function):
            # As at its first play: no fixture's value is left from the one before.
            item._initrequest()
        return runtestprotocol(item, nextitem=nextitem, log=False)

    def _compare(self, rehearsal: Rehearsal) -> None:
        from tasker_core.testing.crashes import differences

        __tracebackhide__ = True
        if self.crash is None:
            self._calm.append(rehearsal.ends)
            self._commits = max(self._commits, rehearsal.commits)
            return
        told = differences(self._calm[0], rehearsal.ends, self._calm[1])
        if told:
            raise AssertionError(f"{self.crash} changed how the test's tasks end:\n  " + "\n  ".join(told))


def _passed(reports: list[pytest.TestReport]) -> bool:
    return all(report.passed for report in reports)
