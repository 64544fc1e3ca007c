"""What a lease's worker must bring back: a text that only a server of the same database can have written.

So that no server has to remember which leases it handed out: it may be restarted, or another one be asked.
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import NamedTuple

from tasker_core.words import Lease, LeaseKey

MAC_BYTES = 16
_NAMED = re.compile(r"([0-9]{1,18})\.([0-9]{1,9})\.([0-9]{1,18})")


class LeaseUnknownError(Exception):
    """A lease that no server of this database handed out."""


class Ticket(NamedTuple):
    """What a report needs of the lease that it is about."""

    worker: int
    key: LeaseKey
    template: str
    step: str
    attempt: int
    crashes: int
    rank: int


def lease_id(key: LeaseKey) -> str:
    """A lease as requests name it."""
    return f"{key.task}.{key.no}.{key.fence}"


def key_of(named: str) -> LeaseKey | None:
    """The lease that ``lease_id`` named; None for any other text."""
    if (found := _NAMED.fullmatch(named)) is None:
        return None
    return LeaseKey(*map(int, found.groups()))


class Seal:
    """Writes and reads tickets. ``secret`` is the one of the database.

    >>> from tasker_core.words import LeaseKey
    >>> seal, key = Seal("s3cret"), LeaseKey(7, 2, 1)
    >>> seal.open("7.2.1", seal.token(Ticket(4, key, "t-1", "pay", 1, 0, 9))).step
    'pay'
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def token(self, ticket: Ticket) -> str:
        body = json.dumps(ticket, separators=(",", ":")).encode("ascii")
        return (urlsafe_b64encode(body) + b"." + urlsafe_b64encode(self._mac(body))).decode("ascii")

    def open(self, named: str, token: str) -> Ticket:
        """The ticket of the lease ``named``. Raises LeaseUnknownError where the token isn't its."""
        body, _, mac = token.partition(".")
        try:
            said, sealed = urlsafe_b64decode(body.encode("ascii")), urlsafe_b64decode(mac.encode("ascii"))
        except ValueError:
            raise LeaseUnknownError from None
        if not hmac.compare_digest(self._mac(said), sealed):
            raise LeaseUnknownError
        worker, key, *rest = json.loads(said)
        ticket = Ticket(worker, LeaseKey(*key), *rest)
        if lease_id(ticket.key) != named:
            raise LeaseUnknownError
        return ticket

    def _mac(self, body: bytes) -> bytes:
        return blake2b(body, key=self._secret, digest_size=MAC_BYTES).digest()


def ticket_of(lease: Lease) -> Ticket:
    return Ticket(lease.worker, lease.key, lease.template, lease.step, lease.attempt, lease.crashes, lease.rank)
