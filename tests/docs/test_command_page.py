"""The page about the command says of every command what the code says."""

from __future__ import annotations

from tests.docs.command_page import PAGE, commands, rewritten


def test_the_page_has_every_command_with_the_options_that_it_has() -> None:
    page = PAGE.read_text("utf-8")
    assert rewritten(page) == page, "run python -m tests.docs.command_page"
    assert all(f"`{name}`" in page for name in commands())
