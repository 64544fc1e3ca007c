"""Handlers as functions: what they are given, what becomes of what they return or raise, what is refused at once."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Callable
from typing import Any

import pydantic
import pytest
from pydantic import BaseModel, Field, RootModel

from tasker_core import errors
from tasker_core.step_handler import FunctionalHandler, StepHandler, depends_on, inputs, step_handler
from tasker_core.step_handler.endings import raised_failure
from tasker_core.types import StepContext, StepHandlerResult


def context(input_data: dict[str, Any] | None = None, dependency_results: dict[str, Any] | None = None) -> StepContext:
    return StepContext.for_attempt(
        handler_name="h",
        task_uuid="01980000-0000-7000-8000-000000000000",
        step=1,
        correlation_id="01980000-0000-7000-8000-000000000002",
        read_input=lambda: input_data or {},
        dependency_results=dependency_results or {},
        step_config={},
        step_inputs={},
        retry_count=0,
        max_retries=3,
        task_name="t",
        namespace="n",
        step_name="s",
        template_version="1.0.0",
    )


def call(fn: Any, given: StepContext | None = None) -> StepHandlerResult:
    result: Any = fn._handler_class().call(given or context())
    ended: StepHandlerResult = asyncio.run(result) if inspect.iscoroutine(result) else result
    return ended


class Cart(BaseModel):
    total: int


class Order(BaseModel):
    email: str
    amount: int = Field(alias="amountCents")
    currency: str = "EUR"
    note: str | None = None


def test_the_decorated_function_stays_a_plain_one() -> None:
    @step_handler("price", version="2.0.0")
    @depends_on(cart="validate_cart")
    @inputs("coupon")
    def price_order(cart: dict[str, int], coupon: str | None) -> dict[str, Any]:
        """Price it."""
        return {"total": cart["total"], "coupon": coupon}

    assert price_order(cart={"total": 3}, coupon=None) == {"total": 3, "coupon": None}
    qualname = price_order.__qualname__
    assert isinstance(price_order, FunctionalHandler)
    made = price_order._handler_class
    assert issubclass(made, StepHandler)
    assert (made.handler_name, made.handler_version) == ("price", "2.0.0")
    assert (made.__name__, made.__qualname__) == ("price_order", qualname)
    assert (made.__doc__, made.__module__) == ("Price it.", __name__)
    given = context({"coupon": "SPRING"}, {"validate_cart": {"result": {"total": 3}}})
    assert call(price_order, given).result == {"total": 3, "coupon": "SPRING"}


def test_async_functions_make_coroutine_calls() -> None:
    @step_handler("wait")
    @inputs("n")
    async def wait(n: int) -> int:
        await asyncio.sleep(0)
        return n + 1

    assert inspect.iscoroutinefunction(wait._handler_class.call)  # type: ignore[attr-defined]  # set by the decorator
    assert call(wait, context({"n": 1})).result == {"result": 2}


def test_everything_can_be_injected_together() -> None:
    @step_handler("all")
    @depends_on(raw="a", cart=("b", Cart))
    @depends_on(missing="c", listed=("d", Cart))
    @inputs(Order)
    @inputs("email", "absent")
    def everything(
        raw: Any, cart: Cart, missing: Any, listed: Any, inputs: Order, email: str, absent: Any, context: StepContext
    ) -> dict[str, Any]:
        return {
            "seen": [raw, cart.total, missing, listed, inputs.amount, inputs.currency, email, absent],
            "attempt": context.attempt,
        }

    given = context(
        {"email": "ann@example.org", "amount": 5, "currency": None},
        {"a": {"result": 1}, "b": {"result": {"total": 2}}, "d": {"result": [3]}},
    )
    assert call(everything, given).result == {
        "seen": [1, 2, None, [3], 5, "EUR", "ann@example.org", None],
        "attempt": 1,
    }


def test_the_context_may_be_called_with_an_underscore() -> None:
    @step_handler("quiet")
    def quiet(_context: StepContext) -> int:
        return _context.attempt

    assert call(quiet).result == {"result": 1}


def test_marks_survive_a_wrapper_of_the_users_own() -> None:
    import functools

    def doubled(fn: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(fn)
        def wrapper(*args: Any, **kwargs: Any) -> int:
            return fn(*args, **kwargs) * 2

        return wrapper

    @step_handler("double")
    @doubled
    @inputs("n")
    def number(n: int) -> int:
        return n

    assert call(number, context({"n": 4})).result == {"result": 8}


def test_annotations_for_type_checkers_only_do_not_matter() -> None:
    source = "def f(context: OnlyForTypeCheckers) -> Nowhere: return 1"
    names: dict[str, Any] = {}
    exec(compile(f"from __future__ import annotations\n{source}", "f.py", "exec"), names)
    assert call(step_handler("f")(names["f"])).result == {"result": 1}
    if sys.version_info >= (3, 14):
        exec(compile(source, "f.py", "exec", dont_inherit=True), names)
        assert call(step_handler("f")(names["f"])).result == {"result": 1}


class Rows(RootModel[list[int]]):
    pass


@pytest.mark.parametrize(
    ("returned", "result"),
    [
        ({"a": 1}, {"a": 1}),
        (None, {}),
        (7, {"result": 7}),
        ([1], {"result": [1]}),
        (Cart(total=1), {"total": 1}),
        (Rows([1, 2]), {"result": [1, 2]}),
        (StepHandlerResult.success({"own": True}), {"own": True}),
    ],
)
def test_what_is_returned_becomes_the_result(returned: Any, result: dict[str, Any]) -> None:
    @step_handler("give")
    def give() -> Any:
        return returned

    ending = call(give)
    assert ending.success and ending.result == result


def test_a_model_without_a_json_form_is_a_serialization_error() -> None:
    class Odd(BaseModel):
        thing: Any

    @step_handler("odd")
    def odd() -> Odd:
        return Odd(thing=object())

    ending = call(odd)
    assert (ending.error_type, ending.retryable) == ("serialization_error", False)


@pytest.mark.parametrize(
    ("error", "error_type", "retryable", "metadata"),
    [
        (errors.PermanentError("no", metadata={"a": 1}), "permanent_error", False, {"a": 1}),
        (errors.BusinessLogicError("no", retryable=True), "permanent_error", False, {}),
        (errors.RateLimitError("no", retry_after=9), "retryable_error", True, {"retry_after": 9}),
        (errors.NetworkError("no", retryable=False), "retryable_error", True, {}),
        (errors.TaskerError("no"), "handler_error", True, {}),
        (errors.TaskerError("no", retryable=False), "handler_error", False, {}),
        (errors.StepCancelledError("no"), "cancelled", False, {}),
    ],
)
def test_tasker_errors_say_what_follows(
    error: Exception, error_type: str, retryable: bool, metadata: dict[str, Any]
) -> None:
    @step_handler("fail")
    def fail() -> None:
        raise error

    ending = call(fail)
    assert (ending.success, ending.error_message) == (False, "no")
    assert (ending.error_type, ending.retryable, ending.metadata) == (error_type, retryable, metadata)


def test_an_error_code_is_passed_on() -> None:
    @step_handler("coded")
    def coded() -> None:
        raise errors.PermanentError("declined", error_code="CARD-51")

    assert call(coded).error_code == "CARD-51"


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("error", [ValueError("bad"), KeyError("k"), RuntimeError()])
def test_any_other_exception_is_retryable_and_tells_where(error: Exception, is_async: bool) -> None:
    @step_handler("crash")
    def crash() -> None:
        raise error

    @step_handler("crash_later")
    async def crash_later() -> None:
        raise error

    ending = call(crash_later if is_async else crash)
    assert (ending.error_type, ending.retryable) == ("handler_error", True)
    assert ending.error_message == (str(error) or type(error).__name__)
    assert ending.metadata["exception_type"] == type(error).__name__
    assert f"in {'crash_later' if is_async else 'crash'}" in ending.metadata["traceback"]


def test_input_that_does_not_fit_its_model_is_permanent() -> None:
    @step_handler("typed")
    @inputs(Order)
    def typed(inputs: Order) -> None:
        raise AssertionError("must not be called")

    ending = call(typed, context({"email": "ann@example.org", "amount": "a lot"}))
    assert (ending.error_type, ending.retryable) == ("validation_error", False)
    assert ending.error_message is not None and ending.error_message.startswith("the task's input does not fit Order: ")
    assert [wrong["field"] for wrong in ending.metadata["errors"]] == ["amountCents"]
    assert "a lot" not in str(ending)


def test_a_dependency_that_does_not_fit_its_model_is_permanent() -> None:
    @step_handler("typed")
    @depends_on(cart=("validate_cart", Cart))
    async def typed(cart: Cart) -> None:
        raise AssertionError("must not be called")

    ending = call(typed, context({}, {"validate_cart": {"result": {"total": "x"}}}))
    assert (ending.error_type, ending.retryable) == ("validation_error", False)
    assert ending.error_message is not None and "step 'validate_cart'" in ending.error_message


def test_a_validation_error_of_the_functions_own_work_is_retryable() -> None:
    @step_handler("inner")
    def inner() -> None:
        Cart.model_validate({})

    ending = call(inner)
    assert (ending.error_type, ending.retryable) == ("handler_error", True)
    assert ending.metadata["exception_type"] == pydantic.ValidationError.__name__


def test_what_is_not_an_exception_of_the_handler_goes_through() -> None:
    @step_handler("exit")
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        call(leave)


def wrong_order_depends() -> None:
    @depends_on(cart="a")
    @step_handler("x")
    def f() -> None: ...


def wrong_order_inputs() -> None:
    @inputs("a")
    @step_handler("x")
    def f() -> None: ...


def no_such_parameter() -> None:
    @step_handler("x")
    @depends_on(carts="a")
    def f(cart: Any) -> None: ...


def no_value() -> None:
    @step_handler("x")
    def f(cart: Any) -> None: ...


def given_twice() -> None:
    @step_handler("x")
    @depends_on(cart="a")
    @inputs("cart")
    def f(cart: Any) -> None: ...


def no_name() -> None:
    step_handler("")


def without_parentheses() -> None:
    @step_handler  # type: ignore[arg-type]  # the mistake under test
    def f() -> None: ...


def on_a_class() -> None:
    @step_handler("x")
    class F: ...


def two_handlers() -> None:
    @step_handler("x")
    @step_handler("y")
    def f() -> None: ...


def not_a_model() -> None:
    depends_on(cart=("a", dict))


def inputs_not_a_model() -> None:
    inputs(dict)


def two_models() -> None:
    inputs(Cart, Order)


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (wrong_order_depends, "@depends_on stands above .* the handler 'x'.*put it below"),
        (wrong_order_inputs, "@inputs stands above"),
        (no_such_parameter, r"@depends_on gives 'carts', but .*f\(cart.* has no such parameter"),
        (no_value, "nothing gives .*f its parameter 'cart'"),
        (given_twice, "parameter 'cart' of .* is given twice"),
        (no_name, "needs a name"),
        (without_parentheses, r"needs a name: @step_handler\('validate_cart'\)"),
        (on_a_class, "decorates a function"),
        (two_handlers, "is the handler 'y' already"),
        (not_a_model, "pydantic model"),
        (inputs_not_a_model, "pydantic model"),
        (two_models, "one pydantic model or names"),
    ],
)
def test_a_declaration_that_cannot_work_fails_at_once(mistake: Callable[[], None], words: str) -> None:
    with pytest.raises(errors.HandlerDeclarationError, match=words) as raised:
        mistake()
    assert isinstance(raised.value, TypeError)


def test_a_class_based_handlers_error_bears_its_class_name() -> None:
    declined = raised_failure(errors.BusinessLogicError("declined"))
    assert (declined.error_type, declined.retryable) == ("BusinessLogicError", False)
    crashed = raised_failure(ZeroDivisionError("x"))
    assert (crashed.error_type, crashed.retryable) == ("ZeroDivisionError", True)
    assert "traceback" in crashed.metadata
