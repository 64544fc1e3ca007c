"""What customers are told."""

from __future__ import annotations

from fastapi_shop.database import database
from fastapi_shop.tables import Mail


def send(about: str, to: str, text: str) -> None:
    """Write a mail into the outbox; one about the same thing is written once, however often this is called."""
    with database().writing() as session:
        session.merge(Mail(about=about, to=to, text=text))
