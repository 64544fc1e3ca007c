"""Compares what is there with what ``python_api.txt`` says should be."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

STUBS = Path(__file__).with_name("python_api.txt")
ABSENT = object()
ANYTHING = object()
"""For a default that the stubs leave open."""


class Promise(NamedTuple):
    """One statement of the stubs: a name of a module, and what it should be."""

    module: str
    name: str
    stub: ast.stmt

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


def promises() -> list[Promise]:
    """Every statement of the stubs, in their order."""
    parts = re.split(r"^# module: (\S+)$", STUBS.read_text("utf-8"), flags=re.MULTILINE)
    modules = zip(parts[1::2], parts[2::2], strict=True)
    return [Promise(module, _name_of(stub), stub) for module, text in modules for stub in ast.parse(text).body]


def breaches(promise: Promise) -> Iterator[str]:
    """How what is there differs from ``promise``; nothing when it is kept."""
    module = importlib.import_module(promise.module)
    there = getattr(module, promise.name, ABSENT)
    if there is ABSENT:
        yield f"{promise} isn't there"
        return
    stub = promise.stub
    match stub:
        case ast.ClassDef():
            yield from _of_class(str(promise), stub, there)
        case ast.FunctionDef():
            yield from _of_parameters(str(promise), stub, there, method=False)
        case ast.Assign():
            if there != ast.literal_eval(stub.value):
                yield f"{promise} is {there!r}"
        case ast.Expr(ast.Compare(comparators=[other])):
            if there is not resolve(ast.unparse(other)):
                yield f"{promise} isn't {ast.unparse(other)}"


def resolve(path: str) -> Any:
    """The object at a dotted path."""
    parts = path.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for name in parts[cut:]:
            found = getattr(found, name)
        return found
    raise ImportError(path)


def _name_of(stub: ast.stmt) -> str:
    match stub:
        case ast.ClassDef() | ast.FunctionDef():
            return stub.name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
        case ast.Expr(ast.Name(id=name)) | ast.Expr(ast.Compare(left=ast.Name(id=name))):
            return name
    raise ValueError(f"no stub: {ast.unparse(stub)}")


def _of_class(what: str, stub: ast.ClassDef, there: Any) -> Iterator[str]:
    if not inspect.isclass(there):
        yield f"{what} is no class"
        return
    for base in stub.bases:
        if not issubclass(there, resolve(ast.unparse(base))):
            yield f"{what} isn't derived from {ast.unparse(base)}"
    for member in stub.body:
        match member:
            case ast.FunctionDef():
                yield from _of_method(f"{what}.{member.name}", member, there)
            case ast.Assign() | ast.AnnAssign():
                yield from _of_field(f"{what}.{_name_of(member)}", member, there)


def _of_field(what: str, stub: ast.Assign | ast.AnnAssign, cls: type) -> Iterator[str]:
    name = _name_of(stub)
    default = _default_of(cls, name)
    if default is ABSENT:
        yield f"{what} isn't there"
    elif isinstance(stub, ast.Assign) and default != (promised := ast.literal_eval(stub.value)):
        yield f"{what} is {default!r} by default, not {promised!r}"


def _default_of(cls: type, name: str) -> Any:
    """The default of a field or class attribute; ANYTHING for one that has none."""
    if issubclass(cls, BaseModel) and name in cls.model_fields:
        info = cls.model_fields[name]
        return ANYTHING if info.is_required() else info.get_default(call_default_factory=True)
    for field in dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ():
        if field.name == name:
            if field.default_factory is not dataclasses.MISSING:
                return field.default_factory()
            return ANYTHING if field.default is dataclasses.MISSING else field.default
    found = inspect.getattr_static(cls, name, ABSENT)
    return ANYTHING if isinstance(found, property) else found


def _of_method(what: str, stub: ast.FunctionDef, cls: type) -> Iterator[str]:
    there = inspect.getattr_static(cls, stub.name, ABSENT)
    if there is ABSENT:
        yield f"{what} isn't there"
        return
    kinds = {ast.unparse(decorator) for decorator in stub.decorator_list}
    if "property" in kinds:
        if not isinstance(there, property | cached_property):
            yield f"{what} is no property"
        return
    if ("classmethod" in kinds or "staticmethod" in kinds) and not callable(getattr(cls, stub.name)):
        yield f"{what} can't be called on the class"
        return
    if not kinds and isinstance(there, property | staticmethod):
        yield f"{what} is no method"
        return
    yield from _of_parameters(what, stub, getattr(cls, stub.name), method=not kinds or "classmethod" in kinds)


def _of_parameters(what: str, stub: ast.FunctionDef, there: Any, *, method: bool) -> Iterator[str]:
    """The promised parameters under their names, in their places, with their defaults; others only with defaults."""
    try:
        own = list(inspect.signature(there).parameters.values())
    except (TypeError, ValueError):
        yield f"{what} can't be called"
        return
    if method and own and own[0].name in ("self", "cls"):
        own = own[1:]
    by_name = {parameter.name: parameter for parameter in own}
    places = [p.name for p in own if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    promised = list(_parameters(stub, method=method))
    for place, (name, default, kind) in enumerate(promised):
        if kind in ("*", "**"):
            if not any(p.kind == (p.VAR_POSITIONAL if kind == "*" else p.VAR_KEYWORD) for p in own):
                yield f"{what} takes no {kind}{name}"
            continue
        parameter = by_name.get(name)
        if parameter is None:
            yield f"{what} takes no {name!r}"
            continue
        if parameter.kind is parameter.POSITIONAL_ONLY:
            yield f"{what} doesn't take {name!r} by its name"
        if kind == "positional" and (place >= len(places) or places[place] != name):
            yield f"{what} doesn't take {name!r} in place {place + 1}"
        if default is not ANYTHING and parameter.default != default:
            yield f"{what}({name}={parameter.default!r}), not {default!r}"
    known = {name for name, _, _ in promised}
    for parameter in own:
        variable = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if parameter.name not in known and parameter.default is parameter.empty and not variable:
            yield f"{what} needs a further {parameter.name!r}"


def _parameters(stub: ast.FunctionDef, *, method: bool) -> Iterator[tuple[str, Any, str]]:
    """(name, default, kind) of each parameter but ``self`` and ``cls``."""
    taken = stub.args
    positional = taken.args[1:] if method else taken.args
    none: list[ast.expr | None] = [None] * (len(positional) - len(taken.defaults))
    for argument, default in zip(positional, [*none, *taken.defaults], strict=True):
        yield argument.arg, ANYTHING if default is None else ast.literal_eval(default), "positional"
    if taken.vararg:
        yield taken.vararg.arg, ANYTHING, "*"
    for argument, default in zip(taken.kwonlyargs, taken.kw_defaults, strict=True):
        yield argument.arg, ANYTHING if default is None else ast.literal_eval(default), "keyword"
    if taken.kwarg:
        yield taken.kwarg.arg, ANYTHING, "**"
