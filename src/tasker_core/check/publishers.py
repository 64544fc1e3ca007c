"""The publishers that templates name: is there one of that name?"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence

from tasker_core.check.flows import Flow
from tasker_core.domain_events import BasePublisher, PublisherRegistry
from tasker_core.rules.publishing import GENERIC
from tasker_core.rules.spelling import nearest


def known_publishers(packages: Sequence[str]) -> frozenset[str]:
    """The names that are registered, and those that publisher classes of these packages' projects give themselves."""
    roots = {package.partition(".")[0] for package in packages}
    own = {
        cls.publisher_name
        for cls in _subclasses(BasePublisher)
        if cls.__module__.partition(".")[0] in roots
        and getattr(sys.modules.get(cls.__module__), cls.__name__, None) is cls
    }
    return frozenset(name for name in (own | {*PublisherRegistry.instance().list_publishers()}) if name)


def check_publishers(flow: Flow, known: Collection[str]) -> None:
    """Report events whose publisher isn't among the known ones. Where none is known, none is looked for."""
    if not known:
        return
    for code in flow.steps:
        for number, event in enumerate(code.step.publishes_events):
            if event.publisher is None or event.publisher in known or event.publisher == GENERIC:
                continue
            likely = nearest(event.publisher, known)
            right = f"did you mean {likely!r}?" if likely else f"known are {', '.join(map(repr, sorted(known)[:8]))}"
            message = f"event {event.name!r} of {code.what} names the publisher {event.publisher!r}, and there is none"
            path = (*code.path, "publishes_events", number, "publisher")
            flow.findings.add("warning", "PUBLISHER_UNKNOWN", path, message, right)


def _subclasses(cls: type[BasePublisher]) -> Iterator[type[BasePublisher]]:
    for each in cls.__subclasses__():
        yield each
        yield from _subclasses(each)
