"""Batches: does the analyzer's handler cut, and does the worker's read its piece?"""

from __future__ import annotations

import ast

from tasker_core.check.constants import text_of
from tasker_core.check.flows import Flow, StepCode
from tasker_core.check.functions import own_nodes
from tasker_core.check.handlers import Handler
from tasker_core.rules.findings import Place
from tasker_core.rules.spelling import nearest

_OUTCOME = frozenset({"batch_processing_outcome", "batch_analyzer_success", "no_batches_outcome"})
_SHARE = frozenset(
    {"get_batch_context", "get_batch_worker_inputs", "handle_no_op_worker", "step_inputs", "BatchWorkerContext",
     "batch_context", "task_sequence_step", "event", "BatchWorkerInputs"}
)  # fmt: skip
_SAID = ("checkpoint_interval",)


def check_pieces(flow: Flow) -> None:
    """Report analyzers that don't cut, names of workers that aren't, and workers that all do the same."""
    for code, handler in flow.coded():
        if code.undoes is not None or handler.body is None:
            continue
        if code.step.type == "batchable":
            _check_analyzer(flow, code, handler)
        elif code.step.type == "batch_worker":
            _check_worker(flow, code, handler)


def _check_analyzer(flow: Flow, code: StepCode, handler: Handler) -> None:
    assert handler.body is not None
    returns_known = handler.returns is not None and handler.returns.is_complete
    if not handler.cuts_or_works and not handler.body.words & _OUTCOME and returns_known:
        message = f"{code.what} is batchable, and its handler {handler.name!r} doesn't cut a batch"
        right = "decorate it with @batch_analyzer, or return batch_analyzer_success(...) of Batchable"
        flow.findings.add("error", "NOT_AN_ANALYZER", (*code.path, "handler"), message, right, handler.place)
    workers = [
        step.name
        for step in flow.template.steps
        if step.type == "batch_worker" and code.step.name in flow.template.ancestors(step.name)
    ]
    for name, place in _worker_names(handler):
        if name not in workers:
            likely = nearest(name, workers)
            known = ", ".join(map(repr, workers)) or "none"
            right = f"did you mean {likely!r}?" if likely else f"its workers are {known}"
            message = (
                f"handler {handler.name!r} cuts for the worker {name!r}, which is no batch_worker behind {code.what}"
            )
            flow.findings.add("error", "UNKNOWN_WORKER", (*code.path, "handler"), message, right, place)


def _worker_names(handler: Handler) -> list[tuple[str, Place]]:
    """The worker steps that the code names: in the decorator, or where it answers."""
    if handler.source is None or handler.node is None:
        return []
    found: list[tuple[str, Place]] = []
    calls: list[ast.AST] = [*handler.node.decorator_list, *own_nodes(handler.node)]
    for call in calls:
        if not isinstance(call, ast.Call):
            continue
        for word in call.keywords:
            if word.arg in ("worker_template", "worker_template_name"):
                name = text_of(word.value, handler.source.module)
                if name is not None:
                    found.append((name, handler.source.place(word.value)))
        if isinstance(call.func, ast.Name) and call.func.id == "batch_analyzer" and len(call.args) > 1:
            name = text_of(call.args[1], handler.source.module)
            if name is not None:
                found.append((name, handler.source.place(call.args[1])))
    return found


def _check_worker(flow: Flow, code: StepCode, handler: Handler) -> None:
    assert handler.body is not None
    if not handler.body.words & _SHARE and not handler.body.gives_context_away:
        message = f"{code.what} works on pieces, and its handler {handler.name!r} never reads which: all do the same"
        right = "take 'batch_context' in a @batch_worker function, or call get_batch_context(context)"
        flow.findings.add("warning", "PIECE_UNREAD", (*code.path, "handler"), message, right, handler.place)
        return
    analyzers = [
        step for step in flow.template.steps if step.type == "batchable" and step.name in code.step.dependencies
    ]
    configs = [step.batch_config for step in (*analyzers, code.step) if step.batch_config is not None]
    for key in _SAID:
        if key in handler.body.words and not any(getattr(config, key) is not None for config in configs[:1]):
            message = f"handler {handler.name!r} of {code.what} reads {key!r}, and no 'batch_config' says it"
            right = f"add {key} to the 'batch_config' of the batchable step"
            flow.findings.add("warning", "BATCH_CONFIG_MISSING", code.path, message, right, handler.place)
