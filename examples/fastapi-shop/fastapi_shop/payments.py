"""Money, through the payment gateway."""

from __future__ import annotations

from typing import Any

import httpx
from pydantic import BaseModel

from fastapi_shop.settings import Settings
from tasker_core import PermanentError, RetryableError


class Charge(BaseModel):
    charge_id: str
    amount_cents: int
    currency: str


def charge(amount_cents: int, card: str, idempotency_key: str) -> Charge:
    """Charge a card; with the same key it is charged once, however often this is called.

    Raises PermanentError when the bank says no, RetryableError when nobody knows whether the money moved.
    """
    body = {"amount_cents": amount_cents, "currency": "EUR", "token": card}
    return _post("/charges", body, {"Idempotency-Key": idempotency_key})


def refund(charge_id: str) -> Charge:
    """Give back a charge, once however often this is called."""
    return _post(f"/charges/{charge_id}/refund", {}, {})


def _post(path: str, body: dict[str, Any], headers: dict[str, str]) -> Charge:
    settings = Settings.from_environment()
    try:
        answer = httpx.post(settings.gateway_url + path, json=body, headers=headers, timeout=settings.gateway_timeout)
    except httpx.TransportError as error:
        raise RetryableError(f"the payment gateway doesn't answer: {error}", error_code="gateway_silent") from error
    if answer.is_success:
        return Charge.model_validate_json(answer.content)
    said = answer.json()["error"]
    if answer.is_server_error:
        raise RetryableError(f"the payment gateway has trouble: {said['message']}", error_code=said["code"])
    raise PermanentError(f"payment refused: {said['message']}", error_code=said["code"])
