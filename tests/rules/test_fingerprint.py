"""The same fault in a thousand tasks is one group, and different faults are different ones."""

from __future__ import annotations

import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_core.rules.fingerprint import Fault, normalised

FAULT = Fault("shop", "order", "pay", "max_retries_exceeded", "handler_error", "", "gateway says no")


@pytest.mark.parametrize(("message", "plain"), [
    ("order 4711 not found", "order <n> not found"),
    ("KeyError: 'sku'", "KeyError: <text>"),
    ('no such user "ann o\'hara"', "no such user <text>"),
    ("it can't be done, it isn't there", "it can't be done, it isn't there"),
    ("charge ch_1A2b3C declined", "charge <id> declined"),
    ("user 0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee is gone", "user <id> is gone"),
    ("<Foo object at 0x7f12ab34cd>", "<Foo object at <id>>"),
    ("can't read /var/orders/2024-05-01/7.csv", "can't read <path>"),
    (r"can't read C:\orders\x.csv", "can't read <path>"),
    ("ann@shop.example isn't known", "<email> isn't known"),
    ("GET https://gateway.example/charges/7?try=2 timed out after 30s", "GET <url> timed out after <n>"),
    ("10.0.0.7:5432 refused the connection", "<n> refused the connection"),
    ("since 2024-05-01T10:00:00Z, 12.5 % of 3 MiB", "since <time>, <n> of <n>"),
    ("two\n  lines\tand   blanks", "two lines and blanks"),
    ("", ""),
])  # fmt: skip
def test_what_differs_from_task_to_task_is_left_out(message: str, plain: str) -> None:
    assert normalised(message) == plain


@pytest.mark.parametrize(
    "said", ["HTTP 502", "status 404", "status code: 404", "exit code 137", "errno 28", "signal 9"]
)
def test_a_status_says_what_went_wrong_and_stays(said: str) -> None:
    assert normalised(f"{said} from the gateway") == f"{said} from the gateway"


@given(st.integers(0, 10**12), st.uuids(), st.text(st.characters(codec="ascii", categories=["L", "N", "Zs"])))
def test_numbers_ids_and_quoted_values_make_no_new_group(number: int, some: uuid.UUID, quoted: str) -> None:
    def fault(n: object, i: object, q: object) -> Fault:
        return FAULT._replace(message=f"order {n} of {i}: no stock for '{q}'")

    one, other = fault(number, some, quoted), fault(3, uuid.UUID(int=7), "tea")
    assert (one.fingerprint, one.title) == (other.fingerprint, other.title)


@given(st.text())
def test_whatever_a_handler_says_has_a_fingerprint_and_what_is_plain_stays(message: str) -> None:
    assert len(FAULT._replace(message=message).fingerprint) == 16
    assert len(normalised(message)) <= 300


@pytest.mark.parametrize("change", [
    {"namespace": "bank"}, {"template": "refund"}, {"step": "ship"}, {"reason": "worker_lost"},
    {"error_type": "timeout"}, {"error_code": "declined"}, {"message": "gateway says nothing"},
])  # fmt: skip
def test_another_fault_is_another_group(change: dict[str, str]) -> None:
    assert FAULT._replace(**change).fingerprint != FAULT.fingerprint


def test_parts_arent_run_together() -> None:
    assert (
        FAULT._replace(namespace="a", template="bc").fingerprint
        != FAULT._replace(namespace="ab", template="c").fingerprint
    )


@pytest.mark.parametrize("bad", ["'", " '", "a-", "/a", "1.", "a@", "\\", "'\\", "1:1,", "\"'`", "x" * 50 + "1"])
def test_a_message_made_to_be_slow_isnt(bad: str) -> None:
    began = time.process_time()
    normalised(bad * 50_000)
    assert time.process_time() - began < 2, "a look at 2,000 characters, not at all of it"
