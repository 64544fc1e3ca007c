"""The statements of a claim, alone or at the end of another transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic_core import from_json

from tasker_core.store.database import Access, Call, Rows, Transaction
from tasker_core.store.gating import Gated, chosen_calls, look_calls, looked
from tasker_core.store.rows import ClaimedRow
from tasker_core.words import Micros


@dataclass(frozen=True, slots=True)
class Claim:
    """Who asks for how many steps of which lanes; ``lanes`` are tried in this order.

    ``gated`` are those of them that a limit or a breaker concerns, and ``heeded`` is up to which change of these the
    worker knows them. ``clock`` tells when they are claimed, after having waited for the gates.
    """

    worker: int
    lanes: Sequence[str]
    room: int
    gated: Mapping[str, Gated] = field(default_factory=dict)
    heeded: int = 0
    clock: Callable[[], Micros] | None = None


def write_and_claim(
    database: Access, calls: Sequence[Call], claim: Claim | None, stamp: int, now: Micros
) -> tuple[list[Rows], Sequence[ClaimedRow]]:
    """Run ``calls`` and, last, the claim, in one transaction; their answers, and what was claimed.

    Where nothing holds the steps back that is one round trip. Else it is two: what the gates allow is decided in
    between, under their locks.
    """
    if claim is None:
        return database.write(*calls), ()
    if not claim.gated:
        answers = database.write(*calls, *claim_calls(claim, stamp, now))
        return answers[: len(calls)], claimed_rows(answers[-1])
    with database.transaction() as transaction:
        return run_and_claim(transaction, calls, claim, stamp, now)


def run_and_claim(
    transaction: Transaction, calls: Sequence[Call], claim: Claim | None, stamp: int, now: Micros
) -> tuple[list[Rows], Sequence[ClaimedRow]]:
    """The same in a transaction that is open already."""
    if claim is None:
        return transaction.run(*calls) if calls else [], ()
    looks = look_calls(claim.gated, claim.room, now) if claim.gated else []
    if not looks:
        answers = transaction.run(*calls, *claim_calls(claim, stamp, now))
        return answers[: len(calls)], claimed_rows(answers[-1])
    answers = transaction.run(*calls, *looks)
    # What is claimed now begins after everything that was seen to have ended.
    now = max(now, claim.clock()) if claim.clock else now
    standing = looked(claim.gated, answers[len(calls) :], claim.room, now)
    who = {"worker": claim.worker, "tx": stamp, "now": now, "room": claim.room, "heeded": claim.heeded}
    plain = claim_calls(claim, stamp, now)
    by_lane = chosen_calls(standing, claim.gated, who)
    taking = [call for lane, call in zip(claim.lanes, plain, strict=False) for call in by_lane.lanes.get(lane, [call])]
    *_, claimed = transaction.run(*taking, *by_lane.after, plain[-1])
    return answers[: len(calls)], claimed_rows(claimed)


def claim_calls(claim: Claim, stamp: int, now: Micros) -> list[Call]:
    """The statements of a claim, one per lane; the last one's answer is what was claimed."""
    who = {"worker": claim.worker, "tx": stamp}
    each = {**who, "room": claim.room, "now": now, "heeded": claim.heeded}
    lanes = [Call("claim_lane", {**each, "lane": lane}) for lane in claim.lanes]
    return [*lanes, Call("claimed_steps", who)]


def claimed_rows(answer: Rows) -> list[ClaimedRow]:
    """What the last statement of a claim answered."""
    ((text,),) = answer
    return [ClaimedRow._make(row) for row in from_json(text)] if text else []
