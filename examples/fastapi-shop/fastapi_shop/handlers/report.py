"""A sales report: three extracts at once, three transforms at once, one aggregate, its insights."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pydantic import BaseModel
from sqlalchemy import select

from fastapi_shop.database import database
from fastapi_shop.tables import Account, Order, Product
from tasker_core.step_handler import depends_on, step_handler

LOW_STOCK = 5


class Rows(BaseModel):
    """What an extract read."""

    rows: list[dict[str, Any]]


class Sales(BaseModel):
    orders: int
    buyers: int
    revenue_cents: int
    sold: dict[str, int]


class Stock(BaseModel):
    left: dict[str, int]


class Customers(BaseModel):
    by_plan: dict[str, int]


class Figures(BaseModel):
    orders: int
    revenue_cents: int
    revenue_per_buyer_cents: int
    sold: dict[str, int]
    left: dict[str, int]
    by_plan: dict[str, int]


@step_handler("report_extract_sales")
def extract_sales() -> Rows:
    with database().reading() as session:
        orders = session.scalars(select(Order).where(Order.status == "confirmed").order_by(Order.id))
        return Rows(
            rows=[{"email": order.email, "total_cents": order.total_cents, "items": order.items} for order in orders]
        )


@step_handler("report_extract_stock")
def extract_stock() -> Rows:
    with database().reading() as session:
        products = session.scalars(select(Product).order_by(Product.sku))
        return Rows(rows=[{"sku": product.sku, "stock": product.stock} for product in products])


@step_handler("report_extract_customers")
def extract_customers() -> Rows:
    with database().reading() as session:
        accounts = session.scalars(select(Account).where(Account.status == "active").order_by(Account.email))
        return Rows(rows=[{"email": account.email, "plan": account.plan} for account in accounts])


@step_handler("report_transform_sales")
@depends_on(extract=("extract_sales", Rows))
def transform_sales(extract: Rows) -> Sales:
    sold: Counter[str] = Counter()
    for row in extract.rows:
        for item in row["items"]:
            sold[item["sku"]] += item["quantity"]
    return Sales(
        orders=len(extract.rows),
        buyers=len({row["email"] for row in extract.rows}),
        revenue_cents=sum(row["total_cents"] for row in extract.rows),
        sold=dict(sold),
    )


@step_handler("report_transform_stock")
@depends_on(extract=("extract_stock", Rows))
def transform_stock(extract: Rows) -> Stock:
    return Stock(left={row["sku"]: row["stock"] for row in extract.rows})


@step_handler("report_transform_customers")
@depends_on(extract=("extract_customers", Rows))
def transform_customers(extract: Rows) -> Customers:
    return Customers(by_plan=dict(Counter(row["plan"] for row in extract.rows)))


@step_handler("report_aggregate")
@depends_on(
    sales=("transform_sales", Sales), stock=("transform_stock", Stock), customers=("transform_customers", Customers)
)
def aggregate(sales: Sales, stock: Stock, customers: Customers) -> Figures:
    return Figures(
        orders=sales.orders,
        revenue_cents=sales.revenue_cents,
        revenue_per_buyer_cents=sales.revenue_cents // sales.buyers if sales.buyers else 0,
        sold=sales.sold,
        left=stock.left,
        by_plan=customers.by_plan,
    )


@step_handler("report_insights")
@depends_on(figures=("aggregate", Figures))
def insights(figures: Figures) -> dict[str, Any]:
    best = max(figures.sold, key=lambda sku: (figures.sold[sku], sku), default=None)
    return {
        "figures": figures.model_dump(),
        "best_seller": best,
        "order_more_of": sorted(sku for sku, left in figures.left.items() if left < LOW_STOCK),
    }
