"""Templates: every content is kept, one of each version is current."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

from tasker_core.store import Store
from tasker_core.store.templates import NewTemplate
from tests.support.graphs import Stage, tables


def content(stage: Stage, digest: str, **changes: str) -> NewTemplate:
    new = NewTemplate(
        stage.ids.new(), "shop", "order", "1.0.0", digest, f'{{"is":"{digest}"}}',
        [(1, "a", "shop/a", 0), (2, "b", "shop/b", 1)], [(1, 2)],
    )  # fmt: skip
    return replace(new, **changes)  # type: ignore[arg-type]  # every change is of a text


def register(stage: Stage, template: NewTemplate, *, make_current: bool = True) -> None:
    stage.clock.advance(1)
    stage.store.templates.register(template, stage.clock.now(), make_current=make_current)


def test_a_content_is_found_by_id_and_by_name(stage: Stage) -> None:
    new = content(stage, "one")
    assert stage.store.templates.find(new.id) is None
    register(stage, new)
    row = stage.store.templates.find(new.id)
    assert row == (new.id, "shop", "order", "1.0.0", "one", '{"is":"one"}', 1)
    assert stage.store.templates.current("order") == [row]
    assert stage.store.templates.current("order", "shop", "1.0.0") == [row]
    for wrong in (("other",), ("order", "other"), ("order", "shop", "2.0.0")):
        assert stage.store.templates.current(*wrong) == []


def test_the_same_content_is_kept_once(stage: Stage) -> None:
    one, again = content(stage, "same"), content(stage, "same")
    register(stage, one)
    before, mark = tables(stage.store), stage.store.templates.mark()
    register(stage, again)
    assert tables(stage.store) == before and stage.store.templates.mark() == mark
    assert stage.store.templates.find(again.id) is None


def test_other_content_replaces_and_an_earlier_one_can_come_back(stage: Stage) -> None:
    one, two = content(stage, "one"), content(stage, "two")
    register(stage, one)
    register(stage, two)
    assert [row.id for row in stage.store.templates.current("order")] == [two.id]
    kept = stage.store.templates.find(one.id)
    assert kept is not None and kept.current == 0
    register(stage, content(stage, "one"))
    assert [row.id for row in stage.store.templates.current("order")] == [one.id]


def test_content_can_be_kept_without_becoming_current(stage: Stage) -> None:
    one, two = content(stage, "one"), content(stage, "two")
    register(stage, one)
    register(stage, two, make_current=False)
    assert [row.id for row in stage.store.templates.current("order")] == [one.id]
    assert stage.store.templates.find(two.id) is not None


def test_versions_names_and_namespaces_are_apart(stage: Stage) -> None:
    kinds = [{}, {"version": "2.0.0"}, {"name": "refund"}, {"namespace": "other"}]
    ids = set()
    for kind in kinds:
        new = content(stage, "same", **kind)
        register(stage, new)
        ids.add(new.id)
    assert {row.id for row in stage.store.templates.current()} == ids
    assert len(stage.store.templates.current("order")) == 3
    assert len(stage.store.templates.current("order", "shop")) == 2


def test_the_mark_changes_with_every_registration(stage: Stage) -> None:
    marks = [stage.store.templates.mark()]
    for digest in ("one", "two", "three"):
        register(stage, content(stage, digest))
        marks.append(stage.store.templates.mark())
    assert len(set(marks)) == 4


def test_racing_registrations_of_one_content_keep_it_once(stage: Stage, another_store: Callable[[], Store]) -> None:
    stages = [stage, *(Stage(another_store()) for _ in range(2))]
    start = Barrier(len(stages), timeout=30)

    def register_all(one: Stage) -> None:
        start.wait()
        for n in range(15):
            one.store.templates.register(content(one, f"digest {n}", name=f"t{n}"), one.clock.now(), make_current=True)

    with ThreadPoolExecutor(len(stages)) as pool:
        list(pool.map(register_all, stages))
    current = stage.store.templates.current()
    assert sorted(row.name for row in current) == sorted(f"t{n}" for n in range(15))
    for row in current:
        stage.create(replace(stage.new_task(stage.template({"a": []})), template=row.id))
    assert stage.store.tasks.newest({}, 1, 0)[1] == 15
