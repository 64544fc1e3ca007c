"""The server, with the tools of the tiers that are asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from tasker_core.client import TaskerClient
from tasker_core.errors import InvalidRequestError, TaskerError
from tasker_core.mcp_server.acting import Acting
from tasker_core.mcp_server.looking import Looking
from tasker_core.mcp_server.templates import OFFLINE
from tasker_core.rules.spelling import did_you_mean
from tasker_core.server.redaction import Redact, payloads_redacted, redaction
from tasker_core.settings import load_settings
from tasker_core.version import VERSION

TIERS = ("tier1", "tier2", "tier3")
"""Offline, about templates in hand; reading; acting."""
INSTRUCTIONS = """Tasker runs workflows: a task of a template has steps, each run by a handler.
task_inspect tells what a task is at, task_explain why it isn't finished. Tools that change something only tell what
they would do, and give a word; called again with that word as `confirm`, they do it."""


def make_server(tiers: Collection[str], connect: Callable[[], TaskerClient]) -> MCPServer[Any]:
    """A server with the tools of ``tiers``; those that need a store or a server reach it by ``connect``.

    Raises InvalidRequestError for a tier that there isn't.
    """
    for tier in tiers:
        if tier not in TIERS:
            raise InvalidRequestError(f"there is no tier {tier!r}{did_you_mean(tier, TIERS)}", field="tools")
    server: MCPServer[Any] = MCPServer("tasker", instructions=INSTRUCTIONS, version=VERSION, log_level="WARNING")
    redact: Redact = payloads_redacted(redaction(load_settings().redact))
    tools: dict[str, Mapping[str, Callable[..., Any]]] = {
        "tier1": OFFLINE,
        "tier2": Looking(connect, redact).tools(),
        "tier3": Acting(connect, redact).tools(),
    }
    for tier in TIERS:
        if tier in tiers:
            for name, tool in tools[tier].items():
                server.tool(name=name, structured_output=False)(_told(tool))
    return server


def _told(tool: Callable[..., Any]) -> Callable[..., Any]:
    """The same tool, whose errors say to the caller what they say."""

    @functools.wraps(tool)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return tool(*args, **kwargs)
        except (TaskerError, OSError) as error:
            raise ToolError(str(error)) from error

    return called
