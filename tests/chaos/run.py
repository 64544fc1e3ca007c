"""One chaos run: workers killed and suspended, the database restarted, and then the reckoning."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tasker_core import TaskerClient
from tasker_core.errors import StoreError
from tasker_core.store import open_database
from tests.chaos.crew import SLOTS, Blows, Crew, Havoc
from tests.chaos.ledger import Ledger
from tests.chaos.orders import PARENTS, Submitter, effects_of, register, sales_of, steps_of
from tests.chaos.recovery import Outage, Recovery, recoveries
from tests.support.ordering import closing_after, connect
from tests.support.postgres import Server, StopMode
from tests.support.reckoning import Reckoning, effects_out_of_order

PATIENCE = 180.0
"""Seconds for what is left after the last blow."""
LATEST_KILL = 30.0
"""Seconds after which blows end though nobody was killed."""
CREATING, BUSY = 0.6, 0.5
"""The share of the run over which tasks are created, and of the slots that they keep busy then."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to do: ``tasks`` tasks on ``workers`` workers within about ``seconds``; ``lease`` is in seconds."""

    tasks: int
    seconds: float
    seed: int
    workers: int = 4
    lease: float = 5.0


@dataclass
class Report:
    """What came out. The run was sound when ``complaints`` is empty."""

    complaints: list[str]
    steps: int
    blows: Blows
    outages: list[Outage]
    recoveries: list[Recovery]
    endings: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    effects: int = 0
    asked_again: int = 0
    refused: int = 0
    seconds: float = 0.0


def play(
    plan: Plan, url: str, directory: Path, server: Server | None, say: Callable[[str], None] = lambda _: None
) -> Report:
    """Play ``plan`` on the empty database at ``url``; ``server``, where given, is restarted twice in the middle."""
    began = time.monotonic()

    def tell(what: str) -> None:
        say(f"{time.monotonic() - began:6.1f} s: {what}")

    steps = steps_of(plan.tasks)
    nap = BUSY * CREATING * plan.seconds * plan.workers * SLOTS / steps
    with Ledger() as ledger, _client(url) as client:
        register(client)
        submitter = Submitter(client, plan.tasks, CREATING * plan.seconds, {"ledger": ledger.url, "nap": nap})
        with Crew(plan.workers, url, plan.lease, directory, tell) as crew:
            havoc = Havoc(crew, random.Random(f"blows {plan.seed}"), plan.lease)
            submitter.start()
            havoc.start()
            outages = _restarts(plan, server, began, tell)
            _sleep_until(began + plan.seconds)
            while not crew.blows.kills and time.monotonic() < began + plan.seconds + LATEST_KILL:
                time.sleep(0.1)  # where the machine is so slow that nobody has been killed yet
            havoc.stop()
            tell(f"no more blows; {submitter.created} tasks created")
            overdue = _await_the_end(client, plan.tasks, sales_of(plan.tasks), crew)
            submitter.stop()
            tell("the workers are asked to stop")
            crew.dismiss()
            crew.check_logs()
        submitter.join()
        with closing(Reckoning(url)) as reckoning:
            sales = sales_of(plan.tasks)
            complaints = overdue + crew.complaints + reckoning.complaints(plan.tasks, steps, sales)
            complaints += _complaints_of_entries(url, sales)
            if live := reckoning.count("select count(*) from tasker.workers where state <> 'gone'"):
                complaints.append(f"{live} workers are thought to live")
            return Report(
                complaints=complaints + _complaints_of(ledger, effects_of(plan.tasks)),
                steps=steps,
                blows=crew.blows,
                outages=outages,
                recoveries=recoveries(reckoning, crew.blows.kills, outages),
                endings=reckoning.endings(),
                calls=sum(ledger.calls.values()),
                effects=len(ledger.effects),
                asked_again=submitter.asked_again,
                refused=reckoning.count("select count(*) from tasker.transitions where reason like 'late report%'"),
                seconds=time.monotonic() - began,
            )


@contextmanager
def _client(url: str) -> Iterator[TaskerClient]:
    database = open_database(url)
    database.migrate()
    database.close()
    with closing_after(connect(url)) as beside:
        beside.execute("create table chaos_entries (task text)")
        beside.commit()
    with TaskerClient(database_url=url) as client:
        yield client


def _restarts(plan: Plan, server: Server | None, began: float, tell: Callable[[str], None]) -> list[Outage]:
    """Restart the server a third and two thirds into the run: once in order, once as if it had crashed."""
    outages: list[Outage] = []
    chance = random.Random(f"outages {plan.seed}")
    modes: tuple[StopMode, ...] = ("fast", "immediate") if server is not None else ()
    for no, mode in enumerate(modes, 1):
        assert server is not None
        _sleep_until(began + plan.seconds * no / 3)
        tell(f"the database stops ({mode})")
        away = time.time()
        server.stop(mode)
        time.sleep(chance.uniform(0.2, 2.0))
        server.start()
        outages.append((away, time.time()))
        tell(f"the database is back after {outages[-1][1] - away:.1f} s")
    return outages


def _sleep_until(moment: float) -> None:
    time.sleep(max(moment - time.monotonic(), 0.0))


def _await_the_end(client: TaskerClient, tasks: int, sales: int, crew: Crew) -> list[str]:
    deadline, done, undone = time.monotonic() + PATIENCE, -1, -1
    while time.monotonic() < deadline:
        crew.look_after()
        try:
            done = client.list_tasks(status="complete", limit=1).pagination.total_count
            undone = client.list_tasks(status="error", limit=1).pagination.total_count
        except StoreError:
            continue
        if (done, undone) == (tasks - sales, sales):
            return []
        time.sleep(0.2)
    found = f"{done} of {tasks - sales} tasks were complete, {undone} of {sales} undone"
    return [f"{found}, {PATIENCE:g} s after the last blow"]


def _complaints_of(ledger: Ledger, expected: int) -> list[str]:
    effects = ledger.effects
    wrong = effects_out_of_order(effects, PARENTS)
    if not len(effects) == len(set(effects)) == expected:
        wrong.append(f"{len(effects)} effects, {len(set(effects))} different ones, instead of {expected}")
    return wrong


def _complaints_of_entries(url: str, sales: int) -> list[str]:
    """Each sale is in the books once, though no key says so."""
    with closing_after(connect(url)) as beside:
        (found,) = beside.execute("select count(*), count(distinct task) from chaos_entries").fetchall()
    return [] if tuple(found) == (sales, sales) else [f"(entries, of tasks) are {found}, of {sales} sales"]
