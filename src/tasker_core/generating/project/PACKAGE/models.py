"""What goes into an order, and what each step finds out."""

from __future__ import annotations

from pydantic import BaseModel


class Order(BaseModel):
    sku: str
    quantity: int
    card: str


class Price(BaseModel):
    cents: int


class Charge(BaseModel):
    charge_id: str
    cents: int


class Parcel(BaseModel):
    tracking: str
