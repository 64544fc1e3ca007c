"""Which steps the code of a decision can name: each list that it can hand to ``Decision.route`` and its like."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import ModuleType

from tasker_core.check.constants import text_of
from tasker_core.check.handlers import Handler
from tasker_core.check.sources import Function
from tasker_core.rules.findings import Place

_ROUTES = frozenset({"route", "decision_success", "route_to_steps", "create_steps"})
_SKIPS = frozenset({"skip", "skip_branches", "no_branches", "decision_no_branches"})
_UNDERSTOOD = _ROUTES | _SKIPS | {"failure", "decision_failure"}
MOST_LISTS = 64

Lists = frozenset[tuple[str, ...]] | None
"""The lists that an expression can be; None for any."""


@dataclass
class Routes:
    """``named``: each step that is surely named somewhere, with the place. ``lists``: all that can be chosen, None
    where nobody can tell."""

    named: dict[str, Place] = field(default_factory=dict)
    lists: frozenset[tuple[str, ...]] | None = frozenset()


def routes_of(handler: Handler) -> Routes:
    """What a decision can choose, as far as its code says it."""
    routes = Routes()
    if handler.body is None or handler.source is None or handler.node is None:
        routes.lists = None
        return routes
    source = handler.source
    reader = _Reader(handler.node, source.module)
    calls = 0
    for call, lists, literals in reader.calls:
        calls += 1
        for name, node in literals:
            routes.named.setdefault(name, source.place(node))
        if routes.lists is not None:
            routes.lists = None if lists is None else routes.lists | lists
        if call.func and isinstance(call.func, ast.Attribute) and call.func.attr == "create_steps":
            routes.lists = None
    # What another function decides isn't seen here, nor is an outcome that is made by hand.
    if (
        not calls
        or not reader.says_all
        or handler.body.words & {"decision_success_with_outcome", "DecisionPointOutcome"}
    ):
        routes.lists = None
    return routes


class _Reader:
    """Walks through a function in the order of its statements, with what its names can be."""

    def __init__(self, function: Function, module: ModuleType) -> None:
        self._module = module
        self._literals: dict[str, list[tuple[str, ast.AST]]] = {}
        self.calls: list[tuple[ast.Call, Lists, Sequence[tuple[str, ast.AST]]]] = []
        self.says_all = True
        self._block(function.body, {})

    def _block(self, body: Iterable[ast.stmt], names: dict[str, Lists]) -> dict[str, Lists]:
        for statement in body:
            names = self._statement(statement, names)
        return names

    def _statement(self, statement: ast.stmt, names: dict[str, Lists]) -> dict[str, Lists]:
        match statement:
            case ast.If(test=test, body=body, orelse=orelse):
                self._expression(test, names)
                return _joined([self._block(body, dict(names)), self._block(orelse, dict(names))])
            case ast.Match(cases=cases):
                return _joined([names, *(self._block(case.body, dict(names)) for case in cases)])
            case ast.For() | ast.While() | ast.AsyncFor():
                looped = {**names, **dict.fromkeys(_stored(statement), None)}
                self._block(statement.body, looped)
                return self._block(statement.orelse, looped)
            case ast.With() | ast.AsyncWith():
                return self._block(statement.body, names)
            case ast.Try():
                tried = self._block(statement.body, dict(names))
                for handler in statement.handlers:
                    self._block(handler.body, {**names, **dict.fromkeys(_stored(statement), None)})
                return self._block([*statement.orelse, *statement.finalbody], tried)
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=value)
            ):
                if value is not None:
                    self._expression(value, names)
                    self._literals[name] = [*self._literals.get(name, []), *self._texts(value, names)]
                    return {**names, name: self._lists(value, names)}
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=value):
                self._literals[name] = [*self._literals.get(name, []), *self._texts(value, names)]
                return {**names, name: _added(names.get(name), self._lists(value, names))}
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[value])):
                text = text_of(value, self._module)
                if text is not None:
                    self._literals[name] = [*self._literals.get(name, []), (text, value)]
                one: Lists = None if text is None else frozenset({(text,)})
                return {**names, name: _added(names.get(name), one)}
            case ast.Return(value=value) if value is not None:
                self._expression(value, names)
                self._returned(value)
                return names
            case _:
                for node in ast.iter_child_nodes(statement):
                    if isinstance(node, ast.expr):
                        self._expression(node, names)
                return {**names, **dict.fromkeys(_stored(statement), None)}
        return names

    def _expression(self, expression: ast.expr, names: dict[str, Lists]) -> None:
        for node in ast.walk(expression):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ROUTES:
                chosen = node.args[0] if node.args else next((w.value for w in node.keywords if w.arg == "steps"), None)
                if chosen is not None:
                    self.calls.append((node, self._lists(chosen, names), self._texts(chosen, names)))

    def _returned(self, value: ast.expr) -> None:
        """Whether the ending is one that was understood; else what it chooses stays unknown."""
        if isinstance(value, ast.IfExp):
            self._returned(value.body)
            self._returned(value.orelse)
        else:
            name = value.func.attr if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) else ""
            self.says_all &= name in _UNDERSTOOD

    def _lists(self, node: ast.expr, names: dict[str, Lists]) -> Lists:
        match node:
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                found: Lists = frozenset({()})
                for element in elements:
                    found = _added(found, self._element(element))
                return found
            case ast.IfExp(body=body, orelse=orelse):
                return _either(self._lists(body, names), self._lists(orelse, names))
            case ast.BoolOp(op=ast.Or(), values=[first, *others]):
                lists = self._lists(first, names)
                for other in others:
                    if lists is None:
                        return None
                    lists = _either(lists - {()}, self._lists(other, names) if () in lists else frozenset())
                return lists
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                return _added(self._lists(left, names), self._lists(right, names))
            case ast.Name(id=name):
                return names.get(name)
        return None

    def _element(self, node: ast.expr) -> Lists:
        if isinstance(node, ast.IfExp):
            return _either(self._element(node.body), self._element(node.orelse))
        text = text_of(node, self._module)
        return None if text is None else frozenset({(text,)})

    def _texts(self, node: ast.expr, names: dict[str, Lists]) -> list[tuple[str, ast.AST]]:
        """The texts that stand as elements of lists in an expression, or in those that its names were given."""
        found: list[tuple[str, ast.AST]] = []
        for inner in ast.walk(node):
            if isinstance(inner, ast.List | ast.Tuple):
                for element in inner.elts:
                    parts = [element.body, element.orelse] if isinstance(element, ast.IfExp) else [element]
                    found += [(text, part) for part in parts if (text := text_of(part, self._module)) is not None]
            elif isinstance(inner, ast.Name) and inner.id in names:
                found += self._literals.get(inner.id, [])
        return found


def _either(one: Lists, other: Lists) -> Lists:
    return None if one is None or other is None or len(one | other) > MOST_LISTS else one | other


def _added(one: Lists, other: Lists) -> Lists:
    if one is None or other is None or len(one) * len(other) > MOST_LISTS:
        return None
    return frozenset(left + right for left in one for right in other)


def _joined(ways: Sequence[dict[str, Lists]]) -> dict[str, Lists]:
    """What names can be after one of several ways."""
    return {
        name: (None if any(name not in way for way in ways) else _all(way[name] for way in ways))
        for name in {name for way in ways for name in way}
    }


def _all(lists: Iterable[Lists]) -> Lists:
    found: Lists = frozenset()
    for each in lists:
        found = _either(found, each)
    return found


def _stored(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
