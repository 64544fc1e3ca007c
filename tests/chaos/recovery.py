"""How long it took after each kill -9 until the dead worker's steps ran again, read from the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.support.reckoning import Reckoning

Outage = tuple[float, float]
"""When the database was away: from, to (seconds since the epoch)."""


@dataclass(frozen=True)
class Recovery:
    """Seconds from a kill until one of the dead worker's steps was put back, and until it was claimed again."""

    put_back: float
    claimed: float
    beside_outage: bool


def recoveries(reckoning: Reckoning, kills: Mapping[int, float], outages: Sequence[Outage]) -> list[Recovery]:
    """One for each step that a killed worker held, from the attempts that were recorded as lost."""
    found = []
    for pid, lost, again in reckoning.read("""
        select w.pid, a.ended_at, (select min(n.claimed_at) from tasker.attempts n
          where n.task_id = a.task_id and n.no = a.no and n.fence > a.fence)
        from tasker.attempts a join tasker.workers w on w.id = a.worker where a.ending = 'lost'"""):
        killed = kills.get(pid)
        if killed is not None and lost / 1e6 > killed:
            beside = any(begun < again / 1e6 and ended > killed for begun, ended in outages)
            found.append(Recovery(lost / 1e6 - killed, again / 1e6 - killed, beside))
    return found


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of ``values`` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(len(ordered) * share))]
