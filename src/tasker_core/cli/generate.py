"""``tasker generate``: typed models, handlers to fill in and a test, made from a template's schemas."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from tasker_core.cli.asking import ask
from tasker_core.cli.catalog import template_meant
from tasker_core.cli.completing import complete_template
from tasker_core.cli.output import AsJson, Database, people, print_json
from tasker_core.errors import InvalidRequestError
from tasker_core.generating import Models, handlers_source, trial_source
from tasker_core.rules.spelling import did_you_mean
from tasker_core.rules.template import Template
from tasker_core.template_files import read_file

app = typer.Typer(help="Make code from a template: types, handlers to fill in, a test.", no_args_is_help=True)

Source = Annotated[
    str,
    typer.Argument(help="A template file, or a registered one: namespace/name.", autocompletion=complete_template),
]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="A file to write it to; it isn't overwritten.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite what is there.")]
Types = Annotated[str | None, typer.Option("--types", help="The module of the models; else NAME_types.")]
Handlers = Annotated[str | None, typer.Option("--handlers", help="The module of the handlers; else NAME_handlers.")]
Steps = Annotated[list[str] | None, typer.Option("--step", "-s", help="Only this step; may be given several times.")]
Language = Annotated[str, typer.Option("--language", "-l", help="python, the only one.")]


@app.command()
def types(
    template: Source,
    output: Output = None,
    force: Force = False,
    language: Language = "python",
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Make pydantic models of what a template's schemas say: its input, and the result of each step."""
    read, _ = _read(template, language, database_url)
    _hand_over({output: Models.of(read).source()}, force, as_json)


@app.command()
def handler(
    template: Source,
    step: Steps = None,
    output: Output = None,
    types: Types = None,
    with_tests: Annotated[bool, typer.Option("--with-tests", help="Write a test beside --output as well.")] = False,
    force: Force = False,
    language: Language = "python",
    database_url: Database = None,
    as_json: AsJson = False,
) -> None:
    """Make handlers to fill in, one for each step: they run as they are, and give example results."""
    read, file = _read(template, language, database_url)
    names = [each.name for each in read.steps]
    for name in step or ():
        if name not in names:
            raise InvalidRequestError(f"{read.identity} has no step {name!r}{did_you_mean(name, names)}", field="step")
    models, module = Models.of(read), types or f"{read.name}_types"
    texts: dict[Path | None, str] = {output: handlers_source(read, models, module, step or ())}
    if with_tests:
        if output is None or file is None:
            raise InvalidRequestError("--with-tests goes with --output and with a template's file", field="with-tests")
        test = output.with_name(f"test_{output.stem}.py")
        texts[test] = trial_source(read, models, module, output.stem, _seen_from(test, file))
    _hand_over(texts, force, as_json)


@app.command("tests")
def trial(
    template: Annotated[Path, typer.Argument(help="A template file.")],
    output: Output = None,
    types: Types = None,
    handlers: Handlers = None,
    force: Force = False,
    language: Language = "python",
    as_json: AsJson = False,
) -> None:
    """Make a test for pytest that runs a task of a template to its end, and checks each result."""
    read, _ = _read(str(template), language, None)
    modules = types or f"{read.name}_types", handlers or f"{read.name}_handlers"
    file = _seen_from(output, template) if output else template.name
    _hand_over({output: trial_source(read, Models.of(read), *modules, file)}, force, as_json)


@app.command()
def scaffold(
    template: Annotated[Path, typer.Argument(help="A template file.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The directory to write to.")] = Path(),
    force: Force = False,
    language: Language = "python",
    as_json: AsJson = False,
) -> None:
    """Make all three, side by side: NAME_types.py, NAME_handlers.py and test_NAME.py."""
    read, _ = _read(str(template), language, None)
    models, types, handlers = Models.of(read), f"{read.name}_types", f"{read.name}_handlers"
    test = output / f"test_{read.name}.py"
    files: dict[Path | None, str] = {
        output / f"{types}.py": models.source(),
        output / f"{handlers}.py": handlers_source(read, models, types),
        test: trial_source(read, models, types, handlers, _seen_from(test, template)),
    }
    _hand_over(files, force, as_json)


def _read(said: str, language: str, database_url: str | None) -> tuple[Template, Path | None]:
    if language != "python":
        raise InvalidRequestError(f"language must be python, the only one, not {language!r}", field="language")
    if Path(said).is_file() or said.endswith((".yaml", ".yml")):
        return read_file(Path(said)).template, Path(said)
    with ask(database_url) as client:
        return Template.from_content(template_meant(client, said, None)["configuration"]), None


def _seen_from(test: Path, file: Path) -> str:
    """The path of ``file`` from the directory of ``test``."""
    return Path(os.path.relpath(file.resolve(), test.resolve().parent)).as_posix()


def _hand_over(texts: Mapping[Path | None, str], force: bool, as_json: bool) -> None:
    files = {path: text for path, text in texts.items() if path is not None}
    for path in files:
        if path.exists() and not force:
            raise InvalidRequestError(f"{path} is there already; --force overwrites it", field="output")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    if as_json:
        print_json({"wrote": list(files)} if files else {"code": next(iter(texts.values()))})
        return
    for path in files:
        people.print(f"wrote {path}", markup=False, highlight=False, soft_wrap=True)
    if not files:
        typer.echo(next(iter(texts.values())).rstrip("\n"))
