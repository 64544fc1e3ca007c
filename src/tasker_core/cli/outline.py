"""``tasker template generate``: a template to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tasker_core.cli.output import AsJson, people, print_json
from tasker_core.errors import InvalidRequestError
from tasker_core.generating.outline import as_yaml, outline


def generate(
    name: Annotated[str, typer.Argument(help="The template's name.")],
    step: Annotated[
        list[str], typer.Option("--step", "-s", help="A step, and after a colon what it waits for: ship:pay,pick.")
    ],
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Its namespace.")] = "default",
    version: Annotated[str, typer.Option("--version", "-v", help="Its version.")] = "1.0.0",
    param: Annotated[
        list[str] | None, typer.Option("--param", help="A field of the context and its type: order_id=integer.")
    ] = None,
    language: Annotated[str, typer.Option("--language", "-l", help="python, the only one.")] = "python",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file; it isn't overwritten.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a template to begin with: its steps, what they wait for, schemas to fill in.

    What `tasker generate` makes of it runs at once.
    """
    if language != "python":
        raise InvalidRequestError(f"language must be python, the only one, not {language!r}", field="language")
    content = outline(name, namespace, version, step, param or [])
    text = as_yaml(content)
    if output is not None and output.exists():
        raise InvalidRequestError(f"{output} is there already", field="output")
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, "utf-8")
    if as_json:
        print_json(content)
    elif output is None:
        typer.echo(text.rstrip("\n"))
    else:
        people.print(f"wrote {output}", markup=False, highlight=False, soft_wrap=True)
