"""What stands in the syntax tree of a function."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Any

from tasker_core.check.sources import Function

_OTHER_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_NAMED = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.ExceptHandler,
    ast.MatchAs,
    ast.MatchStar,
)


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """The nodes of a function's body, without those of the functions inside it."""
    ahead: list[ast.AST] = list(reversed(function.body))
    while ahead:
        node = ahead.pop()
        yield node
        if not isinstance(node, _OTHER_SCOPES):
            ahead += reversed(list(ast.iter_child_nodes(node)))


def parameters_of(function: Function) -> list[str]:
    """The names of the parameters, in order."""
    arguments = function.args
    return [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def bound_names(nodes: Iterable[ast.AST]) -> dict[str, int]:
    """How often each name is given a value there, parameters of inner functions counted as well."""
    found: dict[str, int] = {}
    for node in nodes:
        name: Any = None
        if isinstance(node, ast.Name):
            name = None if isinstance(node.ctx, ast.Load) else node.id
        elif isinstance(node, ast.arg):
            name = node.arg
        elif isinstance(node, _NAMED):
            name = node.name
        elif isinstance(node, ast.alias):
            name = node.asname or node.name.partition(".")[0]
        if isinstance(name, str):
            found[name] = found.get(name, 0) + 1
    return found
