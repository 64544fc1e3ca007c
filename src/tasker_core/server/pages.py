"""Which page of a list is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeAlias
from uuid import UUID

from fastapi import Depends, Query

from tasker_core.server.errors import ApiError

PER_PAGE = 25
LARGEST_PAGE = 1_000
FARTHEST = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Page:
    """``limit`` entries after the first ``offset``, or after the entry ``after``."""

    limit: int
    offset: int = 0
    after: str | None = None


Number: TypeAlias = Annotated[int | None, Query(ge=1, le=FARTHEST, description="The page, from 1; with per_page.")]
PerPage: TypeAlias = Annotated[int | None, Query(ge=1, le=100, description=f"Entries of a page; {PER_PAGE}.")]
Limit: TypeAlias = Annotated[int | None, Query(ge=1, le=LARGEST_PAGE, description="Instead of page: so many.")]
Offset: TypeAlias = Annotated[int | None, Query(ge=0, le=FARTHEST, description="With limit: pass over so many.")]
After: TypeAlias = Annotated[
    UUID | None, Query(description="Instead of page: those that follow this entry, `next` of the page before.")
]


def task_page(
    page: Number = None, per_page: PerPage = None, limit: Limit = None, offset: Offset = None, after: After = None
) -> Page:
    """The page of a list that may also be walked by its entries."""
    if (page is not None) + (offset is not None) + (after is not None) > 1 or None not in (per_page, limit):
        raise _several_ways("page and per_page, or limit and offset, or after with one of per_page and limit")
    size = limit or per_page or PER_PAGE
    return Page(size, offset or ((page or 1) - 1) * size, str(after) if after else None)


def page_of(limit: int, farthest: int = LARGEST_PAGE) -> Callable[..., Page]:
    """The page of a list that takes ``limit`` and ``offset`` only."""

    def asked(
        limit: Annotated[int, Query(ge=1, le=farthest, description="So many at most.")] = limit,
        offset: Annotated[int, Query(ge=0, le=FARTHEST, description="Pass over so many.")] = 0,
    ) -> Page:
        return Page(limit, offset)

    return asked


def _several_ways(ways: str) -> ApiError:
    return ApiError(400, "BAD_REQUEST", f"give {ways}, not several", field="page")


TaskPage: TypeAlias = Annotated[Page, Depends(task_page)]
