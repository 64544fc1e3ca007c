"""Which page of a list is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import Depends, Query

from tasker_core.server.errors import ApiError

PER_PAGE = 25
LARGEST_PAGE = 1_000
FARTHEST = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Page:
    """``limit`` entries after the first ``offset``."""

    limit: int
    offset: int


def _page(
    page: Annotated[int | None, Query(ge=1, le=FARTHEST, description="From 1; with per_page.")] = None,
    per_page: Annotated[int | None, Query(ge=1, le=100, description=f"Entries of a page; {PER_PAGE}.")] = None,
    limit: Annotated[int | None, Query(ge=1, le=LARGEST_PAGE, description="Instead of page: so many at most.")] = None,
    offset: Annotated[int | None, Query(ge=0, le=FARTHEST, description="With limit: pass over so many.")] = None,
) -> Page:
    if (page is not None or per_page is not None) and (limit is not None or offset is not None):
        raise ApiError(400, "BAD_REQUEST", "give page and per_page, or limit and offset, not both", field="page")
    if limit is not None or offset is not None:
        return Page(limit or PER_PAGE, offset or 0)
    size = per_page or PER_PAGE
    return Page(size, ((page or 1) - 1) * size)


PageQuery: TypeAlias = Annotated[Page, Depends(_page)]
