"""Forms: reading what a browser sends, and only what a page of this server made it send."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from fastapi import Request, Response

from tasker_core.server.auth.session import cookies_of
from tasker_core.server.errors import ApiError

FORM_COOKIE, SAID_COOKIE = "tasker_form", "tasker_said"
TOKEN = "_token"
LONGEST_SAID = 1_000
"""Characters of an outcome that are kept for the next page: a cookie holds 4,096 bytes."""


@dataclass(frozen=True, slots=True)
class Said:
    """What became of an action, for the page that follows it: ``kind`` is done or refused."""

    kind: str
    text: str


def secret_of(request: Request) -> str | None:
    """What the tokens of this browser's forms are made from; None for a browser that has none yet."""
    given = cookies_of(request.headers).get(FORM_COOKIE, "")
    return given if len(given) == 43 else None


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def token_of(secret: str) -> str:
    """The token that a form carries: another site can send the cookie's browser here, it can't know this."""
    return hmac.new(secret.encode(), b"a form of the dashboard", hashlib.sha256).hexdigest()


def keep(response: Response, request: Request, name: str, value: str, seconds: int | None = None) -> None:
    """Set a cookie that no script reads and no other site's request carries."""
    response.set_cookie(
        name, value, max_age=seconds, path="/", httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form. Raises ApiError for one that no page of this server can have sent."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", "this takes what a form sends")
    text = (await request.body()).decode("utf-8", "replace")
    fields = {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True, max_num_fields=500).items()}
    secret = secret_of(request)
    given = fields.pop(TOKEN, "")
    if secret is None or not hmac.compare_digest(token_of(secret).encode(), given.encode()) or not _is_own(request):
        raise ApiError(403, "FORBIDDEN", "this form isn't one of this server, or too old: load the page and try again")
    return fields


def _is_own(request: Request) -> bool:
    """Whether a page of this host sent the request, as far as the browser says so."""
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def remember(response: Response, request: Request, said: Said) -> None:
    """Have the next page say what became of an action."""
    text = said.text if len(said.text) <= LONGEST_SAID else said.text[: LONGEST_SAID - 1] + "…"
    packed = base64.urlsafe_b64encode(json.dumps([said.kind, text]).encode()).decode().rstrip("=")
    keep(response, request, SAID_COOKIE, packed, 60)


def remembered(cookies: Mapping[str, str]) -> Said | None:
    packed = cookies.get(SAID_COOKIE, "")
    try:
        kind, text = json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    except ValueError:
        return None
    return Said("done" if kind == "done" else "refused", str(text))
