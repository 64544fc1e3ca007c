"""Where a request comes from: which host it was meant for, which site's page sent it, which path it names.

A server without authentication trusts this machine, and a browser on this machine runs other sites' pages. Such a page
can send requests here (its name is in ``Origin``), and it can have its own name resolve to this machine (which is in
``Host``). Neither is let in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from tasker_core.server.auth.addresses import address_of, is_loopback
from tasker_core.server.auth.authenticator import Headers
from tasker_core.server.errors import ApiError

LONGEST_PATH, LONGEST_QUERY = 2_048, 8_192
SHOWN = 80

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_STRANGE = re.compile("[\x00-\x1f\x7f\\\\\ufffd]")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def check_path(path: str, raw: bytes, query: bytes) -> None:
    """Raises ApiError for a path that two readers could read in two ways, and for one that is too long."""
    if len(raw) > LONGEST_PATH or len(query) > LONGEST_QUERY:
        said = f"a path may have {LONGEST_PATH:,} bytes, a query {LONGEST_QUERY:,}"
        raise ApiError(414, "URI_TOO_LONG", said)
    encoded = raw.lower()
    if not path.startswith("/") or _STRANGE.search(path) or b"%2f" in encoded or b"%5c" in encoded:
        raise ApiError(400, "BAD_REQUEST", "the path has characters that no path of this server has")
    segments = path.split("/")
    if any(segment in (".", "..") for segment in segments) or "" in segments[1:-1]:
        raise ApiError(400, "BAD_REQUEST", "the path has an empty segment, or one of '.' and '..'")


def check_sender(headers: Headers, *, hosts: Sequence[str], origins: Sequence[str], any_address: bool) -> None:
    """Raises ApiError unless a request was meant for this machine, and no page of another site sent it.

    Args:
        headers: of the request.
        hosts: names besides this machine's own that it may have been meant for.
        origins: other sites whose pages may send requests.
        any_address: whether every address is one of this machine's, which no name can be made to look like.
    """
    host = _only(headers.getlist("host"))
    parts = _HOST.fullmatch(host or "")
    if parts is None:
        raise _refused("a request must say, once, which host it is meant for")
    name = parts[1].lower().removesuffix(".")
    is_address = any_address and address_of(name) is not None
    if not (is_loopback(name) or is_address or name in hosts):
        raise _refused(
            f"without authentication this server isn't there for the host {name[:SHOWN]!r}; the setting "
            "server.allowed_hosts can name it"
        )
    sent = headers.getlist("origin")
    if any(origin in origins for origin in sent):
        return
    if any(not _is_own(origin, name, parts[2]) for origin in sent) or _is_from_elsewhere(headers):
        raise _refused(
            "without authentication this server answers no pages of other sites; the setting server.cors_origins can "
            "name them"
        )


def _only(values: Sequence[str]) -> str | None:
    return values[0] if len(values) == 1 else None


def _is_own(origin: str, name: str, port: str | None) -> bool:
    """Whether ``origin`` is a page of this server, whichever of http and https it has in front of it."""
    try:
        parts = urlsplit(origin)
        origin_port = str(parts.port or _DEFAULT_PORTS.get(parts.scheme, ""))
    except ValueError:
        return False
    default = _DEFAULT_PORTS.get(parts.scheme)
    own_name = name[1:-1] if name.startswith("[") else name
    return default is not None and parts.hostname == own_name and origin_port == (port or default)


def _is_from_elsewhere(headers: Headers) -> bool:
    """Browsers say so even where they send no Origin, as for a script or an image. Who follows a link may come in."""
    site, mode = headers.getlist("sec-fetch-site"), headers.getlist("sec-fetch-mode")
    return "cross-site" in site and "navigate" not in mode


def _refused(message: str) -> ApiError:
    return ApiError(403, "FORBIDDEN", message)
