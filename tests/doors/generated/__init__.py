"""Code that ``tasker generate`` made of the templates beside it: linted, typed and run as it is.

``python -m tests.doors.generated`` writes it anew.
"""

from __future__ import annotations

from pathlib import Path

from tasker_core.generating import Models, handlers_source, trial_source
from tasker_core.template_files import read_file

HERE = Path(__file__).parent
TEMPLATES = sorted(HERE.glob("*.yaml"))


def made() -> dict[Path, str]:
    """What there should be, by file."""
    files: dict[Path, str] = {}
    for file in TEMPLATES:
        template = read_file(file).template
        models, name = Models.of(template), template.name
        types, handlers = f"tests.doors.generated.{name}_types", f"tests.doors.generated.{name}_handlers"
        files[HERE / f"{name}_types.py"] = models.source()
        files[HERE / f"{name}_handlers.py"] = handlers_source(template, models, types)
        files[HERE / f"test_{name}.py"] = trial_source(template, models, types, handlers, file.name)
    return files
