"""A project that runs at once: what ``tasker init`` writes."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterator
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from tasker_core.errors import InvalidRequestError
from tasker_core.version import VERSION

_PLACEHOLDERS = re.compile("PROJECT|PACKAGE|REQUIREMENT")


def write_project(directory: Path) -> list[Path]:
    """Write the files of a new project into ``directory``, which mustn't hold anything; their paths, sorted.

    Raises InvalidRequestError for a directory that holds something, or whose name can't be a package's.
    """
    package = directory.name.replace("-", "_")
    if not package.isidentifier() or keyword.iskeyword(package) or package == "tasker_core" or not package.isascii():
        raise InvalidRequestError(
            f"{directory.name!r} can't be the name of a Python package; take a word of letters, digits, - and _, "
            "which begins with a letter",
            field="name",
        )
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise InvalidRequestError(f"{directory} is there already and isn't empty; choose another name", field="name")
    meant = {"PROJECT": directory.name, "PACKAGE": package, "REQUIREMENT": requirement()}
    written: list[Path] = []
    for path, file in _files(resources.files("tasker_core.generating").joinpath("project"), PurePosixPath()):
        to = directory / _PLACEHOLDERS.sub(lambda word: meant[word[0]], str(path)).replace("gitignore", ".gitignore")
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(_PLACEHOLDERS.sub(lambda word: meant[word[0]], file.read_text("utf-8")), "utf-8")
        written.append(to)
    return sorted(written)


def requirement() -> str:
    """How a project asks for the Tasker that runs here: by its version, or by where it was installed from."""
    told = metadata.distribution("tasker-core").read_text("direct_url.json")
    url = json.loads(told)["url"] if told else None
    return f"tasker-core @ {url}" if url else f"tasker-core>={VERSION}"


def _files(directory: Traversable, path: PurePosixPath) -> Iterator[tuple[PurePosixPath, Traversable]]:
    for entry in directory.iterdir():
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _files(entry, path / entry.name)
        elif not entry.name.endswith(".pyc"):
            yield path / entry.name, entry
