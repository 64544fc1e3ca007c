"""What hosts and addresses are: this machine, a private network, the world."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address


def address_of(host: str) -> Address | None:
    """The address that ``host`` is written as, in brackets or not, or None for a name.

    >>> address_of("[::1]"), address_of("localhost")
    (IPv6Address('::1'), None)
    """
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine by its name alone, with nobody asked: what a resolver says can change.

    >>> is_loopback("127.0.0.2"), is_loopback("api.localhost"), is_loopback("localhost.example.com")
    (True, True, False)
    """
    address = address_of(host)
    if address is not None:
        return address.is_loopback
    name = host.lower().removesuffix(".")
    return name == "localhost" or name.endswith(".localhost")


def is_private(address: Address) -> bool:
    """Whether ``address`` is one inside a network, or of no single machine."""
    return not address.is_global or address.is_multicast


def resolved(host: str) -> list[Address]:
    """All addresses of ``host``. Raises OSError for a name that isn't known."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [address for _, _, _, _, place in found if (address := address_of(str(place[0]).partition("%")[0]))]
