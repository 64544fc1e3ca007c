"""Accounts: registered, looked at."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy.exc import IntegrityError

from fastapi_shop.shop import Progress, TheShop
from fastapi_shop.tables import Account
from tasker_core import DuplicateTaskError

router = APIRouter(prefix="/accounts", tags=["accounts"])


class NewAccount(BaseModel):
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    name: str = Field(min_length=1)
    plan: Literal["free", "gold"] = "free"


class RegisteredAccount(BaseModel):
    email: str
    status: str
    plan: str
    billing_id: str | None
    preferences: dict[str, Any] | None
    task: Progress


@router.post("", status_code=201)
def register(new: NewAccount, shop: TheShop) -> RegisteredAccount:
    """Register an account. An address that has one is refused, and nothing is created."""
    try:
        with shop.database.writing() as session:
            task = shop.client.create_task(
                "registration", namespace="accounts", context={"email": new.email}, connection=session
            )
            session.add(Account(email=new.email, name=new.name, plan=new.plan, task_uuid=task.task_uuid))
    except (DuplicateTaskError, IntegrityError):
        raise HTTPException(409, f"{new.email} has an account already") from None
    return look(new.email, shop)


@router.get("/{email}")
def look(email: str, shop: TheShop) -> RegisteredAccount:
    """An account, and how far its registration is."""
    account = shop.find(Account, email)
    return RegisteredAccount(
        email=account.email,
        status=account.status,
        plan=account.plan,
        billing_id=account.billing_id,
        preferences=account.preferences,
        task=shop.progress(account.task_uuid),
    )
