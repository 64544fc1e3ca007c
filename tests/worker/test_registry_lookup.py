"""From names in templates to handlers: exact names, resolvers, imports, conventions, and what is said if none fits."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_core import errors
from tasker_core.handler import HandlerRegistry as FromHandler
from tasker_core.models import HandlerWrapper
from tasker_core.registry import (
    BaseResolver,
    ClassLookupResolver,
    ExplicitMappingResolver,
    HandlerDefinition,
    HandlerRegistry,
    MethodDispatchWrapper,
    RegistryResolver,
    ResolverChain,
    handler_definition,
    registry_resolver,
)
from tasker_core.registry.convention import registered_form, same_by_convention, snake
from tasker_core.step_handler import StepHandler, step_handler
from tasker_core.types import StepContext, StepHandlerResult

CONTEXT = StepContext.model_validate(
    {
        "task_uuid": "01980000-0000-7000-8000-000000000000",
        "step_uuid": "01980000-0000-7000-8000-000000000001",
        "correlation_id": "01980000-0000-7000-8000-000000000002",
        "handler_name": "h",
    }
)


class Cart(StepHandler):
    handler_name = "cart"

    def call(self, context: StepContext) -> StepHandlerResult:
        return self.success({"by": "call"})

    async def refund(self, context: StepContext) -> StepHandlerResult:
        return self.success({"by": "refund"})


class Configured(StepHandler):
    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config

    def call(self, context: StepContext) -> StepHandlerResult:
        return self.success(self.config)


class Demanding(StepHandler):
    def __init__(self, gateway: str, port: int) -> None: ...

    def call(self, context: StepContext) -> StepHandlerResult:
        return self.success()


@step_handler("plain")
async def plain() -> int:
    return 1


@pytest.fixture
def registry() -> HandlerRegistry:
    return HandlerRegistry()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An importable package ``shop_of_test`` with handlers, one broken module, and one that isn't to be run."""
    files = {
        "__init__.py": "",
        "__main__.py": "raise RuntimeError('must not be run')",
        "cart.py": """
from tasker_core.step_handler import StepHandler, step_handler

class ValidateCart(StepHandler):
    handler_name = "validate_cart"

    def call(self, context):
        return self.success({"at": "class"})

class Base(StepHandler):
    handler_name = "not_to_be_registered"

@step_handler("price_cart")
def price():
    return {"at": "function"}

def undecorated():
    pass
""",
        "broken.py": "import no_such_module_anywhere",
        "wrong.py": """
from tasker_core.step_handler import depends_on, step_handler

@depends_on(a="b")
@step_handler("x")
def f(): ...
""",
        "deeper/__init__.py": "from shop_of_test.cart import ValidateCart",
        "deeper/leaf.py": "from tasker_core.step_handler import step_handler\nleaf = step_handler('leaf')(lambda: 1)",
    }
    root = tmp_path / "shop_of_test"
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield root
    for name in [name for name in sys.modules if name.split(".")[0] == "shop_of_test"]:
        del sys.modules[name]


def result_of(handler: Any) -> Any:
    return handler.call(CONTEXT).result


# -- names


def test_a_registered_name_gives_a_new_handler_each_time(registry: HandlerRegistry) -> None:
    registry.register("cart", Cart)
    first, second = registry.resolve("cart"), registry.resolve(HandlerWrapper(callable="cart"))
    assert isinstance(first, Cart) and first is not second
    assert registry.get_handler_class("cart") is Cart and registry.is_registered("cart")
    assert (registry.list_handlers(), registry.handler_count()) == (["cart"], 1)
    assert registry.unregister("cart") and not registry.unregister("cart")
    assert registry.resolve("cart") is None


def test_a_decorated_function_can_be_registered(registry: HandlerRegistry) -> None:
    registry.register("plain", plain)
    assert registry.lookup("plain", allow_import=False).is_async


@pytest.mark.parametrize("thing", [str, object(), StepHandler, lambda: None])
def test_only_handlers_can_be_registered(registry: HandlerRegistry, thing: Any) -> None:
    with pytest.raises(ValueError, match="cannot be registered as 'x': a handler is a class derived from StepHandler"):
        registry.register("x", thing)


def test_registering_anew_replaces_with_a_warning(registry: HandlerRegistry, caplog: pytest.LogCaptureFixture) -> None:
    registry.register("cart", Cart)
    assert isinstance(registry.lookup("cart", allow_import=False).make({}), Cart)
    registry.register("cart", Cart)
    assert not caplog.records
    registry.register("cart", Configured)
    assert "handler 'cart' was" in caplog.text and "Configured" in caplog.text
    assert isinstance(registry.lookup("cart", allow_import=False).make({"a": 1}), Configured)


def test_clearing_forgets_resolvers_too(registry: HandlerRegistry) -> None:
    registry.register("cart", Cart)
    registry.resolver_chain.add_resolver(Prefixed())
    registry.clear()
    assert registry.handler_count() == 0 and registry.resolver_chain.get_resolver("prefixed") is None
    assert registry.resolve("cart") is None


def test_a_lookup_is_remembered(registry: HandlerRegistry) -> None:
    registry.register("cart", Cart)
    assert registry.lookup("cart", allow_import=False) is registry.lookup("cart", allow_import=False)


# -- settings and methods


def test_a_handler_may_take_its_settings(registry: HandlerRegistry) -> None:
    registry.register("configured", Configured)
    for settings in ({"a": 1}, {"a": 2}):
        handler = registry.resolve(HandlerDefinition("configured", initialization=settings))
        assert result_of(handler) == settings


def test_a_handler_that_cannot_be_made_says_so(registry: HandlerRegistry) -> None:
    registry.register("demanding", Demanding)
    with pytest.raises(errors.HandlerNotFoundError, match="'demanding' cannot be made: its __init__ must take no arg"):
        registry.lookup("demanding", allow_import=False)
    assert registry.resolve("demanding") is None


def test_another_method_may_do_the_work(registry: HandlerRegistry) -> None:
    registry.register("cart", Cart)
    found = registry.lookup(HandlerDefinition("cart", "refund"), allow_import=False)
    assert (found.method, found.method_missing, found.is_async) == ("refund", False, True)
    handler = found.make({})
    assert isinstance(handler, MethodDispatchWrapper) and isinstance(handler.unwrap(), Cart)
    assert (handler.target_method, handler.name) == ("refund", "cart")
    assert not isinstance(handler.unwrap(), MethodDispatchWrapper)


def test_where_the_method_is_missing_call_runs(registry: HandlerRegistry) -> None:
    registry.register("cart", Cart)
    found = registry.lookup(HandlerDefinition("cart", "refnd"), allow_import=False)
    assert (found.method, found.method_missing, found.is_async) == ("call", True, False)
    assert result_of(found.make({})) == {"by": "call"}
    with pytest.raises(AttributeError, match="Cart has no method 'refnd'"):
        MethodDispatchWrapper(Cart(), "refnd")


# -- resolvers


class Prefixed(RegistryResolver):
    _name = "prefixed"
    prefix = "pay:"

    def resolve_handler(self, definition: HandlerDefinition, config: Mapping[str, Any] | None) -> Any:
        return Configured({"asked": definition.callable, **definition.initialization})


class ByPattern(RegistryResolver):
    pattern = r"v\d+/"

    def resolve_handler(self, definition: HandlerDefinition, config: Mapping[str, Any] | None) -> Any:
        return None


class Broken(RegistryResolver):
    _name = "broken"
    prefix = "broken:"

    def resolve_handler(self, definition: HandlerDefinition, config: Mapping[str, Any] | None) -> Any:
        raise KeyError("its own table")


def test_a_resolver_of_the_applications_own(registry: HandlerRegistry) -> None:
    registry.resolver_chain.add_resolver(Prefixed())
    for settings in ({"a": 1}, {"a": 2}):
        handler = registry.resolve(HandlerDefinition("pay:now", initialization=settings))
        assert result_of(handler) == {"asked": "pay:now", **settings}


def test_a_resolver_added_later_is_asked(registry: HandlerRegistry) -> None:
    registry.resolver_chain.register("pay:now", Cart)
    assert isinstance(registry.resolve("pay:now"), Cart)

    class First(Prefixed):
        _priority = 1

    registry.resolver_chain.add_resolver(First())
    assert isinstance(registry.resolve("pay:now"), Configured)


def test_a_resolver_that_breaks_is_named(registry: HandlerRegistry) -> None:
    registry.resolver_chain.add_resolver(Broken())
    with pytest.raises(errors.HandlerNotFoundError, match="'broken:x' cannot be used: KeyError"):
        registry.lookup("broken:x", allow_import=False)


def test_a_hint_asks_only_one_resolver(registry: HandlerRegistry) -> None:
    registry.register("cart", Cart)
    registry.resolver_chain.add_resolver(Prefixed())
    hinted = HandlerDefinition("cart", resolver="prefixed")
    assert result_of(registry.resolve(hinted)) == {"asked": "cart"}
    with pytest.raises(errors.HandlerNotFoundError):
        registry.lookup(HandlerDefinition("pay:now", resolver="explicit_mapping"), allow_import=False)
    with pytest.raises(errors.ResolverNotFoundError, match="asks for the resolver 'prefixd'; there are 'explicit_map"):
        registry.lookup(HandlerDefinition("cart", resolver="prefixd"), allow_import=False)


def test_the_chain_by_itself() -> None:
    chain = ResolverChain.default()
    assert chain.list_resolvers() == [("explicit_mapping", 10), ("class_lookup", 100)] and len(chain) == 2
    chain.add_resolver(Prefixed()).add_resolver(ByPattern())
    assert chain.resolver_names == ["explicit_mapping", "prefixed", "ByPattern", "class_lookup"]
    assert chain.chain_info()[1] == {"name": "prefixed", "priority": 50, "class": "Prefixed"}
    made = Cart()
    chain.register("object", made)
    chain.register("factory", lambda settings: Configured(settings))
    assert chain.registered_callables() == ["factory", "object"]
    assert chain.resolve(HandlerDefinition("object")) is made
    factory = chain.resolve(HandlerDefinition("factory", initialization={"a": 1}))
    assert result_of(factory) == {"a": 1}
    assert chain.can_resolve(HandlerDefinition("v2/x")) and not chain.can_resolve(HandlerDefinition("nothing"))
    assert not chain.can_resolve(HandlerDefinition("object", resolver="nobody"))
    refund = chain.resolve(HandlerDefinition("object", "refund"))
    assert isinstance(refund, MethodDispatchWrapper) and refund.handler is made
    assert chain.resolve(HandlerDefinition("object", "missing")) is made
    assert chain.wrap_for_method_dispatch(made, HandlerDefinition("object", "missing")) is None
    assert chain.remove_resolver("prefixed") and not chain.remove_resolver("prefixed")
    with pytest.raises(errors.ResolverNotFoundError, match="no explicit mapping"):
        ResolverChain().register("x", made)


def test_contract_names_are_where_code_looks_for_them() -> None:
    assert FromHandler is HandlerRegistry
    assert handler_definition.HandlerDefinition is HandlerDefinition
    assert registry_resolver.RegistryResolver is RegistryResolver and issubclass(RegistryResolver, BaseResolver)
    assert (ExplicitMappingResolver().name, ClassLookupResolver().name) == ("explicit_mapping", "class_lookup")
    definition = HandlerDefinition.from_dict({"callable": "x", "resolver": "r", "initialization": {"a": 1}})
    assert (definition.effective_method, definition.uses_method_dispatch) == ("call", False)
    assert definition.has_resolver_hint and definition.initialization == {"a": 1}
    assert HandlerDefinition.from_callable("x") == HandlerDefinition("x")


# -- paths of Python objects


@pytest.mark.parametrize(
    ("path", "result"),
    [
        ("shop_of_test.cart.ValidateCart", {"at": "class"}),
        ("shop_of_test.cart:ValidateCart", {"at": "class"}),
        ("shop_of_test.cart:price", {"at": "function"}),
        ("shop_of_test.cart.price", {"at": "function"}),
    ],
)
def test_a_path_is_imported(registry: HandlerRegistry, package: Path, path: str, result: dict[str, str]) -> None:
    assert result_of(registry.lookup(path, allow_import=True).make({})) == result
    assert result_of(registry.resolver_chain.resolve(HandlerDefinition(path))) == result


def test_nothing_is_imported_unless_allowed(registry: HandlerRegistry, package: Path) -> None:
    with pytest.raises(errors.HandlerNotFoundError, match="it is not imported, since this template doesn't come from"):
        registry.lookup("shop_of_test.cart:price", allow_import=False)
    assert "shop_of_test" not in sys.modules
    assert registry.resolve("shop_of_test.cart:price", allow_import=False) is None


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("shop_of_nowhere.cart.ValidateCart", "there is no module 'shop_of_nowhere'"),
        ("shop_of_test.cart:nothing", "'shop_of_test.cart' has no 'nothing'"),
        ("shop_of_test.broken:x", "importing 'shop_of_test.broken' fails: No module named 'no_such_module_anywhere'"),
        ("shop_of_test.wrong:f", "importing 'shop_of_test.wrong' fails: HandlerDeclarationError: @depends_on stands"),
        ("shop_of_test.cart:undecorated", "is not a handler: decorate the function with @step_handler"),
        ("shop_of_test.cart.Base", "is abstract: it has no 'call' of its own"),
    ],
)
def test_a_path_that_leads_nowhere_says_why(registry: HandlerRegistry, package: Path, path: str, words: str) -> None:
    with pytest.raises(errors.HandlerNotFoundError) as raised:
        registry.lookup(path, allow_import=True)
    assert words in str(raised.value) and path in str(raised.value)


# -- conventions


@pytest.mark.parametrize(
    "callable",
    [
        "Ecommerce::StepHandlers::ValidateCartHandler",
        "Ecommerce.StepHandlers.ValidateCartHandler",
        "Ecommerce::ValidateCartHandler",
        "Ecommerce::ValidateCart",
    ],
)
@pytest.mark.parametrize("allow_import", [True, False])
def test_names_of_classes_mean_names_in_snake_case(
    registry: HandlerRegistry, callable: str, allow_import: bool
) -> None:
    registry.register("ecommerce_validate_cart", Cart)
    found = registry.lookup(callable, allow_import=allow_import)
    assert found.name == "ecommerce_validate_cart" and isinstance(found.make({}), Cart)


def test_an_exact_name_wins_over_the_convention(registry: HandlerRegistry) -> None:
    registry.register("ecommerce_validate_cart", Cart)
    registry.register("Ecommerce::StepHandlers::ValidateCartHandler", Configured)
    found = registry.lookup("Ecommerce::StepHandlers::ValidateCartHandler", allow_import=False)
    assert found.handler is Configured


def test_two_candidates_are_named(registry: HandlerRegistry) -> None:
    registry.register("ecommerce_validate_cart", Cart)
    registry.register("Ecommerce.ValidateCart", Cart)
    with pytest.raises(errors.AmbiguousHandlerError) as raised:
        registry.lookup("Ecommerce::StepHandlers::ValidateCartHandler", allow_import=False)
    assert "means 'Ecommerce.ValidateCart' and 'ecommerce_validate_cart' by convention" in str(raised.value)
    assert raised.value.candidates == ("Ecommerce.ValidateCart", "ecommerce_validate_cart")
    with pytest.raises(errors.AmbiguousHandlerError):
        registry.resolve("Ecommerce::StepHandlers::ValidateCartHandler")


words = st.lists(st.from_regex(r"[a-z]{2,6}", fullmatch=True), min_size=1, max_size=3)


@given(namespace=words, handler=words, separator=st.sampled_from(["::", "."]))
def test_every_snake_name_is_found_by_its_class_name(namespace: list[str], handler: list[str], separator: str) -> None:
    def camel(parts: list[str]) -> str:
        return "".join(part.capitalize() for part in parts)

    name = "_".join([*namespace, *handler])
    called = separator.join([camel(namespace), "StepHandlers", f"{camel(handler)}Handler"])
    if handler[-1] != "handler":
        assert registered_form(called) == name
        assert same_by_convention(called, [name, "other"]) == [name]
    assert snake(name) == name


# -- nothing found


def test_the_nearest_names_are_given(registry: HandlerRegistry) -> None:
    with pytest.raises(errors.HandlerNotFoundError, match="none is registered at all"):
        registry.lookup("validate_crat", allow_import=False)
    registry.register("validate_cart", Cart)
    with pytest.raises(errors.HandlerNotFoundError, match="as 'validate_crat'; did you mean 'validate_cart'") as raised:
        registry.lookup("validate_crat", allow_import=False)
    assert (raised.value.callable, raised.value.nearest) == ("validate_crat", ("validate_cart",))
    with pytest.raises(errors.HandlerNotFoundError, match="as 'refund'; registered are validate_cart"):
        registry.lookup("refund", allow_import=False)


def test_modules_that_failed_are_mentioned(registry: HandlerRegistry, package: Path) -> None:
    registry.discover_handlers("shop_of_test")
    with pytest.raises(errors.HandlerNotFoundError, match=r"shop_of_test\.broken could not be imported \(ModuleNotF"):
        registry.lookup("somewhere_else", allow_import=False)


# -- discovery


def test_a_package_is_walked_through(
    registry: HandlerRegistry, package: Path, caplog: pytest.LogCaptureFixture
) -> None:
    count = registry.discover_handlers("shop_of_test")
    assert registry.list_handlers() == ["leaf", "price_cart", "validate_cart"]
    assert count == 4
    assert sorted(registry.import_errors) == ["shop_of_test.broken", "shop_of_test.wrong"]
    assert isinstance(registry.import_errors["shop_of_test.wrong"], errors.HandlerDeclarationError)
    assert "no_such_module_anywhere" in caplog.text
    assert result_of(registry.resolve("price_cart")) == {"at": "function"}


def test_only_handlers_of_a_kind(registry: HandlerRegistry, package: Path) -> None:
    assert registry.discover_handlers("shop_of_test", base_class=Cart) == 0


def test_a_package_that_is_not_there(registry: HandlerRegistry) -> None:
    assert registry.discover_handlers("shop_of_nowhere") == 0
    assert isinstance(registry.import_errors["shop_of_nowhere"], ModuleNotFoundError)
