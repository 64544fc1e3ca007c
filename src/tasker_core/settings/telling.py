"""How values are shown to people: in a line, and never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from tasker_core.settings.fields import TABLES, Setting
from tasker_core.settings.values import REDACTED

HIDDEN = "********"


def shown(setting: Setting, value: Any) -> Any:
    """A value as JSON holds it, with what is secret hidden; None for one that isn't set."""
    if value is None:
        return None
    if setting.is_secret:
        return HIDDEN
    if setting.name in TABLES:
        return [_without_hash(entry) for entry in value]
    if setting.may_hold_secrets:
        return without_password(value) if isinstance(value, str) else HIDDEN
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, bool | int | float | str | Mapping | list) else str(value)


def in_a_line(value: Any) -> str:
    """What ``shown`` gives, for people."""
    match value:
        case None:
            return "-"
        case bool():
            return str(value).lower()
        case float() | int():
            return f"{value:g}" if isinstance(value, float) else str(value)
        case Mapping():
            return ", ".join(f"{name}={in_a_line(part)}" for name, part in value.items()) or "-"
        case list():
            return ", ".join(in_a_line(part) for part in value) or "-"
    return str(value)


def without_password(url: str) -> str:
    """A URL with its password hidden, wherever in it that stands.

    >>> without_password("postgresql://shop:s3cret@db/shop?password=x&connect_timeout=3")
    'postgresql://shop:********@db/shop?password=********&connect_timeout=3'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return HIDDEN
    if "@" in url.removeprefix(f"{parts.scheme}://{parts.netloc}"):
        return HIDDEN  # as after a password with a slash in it, which ends the place too early
    user, at, host = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    query = [
        (key, HIDDEN if any(word in key.lower() for word in REDACTED) else value)
        for key, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    place = f"{name}{colon}{HIDDEN if colon else ''}{at}{host}"
    # By hand, since urlunsplit takes one slash from sqlite:////absolute.db.
    base = url.partition("?")[0] if place == parts.netloc else urlunsplit((parts.scheme, place, parts.path, "", ""))
    return base + (f"?{urlencode(query, safe='*/', quote_via=quote)}" if query else "")


def _without_hash(entry: Any) -> dict[str, Any]:
    fields = entry if isinstance(entry, Mapping) else entry.model_dump()
    return {name: HIDDEN if name == "hash" else _plain(part) for name, part in fields.items()}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
