"""``tasker prune``: what it says to people and programs, and what it refuses."""

from __future__ import annotations

import json

from tests.support.workshop import Workshop, tasker


def test_prune_counts_drops_and_leaves_the_rest(workshop: Workshop) -> None:
    @workshop.handler("cart")
    def cart() -> dict[str, int]:
        return {"items": 1}

    workshop.template({"cart": []})
    workshop.start()
    old = [workshop.run(context={"n": n}).task_uuid for n in range(3)]
    young = workshop.run(context={"n": 4}).task_uuid
    named = ", ".join(f"'{task}'" for task in old)
    workshop.execute(f"update tasker_tasks set created_at = 1, completed_at = 2 where uuid in ({named})")

    told = tasker("prune", "--older-than", "30d", "--dry-run", url=workshop.url)
    assert (told.code, told.out, told.err) == (0, "would drop 3 tasks with 3 steps\n", "")
    told = tasker("prune", "--older-than", "30d", "--limit", "1", url=workshop.url)
    assert told.out == "dropped 1 task with 1 step\n"
    told = tasker("prune", "--older-than", "30d", "--namespace", "shop", "--json", url=workshop.url)
    assert json.loads(told.out) == {"tasks": 2, "steps": 2, "dry_run": False}
    assert [task.task_uuid for task in workshop.client.list_tasks().tasks] == [young]


def test_a_length_of_time_that_is_none_is_a_wrong_call(workshop: Workshop) -> None:
    workshop.template({"cart": []})
    told = tasker("prune", "--older-than", "a month", url=workshop.url)
    assert (told.code, told.out) == (2, "")
    assert "--older-than must be a length of time like 90d, 12h, 30m or 2w, not 'a month'" in told.err
