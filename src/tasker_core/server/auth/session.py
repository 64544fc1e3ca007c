"""The credentials that a browser keeps after a sign-in: an API key or a token, in a cookie that no script can read.

The cookie counts for the pages and for reading. What writes to the API has to bring its credentials in a header, which
no other site can make a browser send; the pages' own forms carry a token against that.
"""

from __future__ import annotations

from collections.abc import Sequence
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers

COOKIE = "tasker_session"
SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"
"""The pages at which credentials are given and forgotten: they alone take a body from who isn't known."""
LARGEST_FORM = 16 * 1024
READING = ("GET", "HEAD")


class Session:
    """Headers that a browser would send if it could: the credential of its cookie."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = headers

    def getlist(self, key: str) -> Sequence[str]:
        value = self._headers.get(key.lower())
        return [] if value is None else [value]


def kept(credential: str) -> str:
    """What the cookie holds for a credential: whether it is a token, which has two dots, or a key; and itself."""
    return ("token." if credential.count(".") == 2 else "key.") + credential


def session_of(headers: Headers, method: str, path: str, key_header: str) -> Session | None:
    """The credential that the cookie of a request holds, if it has one that counts here."""
    if path.startswith("/v1/") and method not in READING:
        return None
    kind, _, credential = cookies_of(headers).get(COOKIE, "").partition(".")
    if not credential:
        return None
    if kind == "token":
        return Session({"authorization": f"Bearer {credential}"})
    return Session({key_header.lower(): credential})


def cookies_of(headers: Headers) -> dict[str, str]:
    """The cookies of a request by name."""
    found: dict[str, str] = {}
    for line in headers.getlist("cookie"):
        try:
            found |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        except CookieError:
            continue
    return found
