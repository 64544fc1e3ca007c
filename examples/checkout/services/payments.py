"""Taking money, through the payment gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import ValidationError

from examples.checkout.models import Charge
from tasker_core.errors import PermanentError, RetryableError


class CardDeclined(PermanentError):
    """The bank says no; asking again would only annoy it."""


class PaymentRefused(PermanentError):
    """The gateway finds fault with the request itself."""


class GatewayUnavailable(RetryableError):
    """Nobody knows whether the money moved: ask again, with the same idempotency key."""


@dataclass(frozen=True)
class PaymentGateway:
    """The gateway at ``url``; it gets ``timeout`` seconds for each answer."""

    url: str
    timeout: float

    def charge(self, amount_cents: int, currency: str, token: str, idempotency_key: str) -> Charge:
        """Charge the card behind ``token``. However often this is called with one key, the money moves once.

        Raises:
            CardDeclined: with the bank's reason as ``error_code``.
            PaymentRefused: the request is wrong: an unknown token, a key that was used for another payment.
            GatewayUnavailable: no answer, or none that says what happened.
        """
        body = {"amount_cents": amount_cents, "currency": currency, "token": token}
        return self._post("/charges", body, {"Idempotency-Key": idempotency_key})

    def refund(self, charge_id: str) -> Charge:
        """Give back all of a charge. A charge is refunded once, however often this is called."""
        return self._post(f"/charges/{charge_id}/refund", {}, {})

    def _post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> Charge:
        try:
            response = httpx.post(self.url + path, json=body, headers=headers, timeout=self.timeout)
        except httpx.TimeoutException as error:
            raise GatewayUnavailable(f"the payment gateway gave no answer in {self.timeout:g} s") from error
        except httpx.TransportError as error:
            raise GatewayUnavailable(f"the payment gateway can't be reached: {error}") from error
        if response.is_success:
            return _receipt(response)
        raise _refusal(response)


def _receipt(response: httpx.Response) -> Charge:
    try:
        return Charge.model_validate_json(response.content)
    except ValidationError as error:
        raise GatewayUnavailable(f"the payment gateway answered {response.status_code} without a receipt") from error


def _refusal(response: httpx.Response) -> PermanentError | RetryableError:
    code, message = _said(response)
    if response.status_code == httpx.codes.PAYMENT_REQUIRED:
        return CardDeclined(f"card declined: {message}", error_code=code)
    if response.is_server_error or response.status_code in (408, 429):
        wait = response.headers.get("Retry-After", "")
        return GatewayUnavailable(
            f"the payment gateway answered {response.status_code}: {message}",
            error_code=code,
            retry_after=int(wait) if wait.isdecimal() else None,
        )
    return PaymentRefused(f"payment refused ({response.status_code}): {message}", error_code=code)


def _said(response: httpx.Response) -> tuple[str, str]:
    try:
        error = response.json()["error"]
        return str(error["code"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        return f"http_{response.status_code}", response.text.strip() or response.reason_phrase
