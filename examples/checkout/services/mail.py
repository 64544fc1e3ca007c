"""Telling the customer."""

from __future__ import annotations

import hashlib
import smtplib
from email.message import EmailMessage

from examples.checkout.models import Confirmation, PlacedOrder, PricedCart
from examples.checkout.services.money import shown
from tasker_core.errors import PermanentError, RetryableError

SENDER = "Tea and Such <orders@teashop.example>"


class MailRefused(PermanentError):
    """The mail server will never take this: an address that doesn't exist, most likely."""


class MailUnavailable(RetryableError):
    """The mail server is away or busy."""


def confirmation(order: PlacedOrder, cart: PricedCart, to: str, idempotency_key: str) -> EmailMessage:
    """Write the mail. Its Message-ID follows from the key, so a mail that is sent again can be known as the same."""
    mail = EmailMessage()
    mail["From"] = SENDER
    mail["To"] = to
    mail["Subject"] = f"Your order {order.order_number}"
    mail["Message-ID"] = f"<{hashlib.sha256(idempotency_key.encode()).hexdigest()[:32]}@teashop.example>"
    mail.set_content("\n".join(["Thank you for your order.", "", *_table(cart), "", "Your tea shop", ""]))
    return mail


def send(mail: EmailMessage, host: str, port: int, timeout: float = 10.0) -> Confirmation:
    """Hand ``mail`` to the server at ``host:port``.

    Raises:
        MailRefused: the server said never (a 5xx answer).
        MailUnavailable: the server said later, or nothing.
    """
    try:
        with smtplib.SMTP(host, port, timeout=timeout) as server:
            server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        raise _refusal(code, text) from error
    except smtplib.SMTPResponseException as error:
        raise _refusal(error.smtp_code, error.smtp_error) from error
    except smtplib.SMTPNotSupportedError as error:
        raise MailRefused(f"mail refused: {error}") from error
    except OSError as error:
        raise MailUnavailable(f"the mail server {host}:{port} can't be reached: {error}") from error
    return Confirmation(message_id=mail["Message-ID"], sent_to=mail["To"])


def _refusal(code: int, text: bytes | str) -> PermanentError | RetryableError:
    said = f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
    if code >= 500:
        return MailRefused(f"mail refused: {said}", error_code=f"smtp_{code}")
    return MailUnavailable(f"mail not taken yet: {said}", error_code=f"smtp_{code}")


def _table(cart: PricedCart) -> list[str]:
    rows = [(f"{line.quantity} x {line.name}", line.total_cents) for line in cart.lines]
    rows += [("Shipping", cart.shipping_cents), ("Tax", cart.tax_cents), ("Total", cart.total_cents)]
    return [f"{what:<42}{shown(cents, cart.currency):>16}" for what, cents in rows]
