"""The demo's check of itself: it must see what is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from examples.checkout.account import STEPS, Account, Expectation
from examples.checkout.demo import HAPPY

CHARGE = {"charge_id": "ch_1", "amount_cents": 4_034, "refunded": 0, "calls": 1}
GOOD = Account(
    state="complete",
    attempts=dict.fromkeys(STEPS, 1),
    results={"validate_cart": {"total_cents": 4_034}},
    charges=[CHARGE],
    orders=[{"cart_id": "cart-1001", "total_cents": 4_034}],
    mails=1,
)


def test_nothing_is_wrong_with_a_good_account() -> None:
    assert list(HAPPY.expected.disappointments(GOOD)) == []


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (replace(GOOD, state="blocked_by_failures"), "the task's state should be complete, and is blocked_by_failures"),
        (replace(GOOD, charges=[CHARGE, CHARGE]), "the number of charges should be 1, and is 2"),
        (replace(GOOD, charges=[CHARGE, CHARGE]), "the amount charged should be 4034, and is 8068"),
        (replace(GOOD, charges=[CHARGE | {"refunded": 1}]), "the amount charged should be 4034, and is 0"),
        (replace(GOOD, orders=[]), "the number of orders in the books should be 1, and is 0"),
        (replace(GOOD, mails=2), "the number of confirmation mails should be 1, and is 2"),
        (
            replace(GOOD, attempts=GOOD.attempts | {"process_payment": 2}),
            "the attempts of its steps should be (1, 1, 1, 1, 1), and is (1, 2, 1, 1, 1)",
        ),
    ],
)
def test_what_is_wrong_is_said(bad: Account, words: str) -> None:
    assert words in list(HAPPY.expected.disappointments(bad))


def test_an_order_that_failed_must_not_be_charged() -> None:
    expected = Expectation("blocked_by_failures", (1, 1, 0, 0, 0))
    account = replace(GOOD, state="blocked_by_failures", attempts={"validate_cart": 1, "process_payment": 1})
    assert list(expected.disappointments(account)) == [
        "the number of charges should be 0, and is 1",
        "the number of orders in the books should be 0, and is 1",
        "the number of confirmation mails should be 0, and is 1",
    ]
