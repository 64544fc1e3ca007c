"""Dead letters: those of one fault together, each with its task as it was; requeue one or all, note what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import Request, Response

from tasker_core.dashboard.pages.actions import Fields, act_and_go
from tasker_core.dashboard.route import pages
from tasker_core.dashboard.visit import Visit
from tasker_core.engine import Engine
from tasker_core.server.callers import requires
from tasker_core.words import Word

router = pages()

MOST_GROUPS, MOST_LETTERS = 50, 100
STATUSES = ("pending", "manually_resolved", "permanently_failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Letters:
    """What the list shows: faults, or with ``fingerprint`` the letters of one."""

    status: str
    groups: Sequence[Mapping[str, Any]]
    fingerprint: str
    letters: Sequence[Mapping[str, Any]]
    statuses: Sequence[str]


@dataclass(frozen=True, slots=True)
class Letter:
    """What the page of one letter shows."""

    letter: Mapping[str, Any]
    action_id: str
    statuses: Sequence[str]


@router.get("/dead-letters", dependencies=[requires("dlq:read")])
async def letters_page(request: Request, status: str = "pending", fingerprint: str = "") -> Response:
    """The faults, or the letters of one."""
    visit = Visit(request)
    wanted = status if status in STATUSES else "pending"
    return await visit.page(
        "dead_letters.html", lambda: read_letters(visit, wanted, fingerprint), section="dead_letters"
    )


def read_letters(visit: Visit, status: str, fingerprint: str = "") -> Letters:
    """The faults that have letters of this status, the largest first."""
    letters = visit.engine.dead_letters
    if fingerprint:
        asked = {"status": status, "fingerprint": fingerprint}
        return Letters(status, (), fingerprint, visit.see(letters.list(asked, MOST_LETTERS, 0)), STATUSES)
    return Letters(status, visit.see(letters.groups({"status": status}, MOST_GROUPS)), "", (), STATUSES)


@router.get("/dead-letters/{letter}", dependencies=[requires("dlq:read")])
async def letter_page(request: Request, letter: UUID) -> Response:
    """One letter with its snapshot."""
    visit = Visit(request)
    return await visit.page(
        "dead_letter.html",
        lambda: Letter(visit.see(visit.engine.dead_letters.get(str(letter))), visit.engine.ids.new(), STATUSES),
        section="dead_letters",
    )


@router.post("/dead-letters/{letter}/requeue", dependencies=[requires("dlq:requeue")])
async def requeue_letter(request: Request, letter: UUID) -> Response:
    """Have run again what a letter stands for."""

    def act(engine: Engine, _: Fields, word: Word) -> str:
        engine.requeuer.requeue(str(letter), word)
        return "Its task runs again."

    return await act_and_go(request, f"/dead-letters/{letter}", act)


@router.post("/dead-letters/faults/{fingerprint}/requeue", dependencies=[requires("dlq:requeue")])
async def requeue_fault(request: Request, fingerprint: str) -> Response:
    """Have run again what all pending letters of a fault stand for, at a rate."""

    def act(engine: Engine, fields: Fields, word: Word) -> str:
        rate = float(given) if (given := fields.get("rate", "").strip()) else None
        done = engine.requeuer.requeue_alike(fingerprint, word, rate=rate)
        said = f"{done['requeued']:,} run again"
        if done["remaining"]:
            said += f"; {done['remaining']:,} are left"
        if done["refused"]:
            said += f"; refused: {done['refused'][0]['message']}"
        return said + "."

    return await act_and_go(request, "/dead-letters", act)


@router.post("/dead-letters/{letter}/note", dependencies=[requires("dlq:update")])
async def note_letter(request: Request, letter: UUID) -> Response:
    """Write down what became of a letter; it moves no task."""

    def act(engine: Engine, fields: Fields, word: Word) -> str:
        said = {"resolution_notes": fields.get("notes", ""), "resolved_by": word.actor}
        if fields.get("status"):
            said["resolution_status"] = fields["status"]
        engine.dead_letters.update(str(letter), said)
        return "That is written down."

    return await act_and_go(request, f"/dead-letters/{letter}", act)
