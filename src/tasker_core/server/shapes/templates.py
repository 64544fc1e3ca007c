"""Templates and handlers."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from tasker_core.server.shapes.base import Shape


class Template(Shape):
    """A template as its YAML file says it; see the reference of templates for every key."""

    model_config = ConfigDict(extra="allow")

    name: str
    namespace_name: str
    version: str
    steps: list[dict[str, Any]]


class NamespaceSummary(Shape):
    name: str
    template_count: int


class TemplateSummary(Shape):
    name: str
    namespace: str
    version: str
    description: str | None
    step_count: int


class TemplateListResponse(Shape):
    namespaces: list[NamespaceSummary]
    templates: list[TemplateSummary]
    total_count: int


class StepDefinition(Shape):
    name: str
    description: str | None
    step_type: str
    handler: str
    dependencies: list[str]
    compensated_by: str | None = Field(description="The handler that undoes it.")
    default_retryable: bool
    default_max_attempts: int


class TemplateDetail(TemplateSummary):
    """A template as it was registered, and its steps as they are in the environment of the server."""

    configuration: dict[str, Any]
    environment: str
    steps: list[StepDefinition]


class TemplateFinding(Shape):
    level: str
    code: str
    message: str
    path: str


class RegisteredTemplate(Shape):
    namespace: str
    name: str
    version: str
    replaced: bool
    findings: list[TemplateFinding]


class ServedStep(Shape):
    name: str
    handler: str
    workers: int = Field(description="So many live ones serve it.")


class TemplateReadiness(Shape):
    name: str
    namespace: str
    version: str
    valid: bool = Field(description="Whether a live worker serves each step.")
    steps: list[ServedStep]


class HandlerResponse(Shape):
    namespace: str
    callable: str
    workers: int
