"""``tasker step``: one step, looked at and mended."""

from __future__ import annotations

import typer

from tasker_core.cli import looking, operator

app = typer.Typer(help="Look at a step, mend it.", no_args_is_help=True)
app.command("get")(looking.step)
app.command("audit")(looking.step_audit)
app.command("reset")(operator.reset_step)
app.command("resolve")(operator.resolve_step)
app.command("complete")(operator.complete_step)
