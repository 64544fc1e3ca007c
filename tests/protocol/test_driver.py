"""The driver finds what is wrong: a worker or a server with one fault fails the case that is about it."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from protocol.__main__ import main
from protocol.as_worker import Server
from protocol.case import CASES, Case, read
from protocol.playing import Result, play_against_server, play_against_worker
from tests.protocol import faulty_server as faults
from tests.protocol.faulty_server import bent
from tests.support.served import served

FAULTY = Path(__file__).with_name("faulty_worker.py")


WORKERS = {
    "ReportsTwice": "worker-echoes",
    "ForgetsItsRequest": "worker-lost-claim-answer",
    "RunsAgain": "worker-lost-report-answer",
    "IsImpatient": "worker-retry-after-of-reports",
    "GivesUp": "worker-failing-server",
    "IsDeaf": "worker-heartbeat-lost",
    "NamesNothing": "worker-lost-heartbeats",
    "LeavesSilently": "worker-ends",
    "BecomesAnother": "worker-given-up-while-it-waits",
    "NeverGivesIn": "worker-late",
    "HasNoWatch": "worker-timeout",
    "HopesOn": "worker-permanent",
    "ReadsDoubles": "worker-integers",
    "KnowsItAll": "worker-unknown-words",
    "EndsAtOnce": "worker-ends-after-what-runs",
}
SERVERS: dict[str, dict[str, Any]] = {
    "server-other-report": {"answer": faults.accepts_the_late},
    "server-replays": {"answer": faults.knows_no_replay},
    "server-lost-claim-answer": {"request": faults.forgets_requests},
    "server-integers": {"answer": faults.loses_digits},
    "server-fails-and-retries": {"answer": faults.stands_still},
    "server-batch-order": {"answer": faults.shuffles},
    "server-unknown-fields": {"request": faults.is_strict},
    "server-unnamed-leases": {"request": faults.keeps_everything, "answer": faults.remembers_leases},
    "server-cancel": {"answer": faults.is_silent_about_cancelling},
    "server-claims-wait": {"request": faults.polls_shortly},
    "server-wrong-token": {"answer": faults.takes_any_token},
    "server-bad-registrations": {"answer": faults.has_no_fields},
}
PATIENCE_MS = 1500


def test_each_faulty_worker_fails() -> None:
    def play(fault: str) -> Result:
        command = [sys.executable, str(FAULTY), fault]
        (result,) = play_against_worker(command, [case_of(WORKERS[fault])], 1, PATIENCE_MS)
        return result

    with ThreadPoolExecutor(5) as threads:
        results = dict(zip(WORKERS, threads.map(play, WORKERS), strict=True))
    assert not [fault for fault, result in results.items() if result.outcome != "failed"]
    assert not [result.why for result in results.values() if not result.why.startswith(("move", "lease"))]


def test_each_faulty_server_fails(sqlite_url: str) -> None:
    def play(case: str) -> tuple[Result, Result]:
        with bent(real.url) as right, bent(real.url, **SERVERS[case]) as faulty:
            results = [
                each
                for url in (right, faulty)
                for each in play_against_server(Server(url, patience_ms=PATIENCE_MS), [case_of(case)])
            ]
        return results[0], results[1]

    with served(sqlite_url) as real, ThreadPoolExecutor(5) as threads:
        results = dict(zip(SERVERS, threads.map(play, SERVERS), strict=True))
    assert not [f"{right.case}: {right.why}" for right, _ in results.values() if right.outcome != "passed"]
    assert not [case for case, (_, faulty) in results.items() if faulty.outcome != "failed"]
    assert not [faulty.why for _, faulty in results.values() if not faulty.why.startswith("move")]


def case_of(name: str) -> Case:
    return read(CASES / f"{name}.json")


def test_a_case_that_breaks_the_schema_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "worker-x.json"
    file.write_text('{"name": "worker-x", "about": "It does.", "play": [{"gvie": ["a"]}]}')
    with pytest.raises(ValueError, match=r"worker-x\.json: play\.0"):
        read(file)


def test_the_command_tells_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worker", "-k", "worker-echoes", "--", sys.executable, str(FAULTY), "ReportsTwice"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("failed  worker-echoes (")
    assert "must not come" in told[2]
    assert told[-1] == "0 passed, 1 failed, 0 skipped"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["worker"], "name the command that starts the worker"),
        (["worker", "--", "nothing/there"], "nothing/there can't be run"),
        (["server", "--url", "http://127.0.0.1:1"], "nobody answers at http://127.0.0.1:1"),
    ],
)
def test_the_command_refuses_what_cannot_be_played(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert said in capsys.readouterr().err
