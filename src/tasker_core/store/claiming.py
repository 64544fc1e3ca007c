"""The statements of a claim, alone or at the end of another transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic_core import from_json

from tasker_core.store.database import Access, Call, Rows, Transaction
from tasker_core.store.gating import (
    Gated,
    after_calls,
    choices,
    chosen_calls,
    closer_calls,
    is_open,
    look_calls,
    open_calls,
    seen,
    waits_call,
)
from tasker_core.store.rows import ClaimedRow
from tasker_core.words import Micros


@dataclass(frozen=True, slots=True)
class Claim:
    """Who asks for how many steps of which lanes; ``lanes`` are tried in this order.

    ``gated`` are those of them that a limit or a breaker concerns, and ``heeded`` is up to which change of these the
    worker knows them. ``clock`` tells when they are claimed, after having waited for the gates. What a claim of the
    same ``stamp`` got before, and is in progress, counts as got by this one.
    """

    worker: int
    lanes: Sequence[str]
    room: int
    gated: Mapping[str, Gated] = field(default_factory=dict)
    heeded: int = 0
    clock: Callable[[], Micros] | None = None
    stamp: int | None = None


def write_and_claim(
    database: Access, calls: Sequence[Call], claim: Claim | None, stamp: int, now: Micros
) -> tuple[list[Rows], Sequence[ClaimedRow]]:
    """Run ``calls`` and, last, the claim, in one transaction; their answers, and what was claimed.

    Where nothing holds the steps back that is one round trip. Else it is two: what the gates allow is decided in
    between, under their locks. What keys alone held back is looked at in another transaction.
    """
    if claim is None:
        return database.write(*calls), ()
    if not claim.gated:
        answers = database.write(*calls, *claim_calls(claim, stamp, now))
        return answers[: len(calls)], claimed_rows(answers[-1])
    with database.transaction() as transaction:
        answers, gain = _claim_gated(transaction, calls, claim, stamp, now)
    if gain.left_some:
        with database.transaction() as transaction:
            _, gain = _claim_gated(transaction, (), claim, stamp, gain.now + 1, before=gain.claimed)
    return answers, gain.claimed


def run_and_claim(
    transaction: Transaction, calls: Sequence[Call], claim: Claim | None, stamp: int, now: Micros
) -> tuple[list[Rows], Sequence[ClaimedRow]]:
    """The same in a transaction that is open already, and stays open."""
    if claim is None:
        return transaction.run(*calls) if calls else [], ()
    if not claim.gated:
        answers = transaction.run(*calls, *claim_calls(claim, stamp, now))
        return answers[: len(calls)], claimed_rows(answers[-1])
    answers, gain = _claim_gated(transaction, calls, claim, stamp, now, stays_open=True)
    return answers, gain.claimed


class _Gain(NamedTuple):
    """What was claimed, as of when. ``left_some``: there was room for more, but no more places of their keys."""

    claimed: Sequence[ClaimedRow]
    now: Micros
    left_some: bool = False


def _claim_gated(
    transaction: Transaction, calls: Sequence[Call], claim: Claim, stamp: int, now: Micros, *,
    stays_open: bool = False, before: Sequence[ClaimedRow] | None = None,
) -> tuple[list[Rows], _Gain]:  # fmt: skip
    """The last of a transaction, unless it ``stays_open``: then what keys hold back is looked at at once, and so it is
    where ``before`` tells what the claim got in an earlier one."""
    gated, room = claim.gated, claim.room - len(before or ())
    answers = transaction.run(*calls, *look_calls(gated, now))
    found = seen(gated, answers[len(calls) :])
    # What is claimed now begins after everything that was seen to have ended.
    now = max(now, claim.clock()) if claim.clock else now
    who = {"worker": claim.worker, "tx": claim.stamp or stamp, "now": now, "room": claim.room, "heeded": claim.heeded}
    keyed = [lane for lane, gate in gated.items() if gate.keyed]
    at_once = not stays_open and before is None and is_open(found, room, now)
    end = transaction.run if stays_open else transaction.run_last
    if at_once:
        by_lane = open_calls(gated, found, who)
    else:
        closer = transaction.run(*closer_calls(gated, room))
        by_lane = chosen_calls(choices(gated, found, closer, room, now), gated, who)
    plain = claim_calls(claim, stamp, now)
    taking = [call for lane, call in zip(claim.lanes, plain, strict=False) for call in by_lane.get(lane, [call])]
    asks_for_more = [waits_call(keyed, 1)] if at_once and keyed else []
    *taken, claimed = end(*taking, *after_calls(found.standings, who, now), *asks_for_more, plain[-1])
    rows, left = claimed_rows(claimed), taken[-1] if asks_for_more else ()
    return answers[: len(calls)], _Gain(rows, now, len(rows) < room and any(waiting for _, waiting in left))


def claim_calls(claim: Claim, stamp: int, now: Micros) -> list[Call]:
    """The statements of a claim, one per lane; the last one's answer is what was claimed."""
    who = {"worker": claim.worker, "tx": claim.stamp or stamp}
    each = {**who, "room": claim.room, "now": now, "heeded": claim.heeded}
    lanes = [Call("claim_lane", {**each, "lane": lane}) for lane in claim.lanes]
    return [*lanes, Call("claimed_steps", who)]


def claimed_rows(answer: Rows) -> list[ClaimedRow]:
    """What the last statement of a claim answered."""
    ((text,),) = answer
    return [ClaimedRow._make(row) for row in from_json(text)] if text else []
