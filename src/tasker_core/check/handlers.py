"""The handlers of a project, as far as they can be known before they run: what they declare, what their code says."""

from __future__ import annotations

import ast
import inspect
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from tasker_core.batch_processing import Batchable
from tasker_core.check.bodies import Body, Entry, read_body
from tasker_core.check.constants import either, literal_object, text_of
from tasker_core.check.functions import own_nodes, parameters_of
from tasker_core.check.models import made_by, may_be_none, value_schema
from tasker_core.check.schemas import Shape, whole
from tasker_core.check.sources import Function, Source, Sources
from tasker_core.registry.lookup import ResolvedHandler
from tasker_core.rules.findings import Place
from tasker_core.step_handler.mixins import APIMixin, DecisionMixin
from tasker_core.step_handler.signatures import signature_of


@dataclass(frozen=True)
class Dependency:
    """A parameter that is given the result of a step. ``is_optional``: the handler also takes None for it."""

    parameter: str
    step: str
    model: type[BaseModel] | None
    is_optional: bool
    place: Place | None


@dataclass(frozen=True, eq=False)
class Handler:
    """One entry point of a handler. ``fn`` is its function, or method, where it can be had."""

    name: str
    cls: type
    fn: Any
    is_functional: bool
    source: Source | None
    node: Function | None
    sources: Sources

    @property
    def place(self) -> Place | None:
        return None if self.source is None or self.node is None else self.source.place(self.node)

    @property
    def module(self) -> str:
        return self.cls.__module__

    @property
    def decides(self) -> bool:
        return issubclass(self.cls, DecisionMixin)

    @property
    def cuts_or_works(self) -> bool:
        return issubclass(self.cls, Batchable)

    @cached_property
    def body(self) -> Body | None:
        """What the code says; None where its text can't be had."""
        if self.source is None or self.node is None:
            return None
        names = parameters_of(self.node)
        if self.is_functional:
            context: str | None = "context" if "context" in names else "_context" if "_context" in names else None
            api = frozenset({"api"} if issubclass(self.cls, APIMixin) else ())
            return read_body(Entry(self.source, self.node, None, context, api), self.sources)
        context = names[1] if len(names) > 1 else None
        api = frozenset({"self"} if issubclass(self.cls, APIMixin) else ())
        return read_body(Entry(self.source, self.node, self.cls, context, api), self.sources)

    @cached_property
    def hints(self) -> Mapping[str, Any]:
        """The annotations; none where they can't be evaluated."""
        try:
            return typing.get_type_hints(self.fn)
        except Exception:  # names for type checkers only, and whatever evaluating an annotation may raise
            return {}

    @cached_property
    def dependencies(self) -> tuple[Dependency, ...]:
        """What ``@depends_on`` declares."""
        steps: Mapping[str, str] = getattr(self.fn, "_depends_on", {})
        models = getattr(self.fn, "_dep_models", {})
        defaults = _defaults(self.fn)
        return tuple(
            Dependency(
                name,
                step,
                models.get(name),
                name in defaults or name not in self.hints or may_be_none(self.hints[name]),
                self._decorated("depends_on", name),
            )
            for name, step in steps.items()
        )

    @property
    def input_model(self) -> type[BaseModel] | None:
        model = getattr(self.fn, "_input_model", None)
        return model if inspect.isclass(model) and issubclass(model, BaseModel) else None

    @cached_property
    def inputs(self) -> tuple[tuple[str, Place | None], ...]:
        """The fields of the task's input that ``@inputs`` names."""
        return tuple((key, self._decorated("inputs", key)) for key in getattr(self.fn, "_inputs", ()))

    @property
    def inputs_place(self) -> Place | None:
        return self._decorated("inputs", None)

    @cached_property
    def returns(self) -> Shape | None:
        """What its results look like; None where that can't be told."""
        if self.decides or (self.cuts_or_works and self.is_functional):
            return None
        if not self.is_functional:
            return self._answered()
        annotation = self.hints.get("return", inspect.Parameter.empty)
        known = made_by(annotation)
        if known is not None:
            return known
        if annotation is None or annotation is type(None):
            return whole({"type": "object", "properties": {}, "additionalProperties": False}, is_closed=True)
        return self._literal(lambda value: value, value_schema(annotation))

    def _answered(self) -> Shape | None:
        """What a class answers with: the literal dicts in ``self.success({...})``, failures aside."""

        def result_in(value: ast.expr) -> ast.expr | None:
            if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute)):
                return None
            if value.func.attr == "failure":
                return _FAILS
            if value.func.attr != "success":
                return None
            named = {word.arg: word.value for word in value.keywords}
            return value.args[0] if value.args else named.get("result", _NOTHING)

        return self._literal(result_in, {})

    def _literal(self, result_in: Any, values: Mapping[str, Any]) -> Shape | None:
        if self.body is None or self.source is None or self.node is None or not self.body.returns:
            return None
        shapes: list[dict[str, Any]] = []
        for value, source in self.body.returns:
            result = None if value is None else result_in(value)
            for one in _alternatives(result):
                if one is _FAILS:
                    continue
                if isinstance(one, ast.Name):
                    one = _assigned_once(one.id, self.node)
                shape = None if one is None else literal_object(one, source.module, values)
                if shape is None:
                    return None
                shapes.append(shape)
        return whole(either(shapes), is_closed=True) if shapes else None

    def _decorated(self, decorator: str, argument: str | None) -> Place | None:
        """Where a decorator says something of an argument."""
        if self.source is None or self.node is None:
            return None
        for call in self.node.decorator_list:
            if not (isinstance(call, ast.Call) and _called(call) == decorator):
                continue
            if argument is None:
                return self.source.place(call)
            for word in call.keywords:
                if word.arg == argument:
                    return self.source.place(word.value)
            for value in call.args:
                if text_of(value, self.source.module) == argument:
                    return self.source.place(value)
        return self.place


class Handlers:
    """Makes a Handler of whatever the registry found, each once."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._known: dict[tuple[Any, str], Handler] = {}

    def of(self, found: ResolvedHandler) -> Handler | None:
        """The entry point; None for a handler that is no class of this process, as what an own resolver makes."""
        cls = found.handler if inspect.isclass(found.handler) else None
        if cls is None:
            return None
        key = cls, found.method
        if key not in self._known:
            self._known[key] = self._read(cls, found)
        return self._known[key]

    def _read(self, cls: type, found: ResolvedHandler) -> Handler:
        own = vars(cls).get("_function")
        is_functional = isinstance(own, staticmethod) and found.method == "call"
        fn = own.__func__ if isinstance(own, staticmethod) and is_functional else getattr(cls, found.method, None)
        read = self._sources.of_function(fn) if fn is not None else None
        source, node = read or (None, None)
        return Handler(found.name, cls, fn, is_functional, source, node, self._sources)


_NOTHING: ast.expr = ast.Dict(keys=[], values=[])
_FAILS: ast.expr = ast.Constant(value=False)


def _alternatives(node: ast.expr | None) -> list[ast.expr | None]:
    if isinstance(node, ast.IfExp):
        return [*_alternatives(node.body), *_alternatives(node.orelse)]
    return [node]


def _assigned_once(name: str, function: Function) -> ast.expr | None:
    """The value of a local name that is given one value and then only returned or read by key."""
    values: list[ast.expr | None] = []
    for node in own_nodes(function):
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load):
            values.append(None)
        elif isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == name and (isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load)):
                return None
        elif isinstance(node, ast.Call) and any(isinstance(a, ast.Name) and a.id == name for a in node.args):
            return None
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Name) and target.id == name:
                values.append(node.value)
    told = [value for value in values if value is not None]
    return told[0] if len(told) == 1 and len(values) == 2 else None


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _defaults(fn: Any) -> frozenset[str]:
    try:
        parameters = signature_of(fn).parameters.values()
    except (TypeError, ValueError, NameError):
        return frozenset()
    return frozenset(each.name for each in parameters if each.default is not each.empty)
