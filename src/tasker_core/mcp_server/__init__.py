"""Tasker for programs that speak the Model Context Protocol: tools that read, and tools that act after a preview."""

from __future__ import annotations

from tasker_core.mcp_server.server import TIERS, make_server

__all__ = ["TIERS", "make_server"]
