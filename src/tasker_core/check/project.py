"""A whole project, its templates and the packages of its handlers, checked before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasker_core.check.branches import check_branches
from tasker_core.check.dependencies import check_dependencies
from tasker_core.check.effects import check_effects
from tasker_core.check.flows import Flow, StepCode, Uses
from tasker_core.check.handlers import Handlers
from tasker_core.check.inputs import check_inputs
from tasker_core.check.loading import import_findings, registry_of
from tasker_core.check.pieces import check_pieces
from tasker_core.check.publishers import check_publishers, known_publishers
from tasker_core.check.results import check_required, check_results
from tasker_core.check.sources import Sources
from tasker_core.check.timing import check_timing
from tasker_core.errors import ResolutionError, TemplateError
from tasker_core.registry import HandlerRegistry
from tasker_core.registry.template_check import check_handlers, definition_of
from tasker_core.rules.findings import Finding, Findings
from tasker_core.rules.template import Template
from tasker_core.rules.template_environment import in_environment
from tasker_core.template_files import TemplateFile, read_file, template_files


@dataclass(frozen=True)
class CheckedFile:
    """A template file and what was found in it; ``template`` is None where it can't be used as one."""

    file: Path
    template: Template | None
    findings: Sequence[Finding]

    @property
    def is_usable(self) -> bool:
        return self.template is not None and not any(finding.level == "error" for finding in self.findings)


@dataclass(frozen=True)
class Checked:
    """A project that was checked. ``findings`` are those that belong to no template."""

    files: Sequence[CheckedFile]
    findings: Sequence[Finding]

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        return (*self.findings, *(finding for file in self.files for finding in file.findings))

    def passes(self, *, strict: bool) -> bool:
        """Whether nothing was found that must be mended: errors, and warnings if ``strict``."""
        levels = {"error", "warning"} if strict else {"error"}
        return all(file.template is not None for file in self.files) and not any(
            finding.level in levels for finding in self.all_findings
        )


def check_project(
    paths: Sequence[str | Path], handlers: Sequence[str] = (), *, environment: str = "development", strict: bool = False
) -> Checked:
    """Check the templates at ``paths``, beside the handlers of these packages where some are named.

    Args:
        paths: template files, or directories of them.
        handlers: packages that are imported, with all their modules, and looked through for handlers.
        environment: which one of the templates' ``environments`` counts.
        strict: make unknown keys errors.

    Raises:
        TemplateError: there are no template files.
        ModuleNotFoundError: there is no package of that name.
    """
    registry = registry_of(handlers) if handlers else None
    files = list(dict.fromkeys(file for path in paths for file in template_files(path)))
    if not files:
        raise TemplateError(f"{', '.join(map(str, paths))}: no template files (*.yaml, *.yml) below it")
    checker = _Checker(registry, known_publishers(handlers) if handlers else frozenset(), environment)
    checked = [checker.read(file, strict=strict) for file in files]
    checker.compare()
    return Checked(
        [
            CheckedFile(file, None if read is None else read.template, checker.found(file, early))
            for file, read, early in checked
        ],
        tuple(import_findings(registry)) if registry is not None else (),
    )


class _Checker:
    """Reads all templates first, since a handler may run in several of them."""

    def __init__(self, registry: HandlerRegistry | None, publishers: frozenset[str], environment: str) -> None:
        self._registry, self._publishers, self._environment = registry, publishers, environment
        self._handlers = Handlers(Sources())
        self._flows: dict[Path, Flow] = {}

    def read(self, file: Path, *, strict: bool) -> tuple[Path, TemplateFile | None, Sequence[Finding]]:
        try:
            read = read_file(file, strict=strict)
        except TemplateError as error:
            unread = Finding("error", "UNREADABLE", str(error), str(file), None, "")
            known = [finding for finding in error.findings if isinstance(finding, Finding)]
            return file, None, known or [unread]
        findings = Findings(str(file))
        findings.line_of = read.line_of
        template = in_environment(read.template, self._environment)
        self._flows[file] = Flow(template, self._steps(template), findings, self._registry is not None)
        return file, read, read.findings

    def compare(self) -> None:
        """Everything that needs more than one template's text."""
        flows = list(self._flows.values())
        uses = Uses.of(flows)
        _check_identities(flows)
        for flow in flows:
            if self._registry is not None:
                check_handlers(flow.template, self._registry, flow.findings)
                check_publishers(flow, self._publishers)
            check_required(flow)
            check_timing(flow)
            check_inputs(flow, uses)
            check_results(flow)
            check_dependencies(flow, uses)
            check_branches(flow, uses)
            check_pieces(flow)
            check_effects(flow)

    def found(self, file: Path, early: Sequence[Finding]) -> Sequence[Finding]:
        """What was found in a file, by line."""
        flow = self._flows.get(file)
        late = flow.findings.in_order() if flow is not None else ()
        return sorted(dict.fromkeys((*early, *late)), key=lambda finding: finding.line or 0)

    def _steps(self, template: Template) -> list[StepCode]:
        codes = [StepCode(step, ("steps", number)) for number, step in enumerate(template.steps)]
        codes += [
            StepCode(step, ("steps", no - 1, "compensate"), template.steps[no - 1].name)
            for no, step in template.undo_steps.items()
        ]
        return [self._with_handler(code) for code in codes]

    def _with_handler(self, code: StepCode) -> StepCode:
        if self._registry is None:
            return code
        try:
            found = self._registry.lookup(definition_of(code.step), allow_import=True)
        except ResolutionError:
            return code
        return StepCode(code.step, code.path, code.undoes, self._handlers.of(found))


def _check_identities(flows: Sequence[Flow]) -> None:
    """Two files can't mean different templates by one name and version."""
    first: dict[str, Flow] = {}
    for flow in flows:
        other = first.setdefault(str(flow.template.identity), flow)
        if other is not flow and other.template.digest() != flow.template.digest():
            message = f"{flow.template.identity} is also what {other.findings.source} holds, with other content"
            flow.findings.add(
                "error", "DUPLICATE_TEMPLATE", ("name",), message, "give one of them another name or version"
            )
