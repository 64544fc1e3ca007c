"""Where a server may listen."""

from __future__ import annotations

import socket

import pytest

from tasker_core.errors import InvalidRequestError
from tasker_core.server.auth.binding import check_binding

EVERYWHERE = [
    "0.0.0.0",
    "::",
    "",
    "10.0.0.7",
    "192.168.1.4",
    "::ffff:10.0.0.1",
    "example.invalid",
    "127.0.0.1.example.invalid",
]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "[::1]", "localhost", "::ffff:127.0.0.1"])
def test_this_machine_may_be_open(host: str) -> None:
    check_binding(host, authenticates=False)


@pytest.mark.parametrize("host", EVERYWHERE)
def test_elsewhere_needs_authentication_or_a_word(host: str) -> None:
    with pytest.raises(InvalidRequestError, match="--insecure") as caught:
        check_binding(host, authenticates=False)
    assert caught.value.field == "host" and (host or "all addresses") in str(caught.value)
    check_binding(host, authenticates=True)
    check_binding(host, authenticates=False, insecure=True)


def test_the_name_of_this_machine_counts_as_what_it_resolves_to() -> None:
    name = socket.gethostname()
    addresses = {str(place[4][0]) for place in socket.getaddrinfo(name, None)}
    if all(each.startswith("127.") or each == "::1" for each in addresses):
        check_binding(name, authenticates=False)
    else:
        with pytest.raises(InvalidRequestError):
            check_binding(name, authenticates=False)
