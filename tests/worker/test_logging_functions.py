"""Log lines with fields, through Python's own logging."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

import tasker_core
from tasker_core import LogContext, log_debug, log_error, log_info, log_trace, log_warn
from tasker_core.logging import TRACE, log


@pytest.mark.parametrize(
    ("function", "level"),
    [
        (log_error, logging.ERROR),
        (log_warn, logging.WARNING),
        (log_info, logging.INFO),
        (log_debug, logging.DEBUG),
        (log_trace, TRACE),
    ],
)
def test_each_function_has_its_level(
    function: Callable[..., None], level: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(level, log.name):
        function("100 % done: %s", {"order": 7})
    with caplog.at_level(level + 1, log.name):
        function("not told")
    (record,) = caplog.records
    assert (record.levelno, record.getMessage(), record.__dict__["order"]) == (level, "100 % done: %s", 7)
    assert (record.name, record.filename, record.funcName) == (
        "tasker_core.app",
        "test_logging_functions.py",
        "test_each_function_has_its_level",
    )


def test_a_log_context_gives_its_set_fields(caplog: pytest.LogCaptureFixture) -> None:
    log_warn("slow", LogContext(task_uuid="t-1", duration_ms=12.5, gateway="west"))
    (record,) = caplog.records
    assert (record.__dict__["task_uuid"], record.__dict__["duration_ms"]) == ("t-1", 12.5)
    assert record.__dict__["gateway"] == "west" and "step_uuid" not in record.__dict__


def test_a_field_called_like_a_part_of_the_record_is_kept_under_another_name(caplog: pytest.LogCaptureFixture) -> None:
    log_error("odd", {"message": "mine", "name": "ann", "args": 1, "levelname": "x"})
    (record,) = caplog.records
    assert (record.getMessage(), record.name, record.levelname) == ("odd", "tasker_core.app", "ERROR")
    assert [record.__dict__[f"{key}_"] for key in ("message", "name", "args", "levelname")] == ["mine", "ann", 1, "x"]


def test_the_module_and_the_top_level_are_the_same() -> None:
    assert tasker_core.log_info is tasker_core.logging.log_info
