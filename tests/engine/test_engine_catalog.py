"""Templates: which one a name means, what becomes of other content, and what running tasks keep."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tasker_core.engine import Engine
from tasker_core.errors import DuplicateTaskError, InvalidRequestError, TemplateError, UnknownTemplateError
from tasker_core.rules.template import Template
from tasker_core.store.templates import NewTemplate
from tests.support.flows import Hands, flow, wish

PAY: dict[str, list[str]] = {"pay": []}
PAY_AND_SHIP = {"pay": [], "ship": ["pay"]}


def register(engine: Engine, template: Template, *, replace: bool = False) -> str:
    registered = engine.catalog.register(template, replace=replace)
    assert registered.refused == ()
    return registered.known.id


def chosen(engine: Engine, name: str, namespace: str | None = None, version: str | None = None) -> str:
    engine.catalog.refresh()
    return str(engine.catalog.choose(name, namespace, version).template.identity)


def test_the_same_content_registers_once(engine: Engine) -> None:
    first = engine.catalog.register(flow(PAY), replace=False)
    again = engine.catalog.register(flow(PAY), replace=True)
    assert (first.new, first.replaced, again.new, again.replaced) == (True, False, False, False)
    assert again.known.id == first.known.id


def test_other_content_of_a_version_is_refused_with_the_difference(engine: Engine) -> None:
    first = register(engine, flow(PAY))
    refused = engine.catalog.register(flow(PAY_AND_SHIP, retry={"max_attempts": 9}), replace=False)
    assert (refused.new, refused.replaced, refused.known.id) == (False, False, first)
    assert refused.refused == ("step 'ship' is added", "step 'pay': retry.max_attempts: default -> 9")
    assert [known.id for known in engine.catalog.current()] == [first]


def test_other_content_replaces_where_that_is_wanted(engine: Engine) -> None:
    first = register(engine, flow(PAY))
    second = engine.catalog.register(flow(PAY_AND_SHIP), replace=True)
    assert (second.new, second.replaced) == (True, True) and second.known.id != first
    assert [known.id for known in engine.catalog.current()] == [second.known.id]
    back = engine.catalog.register(flow(PAY), replace=True)
    assert back.known.id == first, "content that was there before comes back as itself"


def test_a_running_task_keeps_the_content_it_started_with(engine: Engine, hands: Hands) -> None:
    register(engine, flow(PAY_AND_SHIP))
    (old,) = engine.create([wish(engine, context={"n": 1})])
    register(engine, flow({"pay": [], "wrap": ["pay"], "ship": ["wrap"]}), replace=True)
    (new,) = engine.create([wish(engine, context={"n": 2})])
    assert hands.play().count("wrap") == 1
    assert [step["name"] for step in engine.views.steps(old.task)] == ["pay", "ship"]
    assert [step["name"] for step in engine.views.steps(new.task)] == ["pay", "wrap", "ship"]
    assert engine.views.task(old.task)["status"] == engine.views.task(new.task)["status"] == "complete"


# Seen to fail with `and k.current = 1` taken out of insert_tasks: the task was made from the replaced content.
def test_content_replaced_by_another_process_between_look_up_and_create(
    engine: Engine, another_engine: Callable[[], Engine]
) -> None:  # fmt: skip
    register(engine, flow(PAY))
    engine.create([wish(engine, context={"n": 1})])
    new = register(another_engine(), flow(PAY_AND_SHIP), replace=True)
    for refuse in (True, False):
        (created,) = engine.create([wish(engine, context={"n": refuse + 2})], refuse_duplicates=refuse)
        assert created.new
        row = engine.store.tasks.find(created.task)
        assert row is not None and row.template_id == new
    answers = engine.create([wish(engine, context={"n": n}) for n in (10, 11)])
    assert [len(engine.views.steps(answer.task)) for answer in answers] == [2, 2]


def test_a_template_registered_elsewhere_can_be_used_at_once(
    engine: Engine, another_engine: Callable[[], Engine], hands: Hands
) -> None:  # fmt: skip
    with pytest.raises(UnknownTemplateError):
        engine.create([wish(engine)])
    register(another_engine(), flow(PAY))
    (created,) = engine.create([wish(engine)])
    assert hands.play() == ["pay"]
    assert engine.views.task(created.task)["status"] == "complete"


def test_a_name_without_a_namespace_means_default_first(engine: Engine) -> None:
    register(engine, flow(PAY, namespace="shop"))
    assert chosen(engine, "order") == "shop/order 1.0.0"
    assert chosen(engine, "order", "default") == "shop/order 1.0.0", "the one namespace that has it"
    register(engine, flow(PAY, namespace="default"))
    assert chosen(engine, "order") == chosen(engine, "order", "default") == "default/order 1.0.0"
    assert chosen(engine, "order", "shop") == "shop/order 1.0.0"


def test_a_name_that_several_namespaces_have_needs_one(engine: Engine) -> None:
    for namespace in ("shop", "depot"):
        register(engine, flow(PAY, namespace=namespace))
    for unsaid in (None, "default"):
        with pytest.raises(InvalidRequestError, match="several namespaces: depot, shop; give a namespace") as caught:
            engine.catalog.choose("order", unsaid, None)
        assert caught.value.field == "namespace"


def test_a_name_that_another_namespace_has_is_pointed_at(engine: Engine) -> None:
    register(engine, flow(PAY, namespace="shop"))
    with pytest.raises(
        UnknownTemplateError, match="no template 'order' in namespace 'depot'; it is registered in shop"
    ):
        engine.catalog.choose("order", "depot", None)


def test_without_a_version_the_first_one_counts_else_the_newest(engine: Engine) -> None:
    for version in ("1.2.0", "1.10.0", "1.9.9"):
        register(engine, flow(PAY, version=version))
    assert chosen(engine, "order") == "shop/order 1.10.0"
    assert chosen(engine, "order", "shop", "1.2.0") == "shop/order 1.2.0"
    register(engine, flow(PAY, version="1.0.0"))
    assert chosen(engine, "order") == "shop/order 1.0.0"


def test_an_unknown_version_names_those_that_are_there(engine: Engine) -> None:
    for version in ("1.10.0", "1.9.0"):
        register(engine, flow(PAY, version=version))
    with pytest.raises(UnknownTemplateError, match=r"no version '3.0.0'; registered are 1.9.0, 1.10.0"):
        engine.catalog.choose("order", "shop", "3.0.0")


def test_a_misspelled_name_is_answered_with_the_nearest(engine: Engine) -> None:
    register(engine, flow(PAY))
    with pytest.raises(UnknownTemplateError, match="did you mean 'order'"):
        engine.catalog.choose("oder", None, None)
    with pytest.raises(UnknownTemplateError, match="registered are shop/order"):
        engine.catalog.choose("something_else_entirely", None, None)


def test_an_empty_store_says_how_templates_get_there(engine: Engine) -> None:
    with pytest.raises(UnknownTemplateError, match=r"none is registered at all.*tasker template register"):
        engine.catalog.choose("order", "shop", None)


def test_an_unknown_id_is_told(engine: Engine) -> None:
    with pytest.raises(UnknownTemplateError, match="no template of the id"):
        engine.catalog.known(engine.ids.new())


def test_stored_content_that_cannot_be_read_names_the_template(
    engine: Engine, another_engine: Callable[[], Engine]
) -> None:  # fmt: skip
    register(engine, flow(PAY))
    kept = engine.store.templates.current()[0]
    broken = NewTemplate(engine.ids.new(), "shop", "order", "9.0.0", "d", '{"name":"order"}', [], [])
    engine.store.templates.register(broken, engine.clock.now(), make_current=True)
    with pytest.raises(TemplateError, match=r"template shop/order 9.0.0 in the store can't be read"):
        another_engine().catalog.choose("order", "shop", "9.0.0")
    assert another_engine().catalog.choose("order", "shop", "1.0.0").id == kept.id


def test_racing_registrations_of_different_content_leave_one_current(
    engine: Engine, another_engine: Callable[[], Engine]
) -> None:  # fmt: skip
    engines = [another_engine() for _ in range(3)]
    start = Barrier(3, timeout=30)

    def register_all(n: int) -> None:
        start.wait()
        for round_ in range(12):
            engines[n].catalog.register(flow(PAY, name=f"order{round_}", max_crashes=n + 1), replace=True)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(register_all, range(3)))
    current = engine.store.templates.current()
    assert sorted(row.name for row in current) == sorted(f"order{n}" for n in range(12))


def test_latest_is_the_highest_version_in_the_order_of_semantic_versioning(engine: Engine) -> None:
    for version in ("1.9.0", "1.10.0-rc.1", "1.0.0", "1.10.0", "2.0.0-beta.2"):
        register(engine, flow(PAY, version=version))
    assert chosen(engine, "order", "shop", "latest") == "shop/order 1.10.0", "no version before its release"
    assert chosen(engine, "order", version="2.0.0-beta.2") == "shop/order 2.0.0-beta.2"
    assert chosen(engine, "order") == "shop/order 1.0.0"
    assert engine.catalog.find("shop", "order", "latest").template.version == "1.10.0"


def test_latest_is_a_version_before_its_release_where_there_is_no_other(engine: Engine) -> None:
    for version in ("1.0.0-rc.9", "1.0.0-rc.10", "1.0.0-alpha"):
        register(engine, flow(PAY, version=version))
    assert chosen(engine, "order", "shop", "latest") == chosen(engine, "order") == "shop/order 1.0.0-rc.10"
    with pytest.raises(UnknownTemplateError, match=r"registered are 1\.0\.0-alpha, 1\.0\.0-rc\.9, 1\.0\.0-rc\.10"):
        chosen(engine, "order", version="1.0.0")


def test_a_task_of_the_latest_is_the_task_of_that_version(engine: Engine) -> None:
    register(engine, flow(PAY, version="1.9.0"))
    (first,) = engine.create([wish(engine, version="latest")])
    assert engine.views.task(first.task)["version"] == "1.9.0"
    with pytest.raises(DuplicateTaskError, match=first.task):
        engine.create([wish(engine, version="1.9.0")])
    register(engine, flow(PAY, version="1.10.0"))
    (second,) = engine.create([wish(engine, version="latest")])
    assert engine.views.task(second.task)["version"] == "1.10.0"


@pytest.mark.parametrize("version", ["1.0", "v1.0.0", "Latest", "1.0.0-01"])
def test_a_version_that_is_none_is_refused_where_a_task_is_created(engine: Engine, version: str) -> None:
    register(engine, flow(PAY))
    message = re.escape(f"version must be three numbers like 1.0.0; found {version!r}, or say 'latest'")
    with pytest.raises(InvalidRequestError, match=message) as caught:
        engine.create([wish(engine, version=version)])
    assert caught.value.field == "version"
