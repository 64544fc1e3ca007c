"""Refunds, of which two teams have their own idea: both workflows are called ``refund``, in a namespace each."""

from __future__ import annotations

from pydantic import BaseModel
from sqlalchemy import select

from fastapi_shop import payments
from fastapi_shop.database import database
from fastapi_shop.mails import send
from fastapi_shop.payments import Charge
from fastapi_shop.settings import Settings
from fastapi_shop.tables import Order, Product, Refund, Reservation
from tasker_core import PermanentError, StepContext, TaskerClient
from tasker_core.step_handler import depends_on, inputs, step_handler

LARGEST_WITHOUT_ASKING = 10_000
"""Cents that the support team gives back without anybody's word."""


class Refundable(BaseModel):
    order_id: str
    charge_id: str
    amount_cents: int


class Request(BaseModel):
    order_id: str
    email: str
    amount_cents: int
    reason: str


def _refundable(order_id: str) -> Order:
    with database().reading() as session:
        order = session.get(Order, order_id)
    if order is None or order.charge_id is None:
        raise PermanentError(f"order {order_id} hasn't been paid", error_code="not_paid")
    if order.status == "refunded":
        raise PermanentError(f"order {order_id} has been refunded already", error_code="refunded_before")
    return order


@step_handler("payments_check_refundable")
@inputs("order_id")
def check_refundable(order_id: str) -> Refundable:
    order = _refundable(order_id)
    return Refundable(order_id=order_id, charge_id=order.charge_id or "", amount_cents=order.total_cents or 0)


@step_handler("payments_return_money")
@depends_on(refundable=("check_refundable", Refundable))
def return_money(refundable: Refundable) -> Charge:
    return payments.refund(refundable.charge_id)


@step_handler("payments_restock")
@inputs("order_id")
def restock(order_id: str) -> dict[str, int]:
    with database().writing() as session:
        reservations = session.scalars(select(Reservation).where(Reservation.order_id == order_id)).all()
        for reservation in reservations:
            session.get_one(Product, reservation.sku, with_for_update=True).stock += reservation.quantity
            session.delete(reservation)
    return {"lines": len(reservations)}


@step_handler("payments_record_refund")
@depends_on(charge=("return_money", Charge))
@inputs("order_id")
def record_refund(charge: Charge, order_id: str, context: StepContext) -> dict[str, int]:
    with database().writing() as session:
        session.get_one(Order, order_id).status = "refunded"
        for refund in session.scalars(select(Refund).where(Refund.order_id == order_id)):
            refund.status = "paid"
    return {"amount_cents": charge.amount_cents}


@step_handler("support_read_request")
@inputs("order_id", "reason")
def read_request(order_id: str, reason: str) -> Request:
    order = _refundable(order_id)
    return Request(order_id=order_id, email=order.email, amount_cents=order.total_cents or 0, reason=reason)


@step_handler("support_check_policy")
@depends_on(request=("read_request", Request))
def check_policy(request: Request) -> dict[str, bool]:
    if not request.reason.strip():
        raise PermanentError("a refund needs a reason", error_code="no_reason")
    return {"needs_approval": request.amount_cents > LARGEST_WITHOUT_ASKING}


@step_handler("support_approve")
@depends_on(policy="check_policy", request=("read_request", Request))
@inputs("approved_by")
def approve(policy: dict[str, bool], request: Request, approved_by: str | None) -> dict[str, str]:
    if policy["needs_approval"] and not approved_by:
        raise PermanentError(
            f"{request.amount_cents / 100:.2f} EUR need somebody's approval", error_code="approval_needed"
        )
    return {"approved_by": approved_by or "policy"}


@step_handler("support_hand_to_payments")
@inputs("order_id", "refund_id")
def hand_to_payments(order_id: str, refund_id: str, context: StepContext) -> dict[str, str]:
    """Create the payments team's refund. A second attempt finds the task that the first one created."""
    with TaskerClient(database_url=Settings.from_environment().database_url) as client:
        task = client.create_task(
            "refund",
            namespace="payments",
            context={"order_id": order_id},
            idempotency_key=refund_id,
            parent_correlation_id=str(context.correlation_id),
            on_duplicate="return",
        )
    return {"task_uuid": task.task_uuid}


@step_handler("support_answer_customer")
@depends_on(handed="hand_to_payments", request=("read_request", Request))
def answer_customer(handed: dict[str, str], request: Request) -> dict[str, str]:
    send(f"refund {request.order_id}", request.email, f"{request.amount_cents / 100:.2f} EUR are on their way back.")
    return {"told": request.email}
