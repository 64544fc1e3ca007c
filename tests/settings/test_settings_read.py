"""Every setting has a reader: one that is documented and read nowhere would be a promise that nobody keeps."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

import tasker_core
from tasker_core.settings import values
from tasker_core.settings.fields import all_settings

SOURCES = Path(tasker_core.__file__).parent
SECTIONS = {name: each for name, each in vars(values).items() if isinstance(each, type) and issubclass(each, BaseModel)}
Read = tuple[str, str]
"""A section's class and a field of it."""


def section_below(section: str, attribute: str) -> str | None:
    """The class of the section that ``attribute`` of another one is, if it is one."""
    field = SECTIONS[section].model_fields.get(attribute)
    inside = () if field is None else (field.annotation, *get_args(field.annotation))
    return next((name for name, each in SECTIONS.items() if each in inside), None)


class _Reads(ast.NodeVisitor):
    """What a module reads of the settings: it knows their sections by annotations, assignments and attributes."""

    def __init__(self) -> None:
        self.found: set[Read] = set()
        self._names: dict[str, str] = {"settings": "Settings", "loaded": "Settings"}
        self._class = ""

    def section_of(self, node: ast.expr | None) -> str | None:
        match node:
            case ast.Name(name):
                return self._names.get(name)
            case ast.Attribute(ast.Name("self"), attribute) if self._class not in SECTIONS:
                return self._names.get(attribute)
            case ast.Attribute(attr=("settings" | "_settings")):
                return "Settings"
            case ast.Attribute(inner, attribute):
                below = self.section_of(inner)
                return section_below(below, attribute) if below else None
            case ast.Call(ast.Name("load_settings")):
                return "Settings"
        return None

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        before, self._class = self._class, node.name
        self.generic_visit(node)
        self._class = before

    def visit_arg(self, node: ast.arg) -> None:
        if node.annotation is not None:
            for name in SECTIONS.keys() & ast.unparse(node.annotation).split(" | "):
                self._names[node.arg] = name

    def visit_Assign(self, node: ast.Assign) -> None:
        if (section := self.section_of(node.value)) is not None:
            self._names.update({target.id: section for target in node.targets if isinstance(target, ast.Name)})
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        if isinstance(node.target, ast.Name) and (section := self.section_of(node.iter)) is not None:
            self._names[node.target.id] = section
        self.generic_visit(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        for each in node.generators:
            self.visit_comprehension(each)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        section = self.section_of(node.value)
        if isinstance(node.value, ast.Name) and node.value.id == "self" and self._class in SECTIONS:
            section = self._class
        if section is not None and isinstance(node.ctx, ast.Load):
            self.found.add((section, node.attr))
        self.generic_visit(node)


def read_in(text: str) -> set[Read]:
    reads = _Reads()
    reads.visit(ast.parse(text))
    return reads.found


def fields() -> Iterator[Read]:
    for setting in all_settings():
        section = "Settings"
        for attribute in setting.attributes[:-1]:
            below = section_below(section, attribute)
            assert below is not None
            section = below
        yield section, setting.attributes[-1]


def test_every_setting_is_read_somewhere() -> None:
    read = set[Read]().union(*(read_in(source.read_text("utf-8")) for source in SOURCES.rglob("*.py")))
    unread = [f"{section}.{field}" for section, field in fields() if (section, field) not in read]
    assert unread == []
    # What an entry of a list of tables says isn't among the settings, but is read all the same.
    assert {("ApiKeySettings", name) for name in SECTIONS["ApiKeySettings"].model_fields} <= read


def test_a_reader_is_known_by_what_it_reads() -> None:
    text = """
def one(settings: Settings, jwt: JwtSettings | None) -> None:
    client = settings.client
    print(client.timeout, settings.worker.name, jwt.leeway, other.retries)
    settings.client.url = "written, not read"
"""
    assert read_in(text) >= {("ClientSettings", "timeout"), ("WorkerSettings", "name"), ("JwtSettings", "leeway")}
    assert not {field for _, field in read_in(text)} & {"retries", "url"}
