"""Which tasks the command is asked about."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

Namespace: TypeAlias = Annotated[str | None, typer.Option("--namespace", "-n", help="Only of this namespace.")]
Status: TypeAlias = Annotated[str | None, typer.Option("--status", "-s", help="Only in this state.")]
Name: TypeAlias = Annotated[str | None, typer.Option(help="Only of this template.")]
Version: TypeAlias = Annotated[str | None, typer.Option(help="Only of this version.")]
Tag: TypeAlias = Annotated[str | None, typer.Option(help="Only with this tag.")]
Initiator: TypeAlias = Annotated[str | None, typer.Option(help="Only what they asked for.")]
SourceSystem: TypeAlias = Annotated[str | None, typer.Option(help="Only from there.")]
CorrelationId: TypeAlias = Annotated[
    str | None, typer.Option("--correlation-id", "-c", help="Only what belongs to it.")
]
ParentCorrelationId: TypeAlias = Annotated[str | None, typer.Option(help="Only what came of it.")]
CreatedAfter: TypeAlias = Annotated[str | None, typer.Option(help="Created then or later, in ISO 8601.")]
CreatedBefore: TypeAlias = Annotated[str | None, typer.Option(help="Created earlier than that.")]
UpdatedAfter: TypeAlias = Annotated[str | None, typer.Option(help="Changed then or later.")]
UpdatedBefore: TypeAlias = Annotated[str | None, typer.Option(help="Changed earlier than that.")]
ContextField: TypeAlias = Annotated[str | None, typer.Option(help="A field of the context: customer.id=42.")]


def context_filter(given: str | None) -> tuple[str, str] | tuple[None, None]:
    """The path and the value of ``--context``."""
    if given is None:
        return None, None
    path, equals, value = given.partition("=")
    if not equals:
        raise typer.BadParameter(f"a field and its value, like customer.id=42; found {given!r}", param_hint="--context")
    return path, value
