"""What must be true of a store when everything has run: asked of its rows, not of Tasker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tasker_core.store import Store, open_database
from tests.race.beside import Beside

Rows = list[tuple[Any, ...]]

GROWING = ("task_payloads", "steps", "dependencies", "attempts", "transitions", "warnings", "dead_letters", "events")
"""The tables whose rows belong to a task."""


class Reckoning:
    """A look at the store at ``url``; ``complaints`` says what is wrong."""

    def __init__(self, url: str) -> None:
        self._store = Store(open_database(url))
        self._beside = Beside(self._store)

    def read(self, question: str) -> Rows:
        """The rows that ``question`` finds; tables are written ``tasker.steps``."""
        return self._beside.read(question)[0]

    def count(self, question: str) -> int:
        return int(self.read(question)[0][0])

    def states(self, table: str) -> dict[str, int]:
        """How many rows of ``table`` (tasks, steps) are in which state."""
        return dict(self.read(f"select state, count(*) from tasker.{table} group by state order by state"))

    def endings(self) -> dict[str, int]:
        return dict(self.read("select ending, count(*) from tasker.attempts group by ending order by ending"))

    def settled(self, key: str) -> set[str]:
        """The names of the complete steps of the task with this idempotency key."""
        return {
            name
            for name, its_key in self.read("""
                select s.name, p.idempotency_key from tasker.steps s
                join tasker.task_payloads p on p.task_id = s.task_id where s.state = 'complete'""")
            if its_key == key
        }

    def complaints(self, tasks: int, steps: int, undone: int = 0) -> list[str]:
        """What is wrong, when ``tasks`` tasks should have come to their end by running, with ``steps`` complete steps
        in all; ``undone`` of the tasks as undone, each after the failure of one more step."""
        failed = {"error": undone} if undone else {}
        wrong = [
            f"{table} are {states}, not all {expected} complete" + (f" and {undone} error" if undone else "")
            for table, expected in (("tasks", tasks - undone), ("steps", steps))
            if (states := self.states(table)) != {"complete": expected, **failed}
        ]
        if unexpected := self.endings().keys() - {"ok", "yielded", "lost", "released", *(["failed"] if undone else [])}:
            wrong.append(f"attempts ended as {sorted(unexpected)}")
        wrong += [f"{count} {what}" for what, question in FORBIDDEN.items() if (count := self.count(question))]
        return wrong

    def close(self) -> None:
        self._beside.close()
        self._store.close()


FORBIDDEN: Mapping[str, str] = {
    "steps weren't completed exactly once": """
        select count(*) from tasker.steps s where s.state = 'complete' and 1 <> (select count(*)
          from tasker.attempts a where a.task_id = s.task_id and a.no = s.no and a.state = 'complete')""",
    "tasks didn't become complete exactly once": """
        select count(*) from tasker.tasks t where t.state = 'complete' and 1 <> (select count(*)
          from tasker.transitions r where r.task_id = t.id and r.no = 0 and r.to_state = 'complete')""",
    "tasks that failed weren't undone": "select count(*) from tasker.tasks where state = 'error' and undo <> 2",
    "leases are left": "select count(*) from tasker.steps where state = 'in_progress'",
    "steps count parents that they don't wait for": "select count(*) from tasker.steps where waits <> 0",
    "attempts ran after their step was complete": """
        select count(*) from tasker.attempts a join tasker.attempts c on c.task_id = a.task_id and c.no = a.no
          and c.state = 'complete' and c.fence < a.fence""",
    **{
        f"rows of {table} belong to no task": f"""
        select count(*) from tasker.{table} r where not exists (select 1 from tasker.tasks t where t.id = r.task_id)"""
        for table in GROWING
    },
}


def effects_out_of_order(effects: Iterable[tuple[str, str]], parents: Mapping[str, Iterable[str]]) -> list[str]:
    """Effects (task, step), in the order in which they happened, that came before one that they depend on."""
    seen: set[tuple[str, str]] = set()
    wrong = []
    for task, step in effects:
        wrong += [f"{step} of {task} before {parent}" for parent in parents[step] if (task, parent) not in seen]
        seen.add((task, step))
    return wrong
