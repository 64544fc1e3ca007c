"""Handlers found through templates, and where templates are looked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasker_core.registry import HandlerRegistry
from tasker_core.template_discovery import HandlerDiscovery, TemplateParser, TemplatePath

TEMPLATE = """
name: checkout
namespace_name: shop
version: 1.0.0
description: Sell things
steps:
  - name: cart
    handler: {callable: shop_of_templates.ValidateCart}
  - name: price
    handler: {callable: shop_of_templates.price}
  - name: ship
    handler: {callable: shop_of_nowhere.Ship}
  - name: again
    handler: {callable: shop_of_templates.ValidateCart}
  - {name: nothing}
"""

MODULE = """
from tasker_core.step_handler import StepHandler, step_handler

class ValidateCart(StepHandler):
    handler_name = "validate_cart"

    def call(self, context):
        return self.success()

@step_handler("price_cart")
def price():
    return 1
"""

CALLABLES = ["shop_of_nowhere.Ship", "shop_of_templates.ValidateCart", "shop_of_templates.price"]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("TASKER_TEMPLATE_PATH", "TASKER_ENV", "WORKSPACE_PATH"):
        monkeypatch.delenv(name, raising=False)
    HandlerRegistry.reset_instance()
    yield
    HandlerRegistry.reset_instance()
    sys.modules.pop("shop_of_templates", None)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tasks = tmp_path / "config" / "tasks"
    (tasks / "deeper").mkdir(parents=True)
    (tasks / "checkout.yaml").write_text(TEMPLATE)
    (tasks / "deeper" / "other.yml").write_text("{name: other, steps: [{handler: {callable: validate}}]}")
    (tasks / "broken.yaml").write_text("steps: [")
    (tasks / "readme.md").write_text("not a template")
    (tmp_path / "shop_of_templates.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_templates_are_looked_for_in_order(
    project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    find = TemplatePath.find_template_config_directory
    assert find() == project / "config" / "tasks"
    inside = project / "src" / "deep"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert find() is None or find() != project / "config" / "tasks"
    (project / "pyproject.toml").touch()
    assert find() == project / "config" / "tasks"
    workspace = project / "workspace"
    (workspace / "config" / "tasks").mkdir(parents=True)
    monkeypatch.setenv("WORKSPACE_PATH", str(workspace))
    assert find() == workspace / "config" / "tasks"
    fixtures = inside / "tests" / "fixtures" / "templates"
    fixtures.mkdir(parents=True)
    monkeypatch.setenv("TASKER_ENV", "test")
    assert find() == fixtures
    monkeypatch.setenv("TASKER_TEMPLATE_PATH", str(project))
    assert find() == project
    monkeypatch.setenv("TASKER_TEMPLATE_PATH", str(project / "gone"))
    assert find() is None and "which isn't there" in caplog.text


def test_templates_name_their_handlers(project: Path) -> None:
    tasks = project / "config" / "tasks"
    assert [file.name for file in TemplatePath.discover_template_files(tasks)] == [
        "broken.yaml",
        "checkout.yaml",
        "other.yml",
    ]
    assert TemplatePath.discover_template_files(None) == []
    assert TemplateParser.extract_handler_callables(tasks / "checkout.yaml") == [
        "shop_of_templates.ValidateCart",
        "shop_of_templates.price",
        "shop_of_nowhere.Ship",
    ]
    assert TemplateParser.extract_handlers_from_template({"steps": "none"}) == []
    metadata = TemplateParser.extract_template_metadata(tasks / "checkout.yaml")
    assert metadata is not None
    assert (metadata["name"], metadata["namespace"], metadata["version"]) == ("checkout", "shop", "1.0.0")
    assert TemplateParser.extract_template_metadata(tasks / "broken.yaml") is None
    assert HandlerDiscovery.discover_all_handlers(tasks) == [*CALLABLES, "validate"]
    assert [each["name"] for each in HandlerDiscovery.discover_template_metadata()] == ["checkout", "other"]
    assert HandlerDiscovery.discover_handlers_by_namespace() == {"shop": CALLABLES, "default": ["validate"]}


def test_the_registry_finds_the_classes_that_templates_name(project: Path) -> None:
    registry = HandlerRegistry.instance()
    assert HandlerRegistry.instance() is registry
    assert registry.list_handlers() == ["shop_of_templates.ValidateCart"]
    assert registry.bootstrap_handlers() == 0
    info = registry.template_discovery_info()
    assert info["template_path"] == str(project / "config" / "tasks")
    assert info["handler_callables"] == [*CALLABLES, "validate"]


def test_looking_for_templates_can_wait(project: Path) -> None:
    registry = HandlerRegistry.instance(skip_bootstrap=True)
    assert registry.handler_count() == 0
    assert HandlerRegistry.instance().handler_count() == 1
    HandlerRegistry.reset_instance()
    assert HandlerRegistry.instance(skip_bootstrap=True) is not registry


def test_under_test_loaded_modules_come_first(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKER_ENV", "test")
    (project / "handlers_for_this_test.py").write_text(MODULE)
    __import__("handlers_for_this_test")
    try:
        registry = HandlerRegistry.instance()
        assert {"validate_cart", "price_cart"} <= set(registry.list_handlers())
        assert not registry.is_registered("shop_of_templates.ValidateCart")
    finally:
        del sys.modules["handlers_for_this_test"]
