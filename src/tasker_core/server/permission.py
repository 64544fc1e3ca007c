"""What a route asks of its caller."""

from __future__ import annotations

from typing import Any

from fastapi import Depends


def requires(permission: str) -> Any:
    """A dependency of a route: its caller needs ``permission``."""

    async def allowed() -> None:
        """Everybody, where there is no authentication."""

    allowed.__name__ = permission
    return Depends(allowed)
