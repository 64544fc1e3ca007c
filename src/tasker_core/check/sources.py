"""The text of Python modules: which syntax tree stands for a function, and where it is. Nothing here runs code."""

from __future__ import annotations

import ast
import inspect
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from tasker_core.rules.findings import Place

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, eq=False)
class Source:
    """A module that was read; ``file`` is as findings show it."""

    module: ModuleType
    file: str
    tree: ast.Module

    def place(self, node: ast.AST) -> Place:
        return Place(self.file, getattr(node, "lineno", 1))

    def function(self, name: str) -> Function | None:
        """The function of the module that is called ``name``, where there is exactly one."""
        return _only(self.tree.body, name)

    def function_at(self, line: int, name: str) -> Function | None:
        """The function ``name`` whose first line, decorators included, is ``line``."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                if first == line or node.lineno == line:
                    return node
        return None


class Sources:
    """The modules that were read, each once."""

    def __init__(self) -> None:
        self._read: dict[str, Source | None] = {}

    def of_function(self, fn: Any) -> tuple[Source, Function] | None:
        """The module of a function and its syntax tree there; None where its text can't be had."""
        fn = inspect.unwrap(fn) if callable(fn) else fn
        code = getattr(fn, "__code__", None)
        module = getattr(fn, "__module__", None) or ""
        if module.partition(".")[0] == "tasker_core":
            return None
        source = self.of_module(module)
        if code is None or source is None:
            return None
        node = source.function_at(code.co_firstlineno, fn.__name__)
        return None if node is None else (source, node)

    def of_module(self, name: str) -> Source | None:
        if name not in self._read:
            self._read[name] = _read(sys.modules.get(name))
        return self._read[name]


def shown(file: str) -> str:
    """A file's name for people: from the working directory where it lies below that."""
    path = Path(file)
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _read(module: ModuleType | None) -> Source | None:
    file = getattr(module, "__file__", None)
    loader = getattr(module, "__loader__", None)
    get_source = getattr(loader, "get_source", None)
    if module is None or file is None or get_source is None:
        return None
    try:
        text = get_source(module.__name__)
        return None if text is None else Source(module, shown(file), ast.parse(text))
    except (ImportError, OSError, SyntaxError):
        return None


def _only(body: list[ast.stmt], name: str) -> Function | None:
    found = [n for n in body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name == name]
    return found[0] if len(found) == 1 else None
