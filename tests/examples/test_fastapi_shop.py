"""The FastAPI shop, end to end: gateway, servers, application and workers as processes, real HTTP, both databases."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.examples.fastapi_shop_town import Town
from tests.support.postgres_run import servers, shared_server
from tests.support.workshop import eventually

pytestmark = pytest.mark.xdist_group("fastapi-shop")


@pytest.fixture(scope="module", params=["sqlite", servers()[0]], ids=["sqlite", "postgresql"])
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A shop in business: its gateway, two servers, and its application, which runs a worker."""
    directory = tmp_path_factory.mktemp("town")
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{directory}/shop.db"
        else:
            url = stack.enter_context(shared_server(request.param).database())
        town = stack.enter_context(Town(directory, url))
        town.start_gateway()
        town.migrate()
        town.start_application()
        town.start_server("one")
        town.start_server("two")
        yield town


def order(town: Town, card: str = "tok_visa", key: str | None = None, **changes: Any) -> dict[str, Any]:
    body = {"email": "ann@example.com", "items": [{"sku": "tea", "quantity": 2}], "card": card, **changes}
    answer = town.shop.post("/orders", json=body, headers={"Idempotency-Key": key or uuid.uuid4().hex})
    assert answer.status_code == 201, answer.text
    placed: dict[str, Any] = answer.json()
    return placed


def states(task: dict[str, Any]) -> dict[str, str]:
    return {step["name"]: step["state"] for step in task["steps"]}


def test_an_order_is_paid_confirmed_and_told_to_the_customer(town: Town) -> None:
    placed = order(town)
    assert placed["status"] == "placed"
    task = town.at_rest(placed["task"]["task_uuid"])
    assert task["status"] == "complete", task
    assert set(states(task).values()) == {"complete"}
    done = town.shop.get(f"/orders/{placed['order_id']}").json()
    assert (done["status"], done["total_cents"]) == ("confirmed", 2_900)
    assert [charge["amount_cents"] for charge in town.charges(task, "process_payment")] == [2_900]
    assert f"order {placed['order_id']}" in town.mails()


def test_a_second_click_is_the_same_order(town: Town) -> None:
    key = uuid.uuid4().hex
    placed = order(town, key=key)
    body = {"email": "ann@example.com", "items": [{"sku": "tea", "quantity": 2}], "card": "tok_visa"}
    again = town.shop.post("/orders", json=body, headers={"Idempotency-Key": key})
    assert again.status_code == 200
    assert again.json()["order_id"] == placed["order_id"]
    assert again.json()["task"]["task_uuid"] == placed["task"]["task_uuid"]


def test_a_declined_card_ends_the_order_and_the_page_says_why(town: Town) -> None:
    placed = order(town, card="tok_declined")
    task = town.at_rest(placed["task"]["task_uuid"])
    assert task["status"] == "blocked_by_failures"
    payment = next(step for step in task["steps"] if step["name"] == "process_payment")
    assert (payment["state"], payment["attempts"]) == ("error", 1)
    assert payment["error"] == "payment refused: the bank declined the card"
    assert states(task)["reserve_stock"] == "pending"
    page = town.shop.get(f"/pages/tasks/{task['task_uuid']}").text
    assert "payment refused: the bank declined the card" in page
    assert "http-equiv" not in page, "nothing moves any more"
    assert placed["order_id"] in town.shop.get("/").text


def test_a_gateway_in_trouble_is_asked_again(town: Town) -> None:
    task = town.at_rest(order(town, card="tok_error_once")["task"]["task_uuid"])
    assert task["status"] == "complete"
    payment = next(step for step in task["steps"] if step["name"] == "process_payment")
    assert payment["attempts"] == 2
    assert len(town.charges(task, "process_payment")) == 1


def test_an_order_is_cancelled_while_its_payment_waits(town: Town) -> None:
    placed = order(town, card="tok_fail")
    task_uuid = placed["task"]["task_uuid"]
    eventually(lambda: states(town.task(task_uuid))["process_payment"] == "waiting_for_retry")
    cancelled = town.shop.post(f"/orders/{placed['order_id']}/cancel").json()
    assert (cancelled["status"], cancelled["task"]["status"]) == ("cancelled", "cancelled")
    assert states(cancelled["task"])["process_payment"] == "cancelled"
    again = town.shop.post(f"/orders/{placed['order_id']}/cancel")
    assert again.status_code == 409
    assert town.one.get(f"/v1/tasks/{task_uuid}").json()["status"] == "cancelled"


def test_what_the_shop_lacks_is_refused_and_the_money_goes_back(town: Town) -> None:
    task = town.at_rest(order(town, items=[{"sku": "cup", "quantity": 4}])["task"]["task_uuid"])
    assert task["status"] == "blocked_by_failures"
    assert next(step["error"] for step in task["steps"] if step["name"] == "reserve_stock") == "only 3 of cup are left"
    (charge,) = town.charges(task, "process_payment")
    assert charge["refunded"]


def test_an_order_and_its_task_are_there_together_or_not_at_all(town: Town) -> None:
    before = (
        town.count("orders"),
        town.one.get("/v1/tasks", params={"per_page": 1}).json()["pagination"]["total_count"],
    )
    refused = town.shop.post("/orders", json={"email": "ann@example.com", "items": [], "card": "tok_visa"})
    assert refused.status_code == 422
    email = f"{uuid.uuid4().hex}@example.com"
    assert town.shop.post("/accounts", json={"email": email, "name": "Ann"}).status_code == 201
    assert town.shop.post("/accounts", json={"email": email, "name": "Bea"}).status_code == 409
    after = (
        town.count("orders"),
        town.one.get("/v1/tasks", params={"per_page": 1}).json()["pagination"]["total_count"],
    )
    assert after == (before[0], before[1] + 1)


def test_a_registration_is_a_diamond(town: Town) -> None:
    email = f"{uuid.uuid4().hex}@example.com"
    registered = town.shop.post("/accounts", json={"email": email, "name": "Ann", "plan": "gold"}).json()
    task = town.at_rest(registered["task"]["task_uuid"])
    assert task["status"] == "complete", task
    account = town.shop.get(f"/accounts/{email}").json()
    assert account["status"] == "active"
    assert account["billing_id"].startswith("cus_")
    assert account["preferences"] == {"newsletter": True, "early_access": True}
    steps = {step["name"]: step for step in town.one.get(f"/v1/tasks/{task['task_uuid']}/workflow_steps").json()}
    for name in ("set_up_billing", "set_preferences"):
        assert steps[name]["completed_at"] <= steps["welcome"]["completed_at"]


def test_a_report_brings_three_sources_together(town: Town) -> None:
    town.at_rest(order(town, items=[{"sku": "pot", "quantity": 1}])["task"]["task_uuid"])
    task = town.at_rest(town.shop.post("/reports").json()["task_uuid"])
    assert task["status"] == "complete", task
    results = {step["name"]: step["result"] for step in task["steps"]}
    figures = results["insights"]["figures"]
    assert figures["orders"] == results["transform_sales"]["orders"] >= 1
    assert figures["sold"]["pot"] >= 1
    assert figures["left"]["cup"] == 3
    assert results["insights"]["order_more_of"] == ["cup"]


def test_refunds_of_one_name_in_two_namespaces(town: Town) -> None:
    small, large = order(town), order(town, items=[{"sku": "pot", "quantity": 2}])
    for placed in (small, large):
        assert town.at_rest(placed["task"]["task_uuid"])["status"] == "complete"

    def ask(placed: dict[str, Any], team: str, **more: Any) -> dict[str, Any]:
        body = {"team": team, "reason": "broken", **more}
        answer = town.shop.post(f"/orders/{placed['order_id']}/refunds", json=body)
        assert answer.status_code == 201, answer.text
        return {**answer.json(), "task": town.at_rest(answer.json()["task"]["task_uuid"])}

    direct = ask(small, "payments")["task"]
    assert (direct["namespace"], direct["name"], direct["status"]) == ("payments", "refund", "complete")
    assert list(states(direct)) == ["check_refundable", "return_money", "restock", "record_refund"]
    assert town.shop.get(f"/orders/{small['order_id']}").json()["status"] == "refunded"

    unapproved = ask(large, "customer_success")["task"]
    assert unapproved["status"] == "blocked_by_failures"
    assert (
        next(s["error"] for s in unapproved["steps"] if s["state"] == "error") == "158.00 EUR need somebody's approval"
    )

    approved = ask(large, "customer_success", approved_by="Bo")
    assert approved["task"]["status"] == "complete", approved
    handed = next(s["result"]["task_uuid"] for s in approved["task"]["steps"] if s["name"] == "hand_to_payments")
    paid = town.at_rest(handed)
    assert (paid["namespace"], paid["status"]) == ("payments", "complete")
    assert town.shop.get(f"/refunds/{approved['refund_id']}").json()["status"] == "paid"
    assert town.shop.get(f"/orders/{large['order_id']}").json()["status"] == "refunded"


def test_two_servers_tell_the_same(town: Town) -> None:
    placed = order(town)
    task_uuid = placed["task"]["task_uuid"]
    waited = town.two.get(f"/v1/tasks/{task_uuid}", params={"wait_ms": 20_000}).json()
    assert waited["status"] == "complete"
    for path in (f"/v1/tasks/{task_uuid}", f"/v1/tasks/{task_uuid}/workflow_steps", "/v1/templates"):
        assert town.one.get(path).json() == town.two.get(path).json()
    body = {"name": "sales_report", "namespace": "analytics", "idempotency_key": uuid.uuid4().hex}
    created = town.one.post("/v1/tasks", json=body)
    assert created.status_code == 201
    duplicate = town.two.post("/v1/tasks", json=body)
    assert duplicate.status_code == 409
    assert created.json()["task_uuid"] in duplicate.text


def test_a_server_that_is_killed_and_started_again_costs_no_order(town: Town) -> None:
    placed = order(town, card="tok_error_once")
    town.stop("one", signal.SIGKILL)
    assert town.at_rest(placed["task"]["task_uuid"])["status"] == "complete"
    town.start_server("one")
    found = town.one.get(f"/v1/tasks/{placed['task']['task_uuid']}").json()
    assert found["status"] == "complete"


def test_the_application_is_killed_and_another_worker_goes_on(town: Town) -> None:
    placed = [order(town, card="tok_error_once") for _ in range(5)]
    town.stop("application", signal.SIGKILL)
    town.start_worker()
    try:
        for each in placed:
            task_uuid = each["task"]["task_uuid"]
            done = town.two.get(f"/v1/tasks/{task_uuid}", params={"wait_ms": 20_000}).json()
            assert done["status"] == "complete", done
            assert len(town.charges_of(f"{task_uuid}:process_payment")) == 1, "each customer was charged once"
    finally:
        town.stop("worker", signal.SIGTERM)
        town.start_application()
    assert town.shop.get(f"/orders/{placed[0]['order_id']}").json()["status"] == "confirmed"


def test_the_application_stops_gracefully(town: Town) -> None:
    town.stop("application", signal.SIGTERM)
    assert "Application shutdown complete" in town.log("application").read_text("utf-8")
    town.start_application()
    assert town.at_rest(order(town)["task"]["task_uuid"])["status"] == "complete"
