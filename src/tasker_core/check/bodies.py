"""What the body of a handler says: which results, inputs and settings it reads, whom it tells the idempotency key.

Read from the text, through functions of the same module and methods of the same class. What is computed stays unknown.
"""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass, field
from types import ModuleType

from tasker_core.check.constants import global_of, text_of
from tasker_core.check.functions import bound_names, own_nodes, parameters_of
from tasker_core.check.sources import Function, Source, Sources
from tasker_core.rules.findings import Place

_OF_CONTEXT = {
    "get_input": "input",
    "get_input_or": "input",
    "get_config": "setting",
    "get_dependency_result": "dependency",
    "get_dependency_field": "dependency",
}
_MAPPINGS = {"input_data": "input", "step_config": "setting", "dependency_results": "dependency"}
_UNSAFE_TO_REPEAT = frozenset({"post", "patch"})
_HTTP_LIBRARIES = frozenset({"requests", "httpx"})


@dataclass(frozen=True)
class Read:
    """Something that is read by name: a ``dependency``, an ``input``, a ``setting``; ``path`` leads into it.

    ``is_needed``: None in its place would break the handler there.
    """

    kind: str
    name: str
    place: Place
    path: tuple[str, ...] = ()
    is_needed: bool = False


@dataclass
class Body:
    """What was read of a handler's code."""

    reads: list[Read] = field(default_factory=list)
    parameter_reads: list[Read] = field(default_factory=list)
    """Keys of parameters: ``name`` is the parameter, ``kind`` is key."""
    attribute_reads: list[Read] = field(default_factory=list)
    """Attributes of parameters."""
    gives_context_away: bool = False
    touches_key: bool = False
    unsafe_call: Place | None = None
    """Where something is sent to the outside that isn't safe to send again."""
    words: set[str] = field(default_factory=set)
    """Every name, attribute and text in it."""
    returns: list[tuple[ast.expr | None, Source]] = field(default_factory=list)
    """What the entry itself returns."""


@dataclass(frozen=True)
class Entry:
    """Where a handler begins: its function, the class whose method it is, and the parameters that matter."""

    source: Source
    function: Function
    cls: type | None = None
    context: str | None = "context"
    api: frozenset[str] = frozenset()
    """Names on which ``post`` and its like send HTTP requests."""


def read_body(entry: Entry, sources: Sources) -> Body:
    """What the code of a handler says."""
    body = Body()
    for node in own_nodes(entry.function):
        if isinstance(node, ast.Return):
            body.returns.append((node.value, entry.source))
    _Reader(entry, body, set(), sources, is_entry=True).read()
    return body


class _Reader:
    """Reads one function, and those it calls."""

    def __init__(self, entry: Entry, body: Body, seen: set[ast.AST], sources: Sources, *, is_entry: bool) -> None:
        self._entry, self._body, self._seen, self._is_entry = entry, body, seen, is_entry
        self._sources = sources
        self._module: ModuleType = entry.source.module
        self._nodes: list[ast.AST] = list(entry.function.body)
        self._parents: dict[ast.AST, ast.AST] = {}
        for node in self._nodes:  # grows as it is walked
            for child in ast.iter_child_nodes(node):
                self._parents[child] = node
                self._nodes.append(child)
        bound = bound_names(self._nodes)
        self._parameters = {name for name in parameters_of(entry.function) if name not in bound}
        self._bound = frozenset(bound) | {*parameters_of(entry.function)}
        self._context = entry.context if entry.context in self._parameters else None
        self._results = self._local_results(bound)

    def read(self) -> None:
        self._seen.add(self._entry.function)
        for node in self._nodes:
            self._look_at(node)

    def _look_at(self, node: ast.AST) -> None:
        body = self._body
        match node:
            case ast.Constant(value=str(text)):
                body.words.add(text)
                body.touches_key |= "idempot" in text.lower()
            case ast.Name(id=name):
                body.words.add(name)
                body.touches_key |= "idempot" in name.lower()
                self._name(node)
            case ast.keyword(arg=str(name)):
                body.touches_key |= "idempot" in name.lower()
            case ast.Attribute(attr=name):
                body.words.add(name)
                body.touches_key |= "idempot" in name.lower()
            case ast.Call():
                self._call(node)

    def _name(self, node: ast.Name) -> None:
        """A name of the function's own stands somewhere: what is done with it there?"""
        above = self._parents.get(node)
        if node.id == self._context:
            if isinstance(above, ast.Attribute):
                self._of_context(above)
            elif not self._is_followed(above):
                self._body.gives_context_away = True
        elif self._is_entry and (node.id in self._parameters or node.id in self._results):
            if isinstance(above, ast.Attribute) and above.value is node and not self._is_method_of_dict(above):
                if node.id in self._parameters:
                    self._body.attribute_reads.append(Read("attribute", node.id, self._place(above), (above.attr,)))
                return
            path = self._path(node)
            if path and node.id in self._results:
                self._body.reads.append(Read("dependency", self._results[node.id], self._place(node), path))
            elif path:
                self._body.parameter_reads.append(Read("key", node.id, self._place(node), path))

    def _of_context(self, attribute: ast.Attribute) -> None:
        above = self._parents.get(attribute)
        if isinstance(above, ast.Call) and above.func is attribute and attribute.attr in _OF_CONTEXT:
            kind = _OF_CONTEXT[attribute.attr]
            name = text_of(above.args[0], self._module, self._bound) if above.args else None
            if name is None:
                return
            path = self._path(above)
            if attribute.attr == "get_dependency_field":
                keys = [text_of(argument, self._module, self._bound) for argument in above.args[1:]]
                path = tuple(key for key in keys if key is not None) if None not in keys else ()
            needed = attribute.attr in ("get_input", "get_config", "get_dependency_result") and self._breaks(above)
            self._body.reads.append(Read(kind, name, self._place(above), path, needed))
        elif attribute.attr in _MAPPINGS and above is not None:
            path = self._path(attribute)
            if path:
                kind = _MAPPINGS[attribute.attr]
                into = () if kind == "dependency" else path[1:]
                self._body.reads.append(
                    Read(kind, path[0], self._place(attribute), into, isinstance(above, ast.Subscript))
                )
            elif not isinstance(above, ast.Compare | ast.Attribute):
                self._body.gives_context_away = True
        elif attribute.attr in ("task_sequence_step", "event"):
            self._body.gives_context_away = True

    def _call(self, call: ast.Call) -> None:
        if self._sends(call) and self._body.unsafe_call is None:
            self._body.unsafe_call = self._place(call)
        found = self._called(call)
        if found is None or found[1] in self._seen:
            return
        source, function = found
        is_method = isinstance(call.func, ast.Attribute)
        parameters = parameters_of(function)[1 if is_method else 0 :]
        context = next(
            (
                name
                for name, argument in [
                    *zip(parameters, call.args, strict=False),
                    *((word.arg, word.value) for word in call.keywords),
                ]
                if name is not None and isinstance(argument, ast.Name) and argument.id == self._context
            ),
            None,
        )
        cls, api = (self._entry.cls, self._entry.api & {"self"}) if is_method else (None, frozenset[str]())
        entry = Entry(source, function, cls, context, api)
        _Reader(entry, self._body, self._seen, self._sources, is_entry=False).read()

    def _called(self, call: ast.Call) -> tuple[Source, Function] | None:
        """The function of this module, or method of this class or one above it, that is called."""
        match call.func:
            case ast.Name(id=name) if name not in self._bound:
                function = self._entry.source.function(name)
                return None if function is None else (self._entry.source, function)
            case ast.Attribute(value=ast.Name(id="self"), attr=name) if self._entry.cls is not None:
                return self._sources.of_function(inspect.getattr_static(self._entry.cls, name, None))
        return None

    def _is_followed(self, above: ast.AST | None) -> bool:
        if isinstance(above, ast.keyword):
            above = self._parents.get(above)
        if not isinstance(above, ast.Call):
            return False
        if self._called(above) is not None:
            return True
        return isinstance(above.func, ast.Attribute) and above.func.attr in _HARMLESS

    def _sends(self, call: ast.Call) -> bool:
        if not isinstance(call.func, ast.Attribute):
            return False
        of, verb = call.func.value, call.func.attr
        if isinstance(of, ast.Name) and of.id in self._entry.api:
            return verb in _UNSAFE_TO_REPEAT
        library = global_of(of, self._module, self._bound)
        return verb in _UNSAFE_TO_REPEAT and getattr(library, "__name__", "") in _HTTP_LIBRARIES

    def _path(self, node: ast.AST) -> tuple[str, ...]:
        """The literal keys that follow: of ``node["a"]["b"]`` and ``node["a"].get("b")`` they are a and b."""
        path: list[str] = []
        while True:
            above = self._parents.get(node)
            if isinstance(above, ast.Subscript) and above.value is node and isinstance(above.ctx, ast.Load):
                key = text_of(above.slice, self._module, self._bound)
                node = above
            elif isinstance(above, ast.Attribute) and above.attr == "get" and above.value is node:
                call = self._parents.get(above)
                is_call = isinstance(call, ast.Call) and call.func is above and bool(call.args)
                key = (
                    text_of(call.args[0], self._module, self._bound) if is_call and isinstance(call, ast.Call) else None
                )
                node = call or above
            else:
                return tuple(path)
            if key is None:
                return tuple(path)
            path.append(key)

    def _breaks(self, node: ast.AST) -> bool:
        """Whether None in the place of ``node`` would raise there and then."""
        above = self._parents.get(node)
        if isinstance(above, ast.Subscript) and above.value is node:
            return True
        if isinstance(above, ast.BinOp):
            return not isinstance(above.op, ast.BitOr)
        ordering = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
        return isinstance(above, ast.Compare) and any(isinstance(each, ordering) for each in above.ops)

    def _is_method_of_dict(self, attribute: ast.Attribute) -> bool:
        call = self._parents.get(attribute)
        return attribute.attr == "get" and isinstance(call, ast.Call) and call.func is attribute

    def _local_results(self, bound: dict[str, int]) -> dict[str, str]:
        """Local names that stand for the result of a step: ``cart = context.get_dependency_result("cart")``."""
        found: dict[str, str] = {}
        for node in own_nodes(self._entry.function):
            if not (isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.value, ast.Call)):
                continue
            target, call = node.targets[0], node.value
            match call.func:
                case ast.Attribute(value=ast.Name(id=name), attr="get_dependency_result") if name == self._context:
                    step = text_of(call.args[0], self._module) if call.args else None
                    if isinstance(target, ast.Name) and step is not None and bound.get(target.id) == 1:
                        found[target.id] = step
        return found

    def _place(self, node: ast.AST) -> Place:
        return self._entry.source.place(node)


_HARMLESS = frozenset(
    {"get_batch_context", "get_batch_worker_inputs", "handle_no_op_worker", "from_step_context", "checkpoint_yield"}
)
"""Methods that are given the context and read nothing but a batch worker's own share."""
