"""A payment gateway to test against, as a process of its own: ``python -m examples.checkout.gateway``.

It behaves as the well-known ones do. ``POST /charges`` with an ``Idempotency-Key`` charges once for each key, and tells
the shop when it had charged it before; ``POST /charges/{id}/refund`` gives it back; ``GET /charges`` reads the ledger.
Tokens stand for cards, and some of them for trouble:

====================  ================================================================================
``tok_visa``          pays; so does ``tok_mastercard``
``tok_declined``      402; so do ``tok_insufficient_funds`` and ``tok_expired_card``
``tok_slow_both``     as ``tok_slow_once``, and so does its refund
``tok_slow_once``     pays the first time too, but says so only if asked again: the caller hangs up first
``tok_error_once``    503 the first time, before anything is charged
``tok_fail``          500, always
====================  ================================================================================
"""

from __future__ import annotations

import argparse
import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, Field, StrictInt, ValidationError

from examples.checkout.ledger import KeyUsedOtherwise, Ledger, Payment

SLOW = {"tok_slow_once", "tok_slow_both"}
PAYS = {"tok_visa", "tok_mastercard", "tok_error_once", *SLOW}
DECLINES = {
    "tok_declined": ("card_declined", "the bank declined the card"),
    "tok_insufficient_funds": ("insufficient_funds", "the account doesn't hold that much"),
    "tok_expired_card": ("expired_card", "the card has expired"),
}
LONGEST_HANG = 300.0


class ChargeRequest(BaseModel):
    amount_cents: StrictInt = Field(gt=0)
    currency: str = Field(pattern="^[A-Z]{3}$")
    token: str


class Refusal(Exception):
    """An answer other than success."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, headers


class Gateway(ThreadingHTTPServer):
    """The gateway on ``127.0.0.1:port`` (0: any free one), with its ledger."""

    daemon_threads = True

    def __init__(self, port: int, ledger: Ledger) -> None:
        super().__init__(("127.0.0.1", port), GatewayRequest)
        self.ledger = ledger

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class GatewayRequest(BaseHTTPRequestHandler):
    """One request of a shop."""

    protocol_version = "HTTP/1.1"
    server: Gateway

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path != "/charges":
            return self._answer(404, _error("not_found", f"there is no {address.path}"))
        key = parse_qs(address.query).get("idempotency_key", [None])[0]
        return self._answer(200, {"charges": self.server.ledger.charges(key)})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            match self.path.strip("/").split("/"):
                case ["charges"]:
                    self._charge(body)
                case ["charges", charge_id, "refund"]:
                    self._refund(charge_id)
                case _:
                    raise Refusal(404, "not_found", f"there is no {self.path}")
        except Refusal as refusal:
            headers = {name.replace("_", "-"): value for name, value in refusal.headers.items()}
            self._answer(refusal.status, _error(refusal.code, str(refusal)), headers)

    def _charge(self, body: bytes) -> None:
        key = self.headers.get("Idempotency-Key")
        if not key:
            raise Refusal(400, "idempotency_key_missing", "send an Idempotency-Key header, or a retry would pay twice")
        payment = _payment(body)
        first_call = self.server.ledger.count_call(key) == 1
        _raise_trouble(payment.token, first_call)
        try:
            charge, replayed = self.server.ledger.charge(payment, key)
        except KeyUsedOtherwise:
            raise Refusal(
                422, "idempotency_key_reused", "this Idempotency-Key belongs to a payment with another body"
            ) from None
        if payment.token in SLOW and not replayed:
            return self._wait_until_the_caller_hangs_up()
        return self._answer(200 if replayed else 201, charge | {"replayed": replayed})

    def _refund(self, charge_id: str) -> None:
        refunded = self.server.ledger.refund(charge_id)
        if refunded is None:
            raise Refusal(404, "no_such_charge", f"there is no charge {charge_id}")
        charge, replayed = refunded
        if charge["token"] == "tok_slow_both" and not replayed:
            return self._wait_until_the_caller_hangs_up()
        return self._answer(200, charge | {"replayed": replayed})

    def _wait_until_the_caller_hangs_up(self) -> None:
        """The caller's patience or its life ends; either way it doesn't learn that the money has moved."""
        self.close_connection = True
        self.connection.settimeout(LONGEST_HANG)
        try:
            self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return

    def _answer(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        payload = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


def _payment(body: bytes) -> Payment:
    try:
        request = ChargeRequest.model_validate_json(body)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors())
        raise Refusal(400, "bad_request", wrong) from None
    return Payment(request.amount_cents, request.currency, request.token)


def _raise_trouble(token: str, first_call: bool) -> None:
    if token in DECLINES:
        raise Refusal(402, *DECLINES[token])
    if token == "tok_fail":
        raise Refusal(500, "internal_error", "the gateway has a bad day")
    if token == "tok_error_once" and first_call:
        raise Refusal(503, "overloaded", "too much going on, come back later", Retry_After="1")
    if token not in PAYS:
        raise Refusal(400, "unknown_token", f"no card stands behind {token!r}")


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m examples.checkout.gateway", description="A payment gateway.")
    parser.add_argument("--port", type=int, default=8630, help="0 takes any free one (default: %(default)s)")
    parser.add_argument("--ledger", type=Path, default=Path("ledger.db"), help="SQLite file (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        gateway = Gateway(arguments.port, Ledger(arguments.ledger))
    except OSError as error:
        parser.error(f"can't listen on port {arguments.port}: {error.strerror}; choose another one with --port")
    with gateway:
        print(f"gateway listening on {gateway.url}", flush=True)
        try:
            gateway.serve_forever()
        except KeyboardInterrupt:
            print("gateway stopped")


if __name__ == "__main__":
    main()
