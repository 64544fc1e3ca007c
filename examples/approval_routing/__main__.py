"""Send requests for purchases on their ways, have people answer, and compare what became of them.

python -m examples.approval_routing
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from examples.approval_routing.company import Company
from examples.approval_routing.people import People
from tasker_core import TaskerClient, Worker

TEMPLATE = Path(__file__).parent / "approval.yaml"
PATIENCE = 60.0


class Request(NamedTuple):
    """What is asked for, the steps that it should take after ``route``, and what should become of it."""

    what: str
    cents: int
    needs_security: bool
    way: tuple[str, ...]
    outcome: tuple[bool, str] | None


SETTLED = ("verdict", "carry_out")
REQUESTS = (
    Request("a calendar, for nothing", 0, False, (), None),
    Request("pencils", 1_200, False, ("waive", *SETTLED), (True, "agreed by rule")),
    Request("a chair", 40_000, False, ("ask_manager", "review", "release", *SETTLED), (True, "agreed by Mona, rule")),
    Request("a yacht", 900_000, True, ("ask_manager", "review", *SETTLED), (False, "refused by Mona")),
    Request(
        "a printing press", 1_500_000, False, ("ask_manager", "review", "ask_finance", *SETTLED),
        (True, "agreed by Finn, Mona"),
    ),
    Request(
        "a door with a camera", 80_000, True, ("ask_manager", "review", "ask_security", *SETTLED),
        (False, "refused by Selma"),
    ),
    Request(
        "a strong room", 1_900_000, True, ("ask_manager", "review", "ask_finance", "ask_security", *SETTLED),
        (True, "agreed by Finn, Mona, Selma"),
    ),
    Request(
        "a factory with cameras", 90_000_000, True, ("ask_manager", "review", "ask_finance", "ask_security", *SETTLED),
        (False, "refused by Finn, Selma"),
    ),
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.approval_routing", description=__doc__.splitlines()[0])
    parser.add_argument("--database-url", help="the store; else a file that is gone afterwards")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="approval-routing-") as place:
        url = given.database_url or f"sqlite:///{Path(place) / 'tasker.db'}"
        path = Path(place) / "company.db"
        company = Company(path)
        handlers = "examples.approval_routing.handlers"
        with People(company), Worker.start([handlers], database_url=url), TaskerClient(database_url=url) as client:
            wrong = _run(client, path)
        outcomes = company.outcomes()
        wrong += [each.what for no, each in enumerate(REQUESTS, 1) if outcomes.get(no) != each.outcome]
    if wrong:
        print(f"not as it should be: {', '.join(dict.fromkeys(wrong))}")
        return 1
    print(f"each of {len(REQUESTS)} requests went its way")
    return 0


def _run(client: TaskerClient, company: Path) -> list[str]:
    """Send all of them, and show their ways; those that went another way than they should."""
    client.register_template(TEMPLATE)
    # Each run has books of its own, so the file belongs to the key.
    tasks = client.create_tasks([
        {
            "name": "approval", "namespace": "approval_routing", "idempotency_key": f"{company} {no}",
            "context": {
                "company": str(company), "request": no, "what": each.what, "cents": each.cents,
                "needs_security": each.needs_security,
            },
        }
        for no, each in enumerate(REQUESTS, 1)
    ])  # fmt: skip
    wrong = []
    for each, task in zip(REQUESTS, tasks, strict=True):
        done = client.wait(task.task_uuid, timeout=PATIENCE)
        taken = {step.name for step in client.list_task_steps(task.task_uuid)} - {"check", "route"}
        print(f"  {each.what:24} {' > '.join(name for name in each.way if name in taken) or 'no branches'}")
        if done.status != "complete" or taken != set(each.way):
            wrong.append(each.what)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
