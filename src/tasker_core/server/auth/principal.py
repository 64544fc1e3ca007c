"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass

from tasker_core.server.permissions import PERMISSIONS

LONGEST_NAME = 100
"""Characters of a name, which goes into the record."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a name for the record, how it was established, and what it may do."""

    name: str
    kind: str
    permissions: frozenset[str]

    def may(self, permission: str) -> bool:
        return permission in self.permissions


ANYONE = Principal("anyone", "open", frozenset(PERMISSIONS))
"""Whoever reaches a server without authentication."""

NOBODY = Principal("nobody", "none", frozenset())
"""Who brings no credentials to a server that wants them."""
