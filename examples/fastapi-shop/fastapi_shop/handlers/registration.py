"""Registration: a diamond."""

from __future__ import annotations

import uuid

from pydantic import BaseModel

from fastapi_shop.database import database
from fastapi_shop.mails import send
from fastapi_shop.tables import Account
from tasker_core import StepContext
from tasker_core.step_handler import depends_on, inputs, step_handler

PLANS = {"free": {"newsletter": True}, "gold": {"newsletter": True, "early_access": True}}


class Created(BaseModel):
    email: str
    plan: str


@step_handler("account_create")
@inputs("email")
def create_account(email: str) -> Created:
    with database().writing() as session:
        account = session.get_one(Account, email)
        account.status = "created"
        return Created(email=email, plan=account.plan)


@step_handler("account_set_up_billing")
@depends_on(created=("create_account", Created))
def set_up_billing(created: Created, context: StepContext) -> dict[str, str | None]:
    if created.plan == "free":
        return {"billing_id": None}
    # The same key gives the same id, so a second attempt finds the customer that the first one made.
    billing_id = f"cus_{uuid.uuid5(uuid.NAMESPACE_URL, context.idempotency_key).hex[:12]}"
    with database().writing() as session:
        session.get_one(Account, created.email).billing_id = billing_id
    return {"billing_id": billing_id}


@step_handler("account_set_preferences")
@depends_on(created=("create_account", Created))
def set_preferences(created: Created) -> dict[str, bool]:
    preferences = PLANS[created.plan]
    with database().writing() as session:
        session.get_one(Account, created.email).preferences = dict(preferences)
    return preferences


@step_handler("account_welcome")
@depends_on(created=("create_account", Created), billing="set_up_billing", preferences="set_preferences")
def welcome(created: Created, billing: dict[str, str | None], preferences: dict[str, bool]) -> dict[str, str]:
    with database().writing() as session:
        session.get_one(Account, created.email).status = "active"
    send(f"account {created.email}", created.email, f"Welcome! Your plan is {created.plan}.")
    return {"welcomed": created.email, "billing_id": billing["billing_id"] or "none"}
