"""What the routes share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Depends, HTTPException, Request
from pydantic import BaseModel

from fastapi_shop.database import Database
from fastapi_shop.tables import Table
from tasker_core import TaskerClient

Row = TypeVar("Row", bound=Table)


@dataclass(frozen=True)
class Shop:
    """The shop's database, and the client for its tasks."""

    database: Database
    client: TaskerClient

    def find(self, table: type[Row], key: str) -> Row:
        """The row of ``table`` with this key. Raises 404."""
        with self.database.reading() as session:
            row = session.get(table, key)
        if row is None:
            raise HTTPException(404, f"there is no {table.__name__.lower()} {key}")
        return row

    def progress(self, task_uuid: str) -> Progress:
        """How far a task is. Raises TaskNotFoundError."""
        task = self.client.get_task(task_uuid)
        steps = [
            Step(
                name=step.name,
                state=step.current_state,
                attempts=step.attempts,
                result=(step.results or {}).get("result"),
                error=((step.results or {}).get("error") or {}).get("message"),
            )
            for step in self.client.list_task_steps(task_uuid)
        ]
        return Progress(task_uuid=task_uuid, namespace=task.namespace, name=task.name, status=task.status, steps=steps)


class Step(BaseModel):
    name: str
    state: str
    attempts: int
    result: Any
    error: str | None


class Progress(BaseModel):
    """How far a task is, for customers and pages."""

    task_uuid: str
    namespace: str
    name: str
    status: str
    steps: list[Step]

    @property
    def is_at_rest(self) -> bool:
        return self.status in ("complete", "error", "cancelled", "resolved_manually", "blocked_by_failures")


def _shop_of(request: Request) -> Shop:
    shop: Shop = request.app.state.shop
    return shop


TheShop = Annotated[Shop, Depends(_shop_of)]
Team = Literal["payments", "customer_success"]
