"""The shop's own tables. What a task is doing isn't in them: Tasker knows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Table(DeclarativeBase):
    type_annotation_map = {dict[str, Any]: JSON, list[dict[str, Any]]: JSON}  # noqa: RUF012


class Product(Table):
    __tablename__ = "products"

    sku: Mapped[str] = mapped_column(String, primary_key=True)
    name: Mapped[str]
    price_cents: Mapped[int]
    stock: Mapped[int]


class Order(Table):
    """``key`` is the customer's idempotency key: one click more is no order more."""

    __tablename__ = "orders"

    id: Mapped[str] = mapped_column(String, primary_key=True)
    key: Mapped[str] = mapped_column(String, unique=True)
    email: Mapped[str]
    items: Mapped[list[dict[str, Any]]]
    status: Mapped[str] = mapped_column(default="placed")
    total_cents: Mapped[int | None]
    charge_id: Mapped[str | None]
    placed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=lambda: datetime.now(UTC))
    task_uuid: Mapped[str]


class Reservation(Table):
    """Goods that were taken off the shelf for an order, once however often the step runs."""

    __tablename__ = "reservations"

    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    sku: Mapped[str] = mapped_column(ForeignKey("products.sku"), primary_key=True)
    quantity: Mapped[int]


class Refund(Table):
    __tablename__ = "refunds"

    id: Mapped[str] = mapped_column(String, primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    team: Mapped[str]
    reason: Mapped[str]
    status: Mapped[str] = mapped_column(default="asked")
    task_uuid: Mapped[str]


class Account(Table):
    __tablename__ = "accounts"

    email: Mapped[str] = mapped_column(String, primary_key=True)
    name: Mapped[str]
    plan: Mapped[str]
    status: Mapped[str] = mapped_column(default="new")
    billing_id: Mapped[str | None]
    preferences: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    task_uuid: Mapped[str]


class Mail(Table):
    """What customers were told. ``about`` makes each mail one, however often its step runs."""

    __tablename__ = "mails"

    about: Mapped[str] = mapped_column(String, primary_key=True)
    to: Mapped[str]
    text: Mapped[str]
