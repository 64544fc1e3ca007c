"""Decisions: can what they choose come into being, is every branch chosen somewhere, do branches meet again?"""

from __future__ import annotations

from itertools import product
from math import prod

from tasker_core.check.flows import Flow, Uses
from tasker_core.check.handlers import Handler
from tasker_core.check.routes import Routes, routes_of
from tasker_core.rules.expand import Growth
from tasker_core.rules.spelling import nearest
from tasker_core.step_handler import Decision

MOST_WAYS = 512
"""Of choosing, over all decisions of a template; beyond it nothing is told of steps that never run."""
_OUTCOME = frozenset({"decision_point_outcome", "DecisionPointOutcome"})


def check_branches(flow: Flow, uses: Uses) -> None:
    """Report decisions that don't decide, that choose what can't be chosen, and steps that no choice brings about."""
    growth = Growth.of(flow.template)
    routes: dict[int, Routes] = {}
    for code, handler in flow.coded():
        if code.undoes is not None:
            continue
        no = flow.names.index(code.step.name) + 1
        if no in growth.decisions:
            if not _decides(handler):
                message = f"{code.what} is a decision, and its handler {handler.name!r} doesn't say what to choose"
                right = "decorate it with @decision_handler and return Decision.route(...) or Decision.skip(...)"
                flow.findings.add("error", "NOT_A_DECISION", (*code.path, "handler"), message, right, handler.place)
                continue
            routes[no] = routes_of(handler)
        elif handler.decides and handler.is_functional:
            message = f"the handler {handler.name!r} of {code.what} decides, and the step is {code.step.type!r}"
            right = "write type: decision, or nobody carries out what it chooses"
            flow.findings.add("error", "DECISION_IGNORED", code.path, message, right, handler.place)
    for no, routed in routes.items():
        _check_names(flow, growth, no, routed, uses)
    _check_reach(flow, growth, routes)


def _decides(handler: Handler) -> bool:
    if handler.decides or handler.body is None:
        return True
    if handler.body.words & _OUTCOME:
        return True
    if handler.is_functional and handler.hints.get("return") is Decision:
        return False  # the decorator takes it for a value like any other
    # A result that another function makes may hold an outcome.
    return (
        handler.returns is None
        or not handler.returns.is_complete
        or "decision_point_outcome" in handler.returns.properties
    )


def _check_names(flow: Flow, growth: Growth, no: int, routes: Routes, uses: Uses) -> None:
    able = growth.choices(no)
    step = flow.template.steps[no - 1]
    code = flow.named(step.name)
    elsewhere = uses[code.handler].choices if code is not None and code.handler is not None else ()
    for name, place in routes.named.items():
        if name in able or name in elsewhere:
            continue
        likely = nearest(name, able)
        if likely is not None:
            right = f"did you mean {likely!r}?"
        else:
            right = f"it may choose {', '.join(map(repr, able[:8])) or 'none: no step depends on it'}"
        what = "which isn't behind it" if name in flow.names else "which is no step of this template"
        message = f"decision {step.name!r} chooses {name!r}, {what}"
        flow.findings.add("error", "BRANCH_UNKNOWN", ("steps", no - 1, "handler"), message, right, place)


def _check_reach(flow: Flow, growth: Growth, routes: dict[int, Routes]) -> None:
    """Grow the template in every way that its decisions can choose, and see what never comes into being."""
    if not growth.decisions or any(not growth.choices(no) for no in growth.decisions):
        return
    ways: dict[int, list[tuple[str, ...]]] = {}
    for no in growth.decisions:
        able = growth.choices(no)
        told = routes[no].lists if no in routes else None
        known = None if told is None else [way for way in sorted(told) if way and {*way} <= {*able}]
        if known is not None and told is not None and len(known) < len(told - {()}):
            return  # what it names wrongly is reported already, and the rest follows from that
        ways[no] = known if known else [tuple(able)]
    if prod(len(each) for each in ways.values()) > MOST_WAYS:
        return
    cut = list(growth.batches)
    reached: set[int] = set()
    for way in product(*ways.values()):
        reached |= growth.standing(dict(zip(ways, way, strict=True)), cut)
    lost = [no for no in range(1, len(flow.names) + 1) if no not in reached]
    for no in lost:
        _report_lost(flow, growth, no, {*lost})


def _report_lost(flow: Flow, growth: Growth, no: int, lost: set[int]) -> None:
    step, parents = flow.template.steps[no - 1], growth.parents(no)
    if any(parent in lost for parent in parents):
        return  # the step before it is the one to mend
    deciders = [parent for parent in parents if parent in growth.decisions]
    if deciders:
        decision = flow.template.steps[deciders[0] - 1].name
        code = flow.named(decision)
        place = code.handler.place if code is not None and code.handler is not None else None
        message = f"decision {decision!r} never chooses step {step.name!r}, so it never runs"
        right = "name it in Decision.route(...), or take it out"
        flow.findings.add("warning", "BRANCH_UNREACHABLE", ("steps", no - 1), message, right, place)
        return
    names = ", ".join(repr(flow.names[parent - 1]) for parent in parents)
    message = f"step {step.name!r} waits for {names}, and no choice brings all of them about, so it never runs"
    right = "write type: deferred_convergence to wait for those that are there"
    flow.findings.add("error", "NEVER_CONVERGES", ("steps", no - 1, "dependencies"), message, right)
