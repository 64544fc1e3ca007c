"""Log lines of real processes, as JSON and as text."""

from __future__ import annotations

import io
import json
import logging
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tasker_core import InvalidRequestError
from tasker_core.telemetry import logs
from tests.support.workshop import Background, Workshop, flow, tasker

TALKERS = "tests.support.workshop.talkers"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What loggers below ``shop`` and ``tasker`` write as JSON."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonFormatter())
    loggers = [logging.getLogger(name) for name in ("shop", "tasker")]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel("DEBUG")
    yield stream
    for logger in loggers:
        logger.removeHandler(handler)
        logger.setLevel("NOTSET")


def read(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_the_lines_of_a_worker_process_carry_their_attempts_ids(workshop: Workshop) -> None:
    workshop.template({"say": [], "say_async": ["say"], "stumble": []})
    arguments = ["worker", "--handlers", TALKERS, "--log-format", "json"]
    log, more = workshop.directory / "log", {"LOG_LEVEL": "INFO"}
    with Background(*arguments, log=log, url=workshop.url, cwd=workshop.directory, **more) as worker:
        worker.await_line("serves")
        task = workshop.create(context={"secret": "x"})
        assert workshop.finish(task).status == "complete"
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0
    told = [json.loads(line) for line in worker.output().splitlines() if line.startswith("{")]
    by_message = {line["message"]: line for line in told}
    steps, correlation = workshop.steps(task), workshop.client.get_task(task).correlation_id
    expected = {
        "the gateway answered": "say",
        "said from a coroutine": "say_async",
        "said from its thread": "say_async",
        "attempt 1 of 3 of step stumble failed: retryable_error": "stumble",
    }
    for message, step in expected.items():
        line = by_message[message]
        assert line["task_uuid"] == task and line["correlation_id"] == correlation
        assert (line["step"], line["step_uuid"]) == (step, steps[step].step_uuid)
        assert (line["attempt"], line["namespace"], line["handler"], line["level"]) == (1, "shop", step, "INFO")
    assert by_message["the gateway answered"]["gateway_status"] == 200
    assert by_message["the gateway answered"]["logger"] == "shop.talkers"
    assert all(set(line) >= {"timestamp", "level", "logger", "message"} for line in told)


def test_a_line_outside_of_any_attempt_has_no_ids(workshop: Workshop, lines: io.StringIO) -> None:
    @workshop.handler("pay")
    def pay() -> None:
        logging.getLogger("shop").info("inside")

    workshop.template({"pay": []})
    workshop.start(concurrency=1)
    assert workshop.run().status == "complete"
    logging.getLogger("shop").info("outside")
    inside, outside = (line for line in read(lines) if line["message"] in ("inside", "outside"))
    assert "task_uuid" in inside and "task_uuid" not in outside


def test_text_lines_end_with_the_ids(workshop: Workshop) -> None:
    template = workshop.directory / "flow.json"
    template.write_text(json.dumps(flow({"say": []})))
    done = tasker(
        "run", template, "--handlers", TALKERS, "--input", '{"secret": "x"}',
        url=workshop.url, cwd=workshop.directory, LOG_LEVEL="INFO",
    )  # fmt: skip
    assert done.code == 0, done.err
    (line,) = (line for line in done.err.splitlines() if "the gateway answered" in line)
    assert " INFO shop.talkers: the gateway answered task_uuid=" in line
    assert " step=say attempt=1 correlation_id=" in line and line.endswith(" handler=say gateway_status=200")


def raised(message: str) -> BaseException:
    try:
        try:
            raise KeyError(message)
        except KeyError as error:
            raise RuntimeError(message) from error
    except RuntimeError as error:
        return error


def test_an_applications_exception_is_told_in_full_and_ours_without_its_words(lines: io.StringIO) -> None:
    for name in ("shop", "tasker.worker"):
        logging.getLogger(name).error("it failed", exc_info=raised("the card 4111"))
    theirs, ours = (line["exception"] for line in read(lines))
    assert "RuntimeError: the card 4111" in theirs and "KeyError: 'the card 4111'" in theirs
    assert "4111" not in ours
    assert "builtins.KeyError" in ours and ours.splitlines()[-1] == "builtins.RuntimeError"
    assert "in raised" in ours, "where it happened is told"


def test_a_line_tells_anything_that_it_is_given(lines: io.StringIO) -> None:
    given = {"when": object(), "level": "mine", "names": {1, 2}, "text": "über\n\x00"}
    logging.getLogger("shop").info("so %s", "it is", extra=given)
    (line,) = read(lines)
    assert line["message"] == "so it is" and line["level"] == "INFO" and line["text"] == "über\n\x00"
    assert len(lines.getvalue().splitlines()) == 1


def test_an_unknown_format_is_refused(workshop: Workshop) -> None:
    by_variable = tasker("task", "list", url=workshop.url, cwd=workshop.directory, TASKER_LOG_FORMAT="xml")
    by_option = tasker("worker", "--log-format", "xml", url=workshop.url, cwd=workshop.directory)
    assert (by_variable.code, by_option.code) == (2, 2)
    assert "TASKER_LOG_FORMAT must be text or json, not 'xml'" in by_variable.err
    assert "the log format must be text or json, not 'xml'" in by_option.err


def test_configuring_twice_writes_each_line_once() -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        first, second = io.StringIO(), io.StringIO()
        logs.configure("text", "INFO", first)
        logs.configure("json", "INFO", second)
        logging.getLogger("shop").info("once")
        assert first.getvalue() == "" and len(second.getvalue().splitlines()) == 1
        with pytest.raises(InvalidRequestError):
            logs.configure("xml")
    finally:
        root.handlers, root.level = before, level
