"""What the tables and charts say of given results."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from rich.console import Console

from bench import plan, report
from bench.peers import catalogue
from bench.rows import Figures, Result, Row, digits
from bench.svg import Bar, bars


def result(system: str, workload: str, *runs: Figures | None, failures: tuple[str, ...] = ()) -> Result:
    row = Row(system, "postgres", workload, "one a call", lambda _: {})
    return Result(row, list(runs), list(failures))


def test_a_ratio_is_taken_within_a_round_and_skips_rounds_that_failed() -> None:
    wanted = report.RATIOS[0]
    assert (wanted.row, wanted.of) == ("Tasker/postgres/a1", "Absurd/postgres/a1")
    ours = result("Tasker", "a1", {"tasks/s": 1_000}, {"tasks/s": 900}, {"tasks/s": 800})
    theirs = result("Absurd", "a1", {"tasks/s": 100}, None, {"tasks/s": 200})
    assert report.ratio(wanted, {r.row.key: r for r in (ours, theirs)}) == [10, 4]
    assert report.ratio(wanted, {ours.row.key: ours}) == []


def test_a_goal_of_its_own_needs_no_other_row() -> None:
    (wanted,) = [
        each for each in report.RATIOS if not each.of and each.row == "Tasker/postgres/d" and "worker" in each.what
    ]
    idle = result("Tasker", "d", {"worker % of a core": 0.4})
    assert report.ratio(wanted, {idle.row.key: idle}) == [0.4]


def test_a_row_that_failed_is_said_loudly_with_its_reason() -> None:
    console = Console(width=200, record=True, quiet=False, file=None)
    with console.capture() as said:
        report.tables([result("Absurd", "a1", None, failures=("PeerUnavailableError: no such package",))], console)
    assert "NOT MEASURED Absurd/postgres/a1: PeerUnavailableError: no such package" in said.get()
    assert "not measured" in said.get()


def test_every_ratio_names_rows_that_are_played() -> None:
    ours = {row.key for row in plan.rows(("sqlite", "postgres"), tuple(plan.PLAYS), 1)}
    theirs = {f"{peer.name}/{peer.database}/{workload}" for peer in catalogue.PEERS for workload in peer.plays}
    limits = {"limit/postgres/one by one", "limit/postgres/batches of 100"}
    for wanted in report.RATIOS:
        assert {wanted.row, wanted.of} <= ours | theirs | limits | {""}, wanted.what


def test_every_row_says_how_its_tasks_were_submitted() -> None:
    assert all(row.submitted for row in plan.rows(("sqlite", "postgres"), tuple(plan.PLAYS), 1))
    assert all(submitted for peer in catalogue.PEERS for _, submitted in peer.plays.values())


@pytest.mark.parametrize("logarithmic", [True, False])
def test_a_chart_is_xml_with_a_bar_for_each_row(logarithmic: bool) -> None:
    shown = [Bar("ours & <quick>", 2_000, 1_500, 2_500, True), Bar("theirs", 40, 40, 40, False)]
    root = ElementTree.fromstring(bars("A1", shown, logarithmic=logarithmic))
    widths = [float(rect.attrib["width"]) for rect in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert len(widths) == 2 and widths[0] > widths[1] > 0
    assert "ours & <quick>" in [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize(
    ("value", "text"), [(12_345.6, "12,346"), (123.45, "123.5"), (1.234, "1.23"), (0.0123, "0.012")]
)
def test_figures_keep_the_digits_that_mean_something(value: float, text: str) -> None:
    assert digits(value) == text
