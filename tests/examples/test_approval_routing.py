"""Requests for purchases: each goes its way and comes to its end, on each kind of database."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from examples.approval_routing.__main__ import REQUESTS
from examples.approval_routing.company import Answer, Company
from tasker_core.store import open_database
from tests.support.databases import postgres_of_the_suites, store_url

__all__ = ["postgres_of_the_suites", "store_url"]

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path / "company.db")


def test_every_request_goes_its_way(store_url: str) -> None:
    with closing(open_database(store_url)) as database:
        database.migrate()
    command = [sys.executable, "-m", "examples.approval_routing", "--database-url", store_url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    *ways, last = done.stdout.splitlines()
    assert last == f"each of {len(REQUESTS)} requests went its way"
    told = {line.strip().partition("  ")[0]: line.split("  ")[-1].strip().split(" > ") for line in ways}
    assert told == {each.what: list(each.way) or ["no branches"] for each in REQUESTS}


def test_the_requests_take_every_way_there_is() -> None:
    steps = {step for each in REQUESTS for step in each.way}
    assert steps == {
        "waive", "ask_manager", "review", "release", "ask_finance", "ask_security", "verdict", "carry_out"
    }  # fmt: skip
    assert {each.outcome[0] for each in REQUESTS if each.outcome} == {True, False}
    assert any(each.outcome is None for each in REQUESTS)


def test_a_question_that_is_put_twice_is_one_question(company: Company) -> None:
    for _ in range(2):
        company.ask("t:ask_manager", "manager", 1, "a chair", 40_000)
    assert company.answer_to("t:ask_manager") is None and company.times_asked() == 1
    (question,) = company.open_questions("manager")
    company.answer(question.key, True, "Mona")
    company.ask("t:ask_manager", "manager", 1, "a chair", 40_000)
    assert company.answer_to(question.key) == Answer(True, "Mona")
    assert company.open_questions("manager") == company.open_questions("finance") == []


def test_a_request_that_was_closed_stays_as_it_is(company: Company) -> None:
    company.close_request(1, True, "agreed by Mona")
    company.close_request(1, False, "refused by Finn")
    assert company.outcomes() == {1: (True, "agreed by Mona")}
