"""Handlers to fill in, one for each step of a template: they run as they are, and give example results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tasker_core.generating.models import WIDTH, Models
from tasker_core.generating.names import pascal, snake, text, unused
from tasker_core.generating.samples import sample
from tasker_core.rules.template import StepTemplate, Template

EXAMPLES = "# These are examples: put the work of this step in their place."


@dataclass(slots=True)
class _Imports:
    """What the module needs, by where it comes from."""

    typing: set[str] = field(default_factory=set)
    tasker: set[str] = field(default_factory=set)
    handlers: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    batches: bool = False

    def lines(self, types_module: str) -> Iterator[str]:
        if self.typing:
            yield _import("typing", self.typing) + "\n"
        if self.tasker:
            yield _import("tasker_core", self.tasker)
        if self.batches:
            yield _import("tasker_core.batch_processing", {"Batchable"})
        if self.handlers:
            yield _import("tasker_core.step_handler", self.handlers)
        if self.models:
            yield ("\n" if self.tasker or self.handlers else "") + _import(types_module, self.models)


def handlers_source(template: Template, models: Models, types_module: str, only: Sequence[str] = ()) -> str:
    """The text of a module with the handlers of ``template``, or of the steps named in ``only``.

    They take the models of ``models``, which stand in the module ``types_module``.
    """
    imports, functions, names, done = _Imports(), list[str](), set[str](), set[str]()
    for step in template.steps:
        if only and step.name not in only:
            continue
        if step.handler.callable not in done:
            done.add(step.handler.callable)
            name = unused(snake(step.name), names)
            names.add(name)
            functions.append(_step(template, step, name, models, imports))
        undo = step.compensate
        if undo is not None and undo.handler.callable not in done:
            done.add(undo.handler.callable)
            name = unused(f"undo_{snake(step.name)}", names)
            names.add(name)
            functions.append(_undo(step, undo.handler.callable, name, models, imports))
    head = [f'"""The handlers of task template {template.identity}."""', "", "from __future__ import annotations", ""]
    return "\n".join([*head, *imports.lines(types_module)]) + "\n\n\n" + "\n\n\n".join(functions) + "\n"


def _step(template: Template, step: StepTemplate, name: str, models: Models, imports: _Imports) -> str:
    if step.type == "batch_worker":
        return _batch_worker(step, imports)
    if step.handler.method != "call":
        return _methods(template, step, imports)
    takes = _takes(template, step, models, imports)
    said = f'    """{_description(step)}"""\n'
    if step.type == "decision":
        imports.handlers |= {"Decision", "decision_handler"}
        branches = [other.name for other in template.steps if step.name in other.dependencies]
        body = f"    {EXAMPLES}\n    return Decision.route([{', '.join(map(text, branches[:1]))}])"
        return _function("decision_handler", step.handler.callable, takes, name, "Decision", said + body)
    if step.type == "batchable":
        imports.handlers |= {"BatchConfig", "batch_analyzer"}
        worker = step.batch_config.worker_template if step.batch_config else None
        workers = [other.name for other in template.steps if other.type == "batch_worker"]
        named = f"{text(step.handler.callable)}, worker_template={text(worker or (workers or ['worker'])[0])}"
        body = f"    {EXAMPLES}\n    return BatchConfig(total_items=2, batch_size=1)"
        return _decorated(f"@batch_analyzer({named})", takes, name, "BatchConfig", said + body)
    imports.handlers.add("step_handler")
    result, body = _result(step, models, imports)
    return _function("step_handler", step.handler.callable, takes, name, result, said + body)


@dataclass(frozen=True, slots=True)
class _Takes:
    """What a function takes: the decorators that say where it comes from, its parameters, its first lines."""

    decorators: Sequence[str]
    parameters: Sequence[str]
    lines: Sequence[str] = ()


def _takes(template: Template, step: StepTemplate, models: Models, imports: _Imports) -> _Takes:
    decorators, parameters, lines = list[str](), list[str](), list[str]()
    given, taken = list[str](), {"inputs", "context"}
    for parent in dict.fromkeys(step.dependencies):
        if template.step(parent).type == "batch_worker":
            # Its instances have names of their own: the context gives them all.
            imports.tasker.add("StepContext")
            parameters.append("context: StepContext")
            lines.append(f"# What each piece returned: context.get_all_dependency_results({text(f'{parent}_')})")
            continue
        name = unused(snake(parent), taken)
        taken.add(name)
        model = models.results.get(parent)
        may_lack = step.type == "deferred_convergence"
        if model is None:
            imports.typing.add("Any")
            given.append(f"{name}={text(parent)}")
            parameters.append(f"{name}: {'dict[str, Any]'}{' | None' if may_lack else ''}")
        else:
            imports.models.add(model)
            given.append(f"{name}=({text(parent)}, {model})")
            parameters.append(f"{name}: {model}{' | None' if may_lack else ''}")
    if given:
        imports.handlers.add("depends_on")
        decorators.append(_call("@depends_on", given))
    if models.input is not None and not models.input_has_other_names:
        imports.models.add(models.input)
        imports.handlers.add("inputs")
        decorators.append(f"@inputs({models.input})")
        parameters.append(f"inputs: {models.input}")
    elif models.input is not None or not parameters:
        imports.tasker.add("StepContext")
        parameters.append("context: StepContext")
        if models.input is not None:
            lines.append(f"# What the task works on, as a model: {models.input}.model_validate(context.input_data)")
    return _Takes(decorators, list(dict.fromkeys(parameters)), lines)


def _result(step: StepTemplate, models: Models, imports: _Imports) -> tuple[str, str]:
    """The type that a step's function returns, and its body."""
    schema = step.result_schema or {"type": "object"}
    example = sample(schema)
    model = models.results.get(step.name)
    if model is None:
        imports.typing.add("Any")
        value = example if isinstance(example, dict) else {"result": example}
        return "dict[str, Any]", f"    {EXAMPLES}\n    return {value_of(value, 4)}"
    imports.models.add(model)
    line = f"    return {model}.model_validate({_flat(example)})"
    if len(line) > WIDTH:
        line = f"    return {model}.model_validate(\n        {value_of(example, 8)}\n    )"
    return model, f"    {EXAMPLES}\n{line}"


def _undo(step: StepTemplate, callable: str, name: str, models: Models, imports: _Imports) -> str:
    model = models.results.get(step.name)
    imports.handlers |= {"depends_on", "step_handler"}
    parameter = unused(snake(step.name), {"context"})
    if model is None:
        imports.typing.add("Any")
    else:
        imports.models.add(model)
    given = f"{parameter}={text(step.name) if model is None else f'({text(step.name)}, {model})'}"
    takes = _Takes([_call("@depends_on", [given])], [f"{parameter}: {model or 'dict[str, Any]'}"])
    body = f'    """Undo what the step {step.name} has done. It may be called again: undo it once."""'
    return _function("step_handler", callable, takes, name, "None", body)


def _batch_worker(step: StepTemplate, imports: _Imports) -> str:
    imports.tasker |= {"StepContext", "StepHandler", "StepHandlerResult"}
    imports.batches = True
    return f'''class {pascal(step.name)}(StepHandler, Batchable):
    """{_description(step)}"""

    handler_name = {text(step.handler.callable)}

    def {step.handler.method}(self, context: StepContext) -> StepHandlerResult:
        if (nothing := self.handle_no_op_worker(context)) is not None:
            return nothing
        batch = self.get_batch_context(context)
        assert batch is not None
        {EXAMPLES}
        return self.batch_worker_success(items_processed=batch.end_cursor - batch.start_cursor)'''


def _methods(template: Template, step: StepTemplate, imports: _Imports) -> str:
    """A class for the steps that share a handler whose methods differ."""
    imports.tasker |= {"StepContext", "StepHandler", "StepHandlerResult"}
    methods: dict[str, StepTemplate] = {}
    for other in template.steps:
        if other.handler.callable == step.handler.callable:
            methods.setdefault(other.handler.method, other)
    lines = [
        f"class {pascal(step.handler.callable.rpartition('.')[2])}(StepHandler):",
        f'    """Runs {", ".join(each.name for each in methods.values())}."""',
        "",
        f"    handler_name = {text(step.handler.callable)}",
    ]
    if "call" not in methods:
        first = next(iter(methods))
        lines += ["", "    def call(self, context: StepContext) -> StepHandlerResult:",
                  f"        return self.{first}(context)"]  # fmt: skip
    for method, each in methods.items():
        example = sample(each.result_schema or {"type": "object"})
        value = example if isinstance(example, dict) else {"result": example}
        lines += [
            "", f"    def {method}(self, context: StepContext) -> StepHandlerResult:",
            f'        """{_description(each)}"""', f"        {EXAMPLES}",
            f"        return self.success({value_of(value, 8)})",
        ]  # fmt: skip
    return "\n".join(lines)


def _function(decorator: str, callable: str, takes: _Takes, name: str, result: str, body: str) -> str:
    return _decorated(f"@{decorator}({text(callable)})", takes, name, result, body)


def _decorated(decorator: str, takes: _Takes, name: str, result: str, body: str) -> str:
    said, _, rest = body.partition('"""\n')
    lines = [*(f"    {line}" for line in takes.lines), *([rest] if rest else [])]
    whole = said + ('"""\n' if rest else "") + "\n".join(lines)
    return "\n".join([decorator, *takes.decorators, f"{_call(f'def {name}', takes.parameters)} -> {result}:", whole])


def _call(what: str, arguments: Sequence[str]) -> str:
    line = f"{what}({', '.join(arguments)})"
    if len(line) <= WIDTH - 30:
        return line
    return f"{what}(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")"


def _import(module: str, names: set[str]) -> str:
    def place(name: str) -> tuple[int, str]:
        return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2, name)

    ordered = sorted(names, key=place)
    line = f"from {module} import {', '.join(ordered)}"
    return line if len(line) <= WIDTH else f"from {module} import (\n" + "".join(f"    {n},\n" for n in ordered) + ")"


def value_of(value: Any, indent: int) -> str:
    """A value as Python writes it, over several lines where one would be too long."""
    line = _flat(value)
    if len(line) + indent + 40 <= WIDTH or not isinstance(value, dict | list) or not value:
        return line
    inner = " " * (indent + 4)
    if isinstance(value, dict):
        items = [f"{inner}{text(str(key))}: {value_of(each, indent + 4)},\n" for key, each in value.items()]
        return "{\n" + "".join(items) + " " * indent + "}"
    return "[\n" + "".join(f"{inner}{value_of(each, indent + 4)},\n" for each in value) + " " * indent + "]"


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{text(str(key))}: {_flat(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flat(each) for each in value) + "]"
    return text(value) if isinstance(value, str) else repr(value)


def _description(step: StepTemplate) -> str:
    said = " ".join((step.description or f"The step {step.name}").split()).replace("\\", "\\\\").replace('"""', "'''")
    said = said[: WIDTH - 15].rstrip()
    said = f"{said} " if said.endswith('"') else said
    return said if said.endswith((".", "!", "?", " ")) else f"{said}."
