"""What this release doesn't act on: the keys that it keeps with a template.

Whoever builds one of them removes its row.
"""

from __future__ import annotations

from typing import Any

from tasker_core.rules.findings import Findings, Path
from tasker_core.rules.template import StepTemplate, Template
from tasker_core.rules.template_blocks import Block

_ANY_VALUE = object()

KEPT_KEYS: dict[type[Block], dict[str, Any]] = {
    Template: {
        "system_dependencies": _ANY_VALUE,
        "domain_events": _ANY_VALUE,
        "default_options": _ANY_VALUE,
    },
    StepTemplate: {
        "system_dependency": _ANY_VALUE,
        "composition": _ANY_VALUE,
    },
}
"""By block: each key that is only kept, and the value, if there is one, that asks for no more than is done anyhow."""


def report_kept(block: Block, path: Path, what: str, findings: Findings) -> None:
    """Report the keys of ``block`` that are kept and not acted on; ``what`` names it, "" for the template."""
    for key, harmless in KEPT_KEYS.get(type(block), {}).items():
        if key in block.model_fields_set and getattr(block, key) != harmless:
            of = f" of {what}" if what else ""
            message = f"{key!r}{of} is kept with the template; this release doesn't act on it"
            findings.info("KEPT", (*path, key), message)
