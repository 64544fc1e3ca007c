//! The steps of the checkout. Each may run twice, and none does harm by it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tasker_core::{Registry, StepContext, StepError, StepHandler, Uuid};

use crate::ledger::Ledger;
use crate::orders::{Item, Orders};

const PRICES: [(&str, u64); 3] = [("tea", 450), ("pot", 3890), ("cup", 690)];

#[derive(Deserialize)]
struct Checkout {
    order_id: Uuid,
    email: String,
    items: Vec<Item>,
    card: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Priced {
    total_cents: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Charge {
    charge_id: String,
    cents: u64,
}

pub fn registry(orders: &Arc<Orders>, charges: &Arc<Ledger>) -> Registry {
    let mut registry = Registry::new();
    registry
        .step("axum_validate_cart", validate_cart)
        .step("axum_process_payment", ProcessPayment { charges: Arc::clone(charges) })
        .step("axum_reserve_stock", reserve_stock)
        // Its own dependency is the shelf; the charge comes along from before.
        .step_after("axum_confirm_order", &["process_payment"], ConfirmOrder { orders: Arc::clone(orders) })
        .step("axum_send_confirmation", send_confirmation);
    registry
}

fn validate_cart(context: &StepContext) -> Result<Priced, StepError> {
    let Checkout { items, .. } = context.input()?;
    let mut total_cents = 0;
    for Item { sku, quantity } in &items {
        let Some((_, cents)) = PRICES.iter().find(|(sold, _)| sold == sku) else {
            return Err(StepError::permanent(format!("we don't sell {sku}")).code("unknown_sku"));
        };
        total_cents += cents * u64::from(*quantity);
    }
    Ok(Priced { total_cents })
}

/// Charges at a gateway that knows a repeated call by its key.
struct ProcessPayment {
    charges: Arc<Ledger>,
}

impl StepHandler for ProcessPayment {
    type Output = Charge;

    fn call(&self, context: &StepContext) -> Result<Charge, StepError> {
        let Checkout { card, .. } = context.input()?;
        let Priced { total_cents } = context.dependency("validate_cart")?;
        if card == "tok_declined" {
            return Err(StepError::permanent("card declined").code("card_declined"));
        }
        if card == "tok_error_once" && context.attempt() == 1 {
            return Err(StepError::retryable("the gateway is busy"));
        }
        let charge = || json!({"charge_id": format!("ch_{}", Uuid::new_v4().simple()), "cents": total_cents});
        let (charge, _) = self.charges.get_or_write(context.idempotency_key(), charge)?;
        if card == "tok_slow" {
            // The money has moved, and the answer takes its time.
            context.sleep(Duration::from_secs(2))?;
        }
        Ok(serde_json::from_value(charge)?)
    }
}

fn reserve_stock(context: &StepContext) -> Result<Vec<Item>, StepError> {
    let Checkout { items, .. } = context.input()?;
    Ok(items)
}

/// Writes the payment into the order.
struct ConfirmOrder {
    orders: Arc<Orders>,
}

impl StepHandler for ConfirmOrder {
    type Output = Charge;

    fn call(&self, context: &StepContext) -> Result<Charge, StepError> {
        let Checkout { order_id, .. } = context.input()?;
        let charge: Charge = context.dependency("process_payment")?;
        let paid = self.orders.change(order_id, |order| order.charge_id = Some(charge.charge_id.clone()))?;
        paid.ok_or_else(|| StepError::permanent(format!("there is no order {order_id}")))?;
        Ok(charge)
    }
}

fn send_confirmation(context: &StepContext) -> Result<String, StepError> {
    let Checkout { email, .. } = context.input()?;
    let Charge { cents, .. } = context.dependency("confirm_order")?;
    Ok(format!("to {email}: thank you for {}.{:02} EUR", cents / 100, cents % 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(card: &str, sku: &str) -> StepContext {
        StepContext::sample(&json!({
            "order_id": Uuid::nil(), "email": "ann@example.com", "card": card, "items": [{"sku": sku, "quantity": 2}],
        }))
    }

    #[test]
    fn a_cart_is_priced_or_refused() {
        assert_eq!(validate_cart(&order("tok_visa", "pot")).unwrap(), Priced { total_cents: 7780 });
        let refused = validate_cart(&order("tok_visa", "car")).unwrap_err();
        assert_eq!((refused.error_code(), refused.is_retryable()), (Some("unknown_sku"), false));
    }

    #[test]
    fn a_step_that_runs_twice_charges_once() {
        let path = std::env::temp_dir().join(format!("axum-shop-{}", Uuid::new_v4())).join("charges.jsonl");
        let context = order("tok_visa", "tea").with_dependency("validate_cart", &Priced { total_cents: 900 });
        let charged = || {
            let charges = Arc::new(Ledger::open(&path).unwrap());
            ProcessPayment { charges }.call(&context).unwrap()
        };
        // The second gateway has nothing but the file of the first.
        assert_eq!(charged(), charged());
        let lines = std::fs::read_to_string(&path).unwrap();
        assert_eq!(lines.lines().filter(|line| !line.is_empty()).count(), 1);
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }

    #[test]
    fn a_busy_gateway_is_asked_again_and_a_declined_card_isnt() {
        let path = std::env::temp_dir().join(format!("axum-shop-{}", Uuid::new_v4())).join("charges.jsonl");
        let pay = ProcessPayment { charges: Arc::new(Ledger::open(&path).unwrap()) };
        let priced = |card| order(card, "tea").with_dependency("validate_cart", &Priced { total_cents: 900 });
        assert!(pay.call(&priced("tok_error_once")).unwrap_err().is_retryable());
        assert!(pay.call(&priced("tok_error_once").with_attempt(2, 5)).is_ok());
        assert!(!pay.call(&priced("tok_declined")).unwrap_err().is_retryable());
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }
}
