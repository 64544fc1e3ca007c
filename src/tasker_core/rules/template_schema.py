"""The JSON Schema of templates, for editors: made from the blocks, so that both always know the same keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasker_core.rules import semver
from tasker_core.rules.template import (
    LONGEST_NAMESPACE,
    LONGEST_STEP_NAME,
    NAME,
    NAMESPACE,
    OTHER_STEP_TYPES,
    STEP_NAME,
    StepTemplate,
    Template,
)
from tasker_core.rules.template_blocks import EVENT_NAME, MOST_ATTEMPTS, Block
from tasker_core.rules.template_words import MEANS

_LIMITS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("Template", "name"): {"pattern": f"^{NAME}$", "maxLength": 255},
    ("Template", "namespace_name"): {"pattern": f"^{NAMESPACE}$", "maxLength": LONGEST_NAMESPACE},
    ("Template", "version"): {"pattern": f"^{semver.PATTERN}$", "maxLength": 50},
    ("StepTemplate", "name"): {"pattern": f"^{STEP_NAME}$", "maxLength": LONGEST_STEP_NAME},
    ("StepTemplate", "rate"): {"pattern": r"^\s*\d+\s*/"},
    ("DomainEvent", "name"): {"pattern": f"^{EVENT_NAME}$"},
    ("Publication", "name"): {"pattern": f"^{EVENT_NAME}$"},
    ("HandlerSpec", "callable"): {"minLength": 1, "maxLength": 500},
    ("Retry", "max_attempts"): {"minimum": 0, "maximum": MOST_ATTEMPTS},
}
"""What the blocks check by functions, which pydantic can't write down."""


def template_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a template: what an editor completes, explains and underlines.

    >>> schema = template_schema()
    >>> schema["required"], schema["$defs"]["Retry"]["properties"]["backoff"]["enum"]
    (['name', 'namespace_name', 'version', 'steps'], ['none', 'linear', 'exponential', 'fibonacci'])
    """
    schema = Template.model_json_schema(by_alias=True, mode="validation")
    definitions = schema["$defs"]
    blocks = {block.__name__: block for block in _all_blocks(Block)}
    for name, definition in (("Template", schema), *definitions.items()):
        if name in blocks:
            _finish(name, definition, blocks[name])
    handler = {"anyOf": [{"$ref": "#/$defs/HandlerSpec"}, {"type": "string", "minLength": 1}]}
    definitions["Compensation"]["properties"]["handler"] |= handler
    definitions["Compensation"]["properties"]["handler"].pop("$ref", None)
    definitions["StepTemplate"]["properties"]["concurrency"]["anyOf"].append({"type": "integer", "minimum": 1})
    kinds = definitions["StepTemplate"]["properties"]["type"]
    kinds["enum"] = [*kinds["enum"], *OTHER_STEP_TYPES]
    for other, known in StepTemplate.other_names.items():
        twin = dict(definitions["StepTemplate"]["properties"][known])
        definitions["StepTemplate"]["properties"][other] = {**twin, "description": f"The same as {known}."}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Tasker template", **schema}


def _finish(name: str, definition: dict[str, Any], block: type[Block]) -> None:
    """Say what keys mean, what they are limited to, and that no others are known but those from ``x-`` on."""
    definition.pop("title", None)
    definition["additionalProperties"] = False
    definition["patternProperties"] = {"^x-": True}
    for key, value in definition["properties"].items():
        value.pop("title", None)
        if value.get("default", "") is None:
            del value["default"]
        value |= _LIMITS.get((name, key), {})
        value["description"] = MEANS[block.__name__][key]


def _all_blocks(block: type[Block]) -> list[type[Block]]:
    return [each for child in block.__subclasses__() for each in (child, *_all_blocks(child))]
