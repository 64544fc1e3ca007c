"""Where something may be ready once what a worker reports has been settled."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from tasker_core.words import Ending, Report
from tasker_core.worker.transport import Transport


def expected(reports: Sequence[Report], transport: Transport, served: Collection[str]) -> Iterator[tuple[str, int]]:
    """Lanes that are ``served``, each with the rank of what may wait there."""
    known, has_limits = transport.known, transport.has_limits()
    for report in reports:
        no, template = report.outcome.key.no, known(report.template)
        lanes: Sequence[str] = ()
        if report.outcome.ending is Ending.OK:
            lanes = template.lanes_behind(no)
        elif report.outcome.ending is Ending.YIELDED:
            lanes = (template.lane(no),)
        for lane in lanes:
            if lane in served:
                yield lane, report.rank
        # What a limit held back until this one ended may begin.
        if has_limits and (own := template.lane(no)) in served and transport.is_limited(own):
            yield own, report.rank


def may_be_anywhere(reports: Sequence[Report], transport: Transport) -> bool:
    """What a decision brings about may be ready elsewhere than right behind it."""
    return any(
        report.outcome.ending is Ending.OK and report.outcome.key.no in transport.known(report.template).growth.openers
        for report in reports
    )
