"""A thin handler for each step: what goes in and out is typed, what it does is in the services."""

from __future__ import annotations

from PACKAGE import services
from PACKAGE.models import Charge, Order, Parcel, Price
from tasker_core import PermanentError, RetryableError, StepContext
from tasker_core.step_handler import depends_on, inputs, step_handler


@step_handler("price_order")
@inputs(Order)
def price_order(inputs: Order) -> Price:
    try:
        return Price(cents=services.price(inputs.sku, inputs.quantity))
    except services.NotForSale as error:
        raise PermanentError(str(error), error_code="NOT_FOR_SALE") from error


@step_handler("charge_card")
@depends_on(price=("price_order", Price))
@inputs(Order)
def charge_card(price: Price, inputs: Order, context: StepContext) -> Charge:
    try:
        # A worker may die between the charge and its record: with the same key the second call charges nothing.
        charge_id = services.gateway.charge(inputs.card, price.cents, context.idempotency_key)
    except services.CardDeclined as error:
        raise PermanentError(str(error), error_code="CARD_DECLINED") from error
    except services.GatewayDown as error:
        raise RetryableError(str(error)) from error
    return Charge(charge_id=charge_id, cents=price.cents)


@step_handler("send_parcel")
@depends_on(charge=("charge_card", Charge))
def send_parcel(charge: Charge) -> Parcel:
    return Parcel(tracking=services.send(charge.charge_id))
