"""Pages for people: the shop's newest orders, and how far each task is."""

from __future__ import annotations

from html import escape

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from fastapi_shop.shop import TheShop
from fastapi_shop.tables import Order

router = APIRouter(include_in_schema=False)
NEWEST = 50
STYLE = (
    "body{font:16px/1.5 system-ui;max-width:50rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}"
    "td,th{text-align:left;padding:.3rem .8rem;border-bottom:1px solid #ddd}.complete{color:#176f2c}.error,"
    ".blocked_by_failures{color:#a4161a}.waiting_for_retry{color:#8a5a00}"
)


@router.get("/")
def shop_window(shop: TheShop) -> HTMLResponse:
    with shop.database.reading() as session:
        orders = session.scalars(select(Order).order_by(Order.placed_at.desc()).limit(NEWEST)).all()
    rows = [
        [_link(f"/pages/tasks/{order.task_uuid}", order.id), escape(order.email), _state(order.status)]
        for order in orders
    ]
    return _page("Orders", _table(["order", "customer", "status"], rows))


@router.get("/pages/tasks/{task_uuid}")
def task_page(task_uuid: str, shop: TheShop) -> HTMLResponse:
    progress = shop.progress(task_uuid)
    rows = [
        [escape(step.name), _state(step.state), str(step.attempts), escape(step.error or "")] for step in progress.steps
    ]
    title = f"{progress.namespace}/{progress.name}"
    body = f"<p>{_state(progress.status)}</p>" + _table(["step", "state", "attempts", ""], rows)
    return _page(title, body, refresh=not progress.is_at_rest)


def _page(title: str, body: str, *, refresh: bool = False) -> HTMLResponse:
    again = '<meta http-equiv="refresh" content="1">' if refresh else ""
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{again}<title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>{body}"
        f"<p>{_link('/', 'all orders')}</p></body></html>"
    )


def _table(heads: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _state(name: str) -> str:
    return f'<span class="{escape(name)}">{escape(name.replace("_", " "))}</span>'


def _link(target: str, words: str) -> str:
    return f'<a href="{escape(target)}">{escape(words)}</a>'
