"""Whether a server may listen where it is told to."""

from __future__ import annotations

from tasker_core.errors import InvalidRequestError
from tasker_core.server.auth.addresses import address_of, resolved


def check_binding(host: str, *, authenticates: bool, insecure: bool = False) -> None:
    """Raises InvalidRequestError where a server that asks nobody who they are could be reached from elsewhere.

    Args:
        host: the address, or the name of one, that the server is to listen on.
        authenticates: whether it has keys or tokens to know its callers by.
        insecure: that this is wanted.

    >>> check_binding("127.0.0.1", authenticates=False)
    >>> check_binding("0.0.0.0", authenticates=True)
    >>> check_binding("0.0.0.0", authenticates=False)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    tasker_core.errors.client.InvalidRequestError: without authentication a server listens on this machine only, ...
    """
    if authenticates or insecure or _is_this_machine(host):
        return
    raise InvalidRequestError(
        f"without authentication a server listens on this machine only, not on {host or 'all addresses'}: give it API "
        "keys or tokens in [server.auth], or say --insecure if whoever can reach it may do everything",
        field="host",
    )


def _is_this_machine(host: str) -> bool:
    address = address_of(host)
    if address is not None:
        return address.is_loopback
    try:
        addresses = resolved(host) if host else []
    except OSError:
        return False
    return bool(addresses) and all(each.is_loopback for each in addresses)
