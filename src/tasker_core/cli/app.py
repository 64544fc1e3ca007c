"""The command's root: its groups, its version, and how its errors are said."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from tasker_core.cli import (
    auth,
    config,
    dev,
    dlq,
    doctor,
    events,
    explain,
    export,
    generate,
    init,
    limits,
    mcp,
    migrate,
    namespace,
    prune,
    run,
    server,
    step,
    system,
    task,
    template,
    worker,
)
from tasker_core.cli.output import Format, errors
from tasker_core.errors import ResolutionError, SettingsError, TaskerError
from tasker_core.settings import load_settings
from tasker_core.telemetry import logs
from tasker_core.version import VERSION

USAGE, FAILED = 2, 1

app = typer.Typer(
    name="tasker",
    help="Durable multi-step workflows: run a task, start a worker, look at what happened.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
app.command("init")(init.init)
app.command("run")(run.run)
app.command("dev")(dev.dev)
app.command("server")(server.server)
app.command("migrate")(migrate.migrate)
app.command("doctor")(doctor.doctor)
app.command("explain")(explain.explain)
app.command("prune")(prune.prune)
app.command("export")(export.export)
app.command("mcp")(mcp.mcp)
app.add_typer(config.app, name="config")
app.add_typer(task.app, name="task")
app.add_typer(step.app, name="step")
app.add_typer(worker.app, name="worker")
app.add_typer(template.app, name="template")
app.add_typer(dlq.app, name="dlq")
app.add_typer(namespace.app, name="namespace")
app.add_typer(events.app, name="events")
app.add_typer(events.webhooks, name="webhook")
app.add_typer(limits.app, name="limits")
app.add_typer(limits.breakers, name="breakers")
app.add_typer(system.app, name="system")
app.add_typer(generate.app, name="generate")
app.add_typer(auth.app, name="auth")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tasker {VERSION}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    _show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
    verbose: Annotated[int, typer.Option("--verbose", "-v", count=True, help="Log what happens inside.")] = 0,
    config_file: Annotated[
        Path | None, typer.Option("--config", "-c", help="The settings' file; else what TASKER_CONFIG_PATH names.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option("--profile", "-p", help="The environment, as TASKER_ENV names it: production, say.")
    ] = None,
    _format: Annotated[Format, typer.Option("--format", help="json is --json for every command.")] = Format.TABLE,
) -> None:
    # Before anything reads the settings: these two say where they are.
    if config_file is not None:
        os.environ["TASKER_CONFIG_PATH"] = str(config_file)
    if profile is not None:
        os.environ["TASKER_ENV"] = profile
    log_format = "text"
    try:
        said = load_settings().logging
        level, log_format = said.level, said.format
    except SettingsError:
        if context.invoked_subcommand != "config":
            raise
        level = "WARNING"
    logs.configure(log_format, "DEBUG" if verbose else level)


def main() -> None:
    """Run the command. Exit code 2 for what was asked wrongly, 1 for what went wrong, 130 after Ctrl-C."""
    # Handlers are imported from where the command is run, as `python -m` would.
    if "" not in sys.path and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        app()
    except TaskerError as error:
        errors.print(f"[red]error:[/] {_plain(error)}", highlight=False, soft_wrap=True)
        sys.exit(USAGE if isinstance(error, ValueError | ResolutionError) or _is_usage(error) else FAILED)
    except (ImportError, OSError) as error:
        errors.print(f"[red]error:[/] {_plain(error)}", highlight=False, soft_wrap=True)
        sys.exit(USAGE)
    except KeyboardInterrupt:
        sys.exit(130)


def _is_usage(error: TaskerError) -> bool:
    return type(error).__name__ in (
        "UnknownTemplateError",
        "TaskNotFoundError",
        "StepNotFoundError",
        "NamespaceNotFoundError",
        "DeadLetterNotFoundError",
        "SubscriptionNotFoundError",
        "WorkerNotFoundError",
    )


def _plain(error: BaseException) -> str:
    return str(error).replace("[", "\\[")
