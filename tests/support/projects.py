"""Whole projects, and the same with one file of theirs changed, while everything else stays as it is."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType

from tasker_core.check import Checked, check_project

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Project:
    """Its templates, and the modules that its handlers are made of, from the ones that others import on."""

    name: str
    templates: Sequence[Path]
    modules: Sequence[str]
    package: str

    @cached_property
    def texts(self) -> Mapping[str, str]:
        """The text of each template by its name, and of each module by its own."""
        templates = {path.name: path.read_text("utf-8") for path in self.templates}
        return {**templates, **{module: _file_of(module).read_text("utf-8") for module in self.modules}}


def projects() -> list[Project]:
    """The examples, and a project made for checks."""
    shop = "fastapi_shop.handlers"
    return [
        Project(
            "checkout",
            [ROOT / "examples/checkout/order.yaml"],
            ["examples.checkout.models", "examples.checkout.handlers"],
            "examples.checkout.handlers",
        ),
        Project(
            "approval",
            [ROOT / "examples/approval_routing/approval.yaml"],
            ["examples.approval_routing.handlers"],
            "examples.approval_routing.handlers",
        ),
        Project(
            "batches",
            [ROOT / "examples/csv_batches/count_sales.yaml"],
            ["examples.csv_batches.handlers"],
            "examples.csv_batches.handlers",
        ),
        Project(
            "shop",
            sorted((ROOT / "examples/fastapi-shop/config/tasks").glob("*.yaml")),
            [f"{shop}.{name}" for name in ("checkout", "refunds", "registration", "report")],
            shop,
        ),
        Project(
            "parcels",
            sorted((ROOT / "tests/support/parcels").glob("*.yaml")),
            ["tests.support.parcels.handlers"],
            "tests.support.parcels.handlers",
        ),
    ]


def check_with(project: Project, changed: Mapping[str, str], directory: Path) -> Checked:
    """Check ``project`` with the text of some files changed; its templates are put into ``directory``."""
    for path in project.templates:
        (directory / path.name).write_text(changed.get(path.name, project.texts[path.name]), "utf-8")
    modules = {name: text for name, text in changed.items() if name in project.modules}
    with imported_anew(project.modules if modules else (), modules):
        return check_project([directory], [project.package])


@contextmanager
def imported_anew(modules: Sequence[str], texts: Mapping[str, str]) -> Iterator[None]:
    """``modules`` are imported again when they are asked for, those in ``texts`` from there, until the block ends."""
    before = {name: sys.modules.pop(name) for name in modules if name in sys.modules}
    finder = _Finder(texts)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in modules:
            sys.modules.pop(name, None)
        for name, module in before.items():
            sys.modules[name] = module
            parent, _, own = name.rpartition(".")
            setattr(sys.modules[parent], own, module)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds modules whose text is another one than on the disk."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in self._texts:
            return None
        file = str(_file_of(name))
        return importlib.util.spec_from_file_location(name, file, loader=_Loader(name, file, self._texts[name]))


class _Loader(importlib.abc.SourceLoader):
    def __init__(self, name: str, file: str, text: str) -> None:
        self._file, self._text = file, text

    def get_filename(self, fullname: str) -> str:
        return self._file

    def get_data(self, path: str | bytes) -> bytes:
        if path != self._file:
            raise OSError(path)  # compiled code
        return self._text.encode()

    def path_stats(self, path: str | bytes) -> Mapping[str, float]:
        raise OSError(path)


def _file_of(module: str) -> Path:
    place = module.replace(".", "/") + ".py"
    root = ROOT / "examples/fastapi-shop" if module.startswith("fastapi_shop") else ROOT
    return root / place
