"""Where templates lie, and which handlers they name. Reads files leniently; checking templates is another's work."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tasker_core.settings import load_settings
from tasker_core.template_files import without_pattern

log = logging.getLogger("tasker_core.template_discovery")

_ROOT_MARKS = ("pyproject.toml", "setup.py", ".git")


class TemplatePath:
    """Finds template files."""

    @staticmethod
    def find_template_config_directory() -> Path | None:
        """The directory of templates: ``TASKER_TEMPLATE_PATH``; with ``TASKER_ENV=test`` ``tests/fixtures/templates``;
        ``config/tasks`` of ``WORKSPACE_PATH``, of the project around the working directory, of the working directory.
        None when none of them is there.
        """
        settings = load_settings()
        for named in settings.worker.template_path:
            path = without_pattern(named)
            if path.exists():
                return path if path.is_dir() else path.parent
            log.warning("TASKER_TEMPLATE_PATH names %s, which isn't there", named)
            return None
        here = Path.cwd()
        candidates: list[Path] = []
        if settings.env == "test":
            candidates.append(here / "tests" / "fixtures" / "templates")
        if settings.workspace_path:
            candidates.append(Path(settings.workspace_path) / "config" / "tasks")
        root = next((p for p in (here, *here.parents) if any((p / mark).exists() for mark in _ROOT_MARKS)), None)
        if root is not None:
            candidates.append(root / "config" / "tasks")
        candidates.append(here / "config" / "tasks")
        return next((path for path in candidates if path.is_dir()), None)

    @staticmethod
    def discover_template_files(directory: str | Path | None) -> list[Path]:
        """All YAML files below a directory, sorted."""
        if directory is None:
            return []
        return sorted(
            path for path in Path(directory).rglob("*") if path.suffix in (".yaml", ".yml") and path.is_file()
        )


class TemplateParser:
    """Reads what a template says about its handlers."""

    @staticmethod
    def extract_handler_callables(file: str | Path) -> list[str]:
        """The callables that a template file names, in order; none when it can't be read as a template."""
        return TemplateParser.extract_handlers_from_template(_read(file))

    @staticmethod
    def extract_handlers_from_template(template: Mapping[str, Any]) -> list[str]:
        """The callables that a template names, in order, each once."""
        callables: dict[str, None] = {}
        steps = template.get("steps")
        for step in steps if isinstance(steps, list) else []:
            handler = step.get("handler") if isinstance(step, Mapping) else None
            callable = handler.get("callable") if isinstance(handler, Mapping) else None
            if isinstance(callable, str) and callable:
                callables[callable] = None
        return list(callables)

    @staticmethod
    def extract_template_metadata(file: str | Path) -> dict[str, Any] | None:
        """Name, namespace, version, description, file and handlers of a template; None when it can't be read."""
        template = _read(file)
        if not template.get("name"):
            return None
        return {
            "name": template["name"],
            "namespace": template.get("namespace_name") or "default",
            "version": template.get("version"),
            "description": template.get("description"),
            "file_path": str(file),
            "handlers": TemplateParser.extract_handlers_from_template(template),
        }


class HandlerDiscovery:
    """What all templates of a directory say about handlers. Without a directory, of the one that is found."""

    @staticmethod
    def discover_all_handlers(directory: str | Path | None = None) -> list[str]:
        """All callables, sorted, each once."""
        found = {name for file in _files(directory) for name in TemplateParser.extract_handler_callables(file)}
        return sorted(found)

    @staticmethod
    def discover_template_metadata(directory: str | Path | None = None) -> list[dict[str, Any]]:
        """The metadata of every template that can be read."""
        read = [TemplateParser.extract_template_metadata(file) for file in _files(directory)]
        return [metadata for metadata in read if metadata is not None]

    @staticmethod
    def discover_handlers_by_namespace(directory: str | Path | None = None) -> dict[str, list[str]]:
        """All callables by the namespace of their templates, sorted."""
        found: dict[str, set[str]] = {}
        for metadata in HandlerDiscovery.discover_template_metadata(directory):
            found.setdefault(metadata["namespace"], set()).update(metadata["handlers"])
        return {namespace: sorted(handlers) for namespace, handlers in found.items()}


def _files(directory: str | Path | None) -> list[Path]:
    return TemplatePath.discover_template_files(directory or TemplatePath.find_template_config_directory())


def _read(file: str | Path) -> Mapping[str, Any]:
    try:
        template = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        log.warning("template %s cannot be read: %s", file, error)
        return {}
    return template if isinstance(template, dict) else {}
