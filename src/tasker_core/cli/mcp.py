"""``tasker mcp``: tools for programs that speak the Model Context Protocol, over standard input and output."""

from __future__ import annotations

from typing import Annotated

import typer

from tasker_core.cli.asking import ask
from tasker_core.cli.output import Database
from tasker_core.errors import InvalidRequestError


def mcp(
    tools: Annotated[
        str,
        typer.Option("--tools", help="Which: tier1 (templates in hand), tier2 (reading), tier3 (acting), by commas."),
    ] = "tier1,tier2",
    offline: Annotated[bool, typer.Option("--offline", help="Only tier1: neither a store nor a server.")] = False,
    database_url: Database = None,
) -> None:
    """Serve tools to a program that speaks the Model Context Protocol, over standard input and output.

    Tools that change something are there only where tier3 is named. They tell first what they would do.
    """
    try:
        from tasker_core.mcp_server import make_server
    except ModuleNotFoundError as error:
        if error.name != "mcp":
            raise
        raise InvalidRequestError("tasker mcp needs the package mcp: pip install 'tasker-core[mcp]'") from None
    tiers = ["tier1"] if offline else [tier.strip() for tier in tools.split(",") if tier.strip()]
    make_server(tiers, lambda: ask(database_url)).run("stdio")
