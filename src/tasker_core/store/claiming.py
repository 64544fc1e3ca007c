"""The statements of a claim, alone or at the end of another transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic_core import from_json

from tasker_core.store.database import Call, Rows
from tasker_core.store.rows import ClaimedRow
from tasker_core.words import Micros


@dataclass(frozen=True, slots=True)
class Claim:
    """Who asks for how many steps of which lanes; ``lanes`` are tried in this order."""

    worker: int
    lanes: Sequence[str]
    room: int


def claim_calls(claim: Claim, stamp: int, now: Micros) -> list[Call]:
    """The statements of a claim, one per lane; the last one's answer is what was claimed."""
    who = {"worker": claim.worker, "tx": stamp}
    lanes = [Call("claim_lane", {**who, "lane": lane, "room": claim.room, "now": now}) for lane in claim.lanes]
    return [*lanes, Call("claimed_steps", who)]


def claimed_rows(answer: Rows) -> list[ClaimedRow]:
    """What the last statement of a claim answered."""
    ((text,),) = answer
    return [ClaimedRow._make(row) for row in from_json(text)] if text else []
