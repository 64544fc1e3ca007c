//! The shop's orders.

use std::collections::HashMap;
use std::io;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use tasker_core::Uuid;

use crate::ledger::Ledger;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    pub sku: String,
    pub quantity: u32,
}

/// What a customer sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewOrder {
    pub email: String,
    pub items: Vec<Item>,
    pub card: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub order_id: Uuid,
    /// The customer's own name for it: who clicks twice buys once.
    pub key: String,
    #[serde(flatten)]
    pub wish: NewOrder,
    pub task_uuid: Option<Uuid>,
    pub charge_id: Option<String>,
}

/// Each order as it is, kept in a ledger.
pub struct Orders {
    ledger: Ledger,
    orders: Mutex<HashMap<Uuid, Order>>,
}

impl Orders {
    pub fn open(ledger: Ledger) -> io::Result<Self> {
        let mut orders = HashMap::new();
        for (_, value) in ledger.all() {
            let order: Order = serde_json::from_value(value)?;
            orders.insert(order.order_id, order);
        }
        Ok(Self { ledger, orders: Mutex::new(orders) })
    }

    /// The order of this key, which is written if there is none. The bool tells whether it was.
    pub fn place(&self, key: String, wish: NewOrder) -> io::Result<(Order, bool)> {
        let mut orders = self.orders.lock().unwrap();
        if let Some(found) = orders.values().find(|order| order.key == key) {
            return Ok((found.clone(), false));
        }
        let order = Order { order_id: Uuid::now_v7(), key, wish, task_uuid: None, charge_id: None };
        self.keep(&order)?;
        orders.insert(order.order_id, order.clone());
        Ok((order, true))
    }

    pub fn find(&self, order_id: Uuid) -> Option<Order> {
        self.orders.lock().unwrap().get(&order_id).cloned()
    }

    pub fn without_task(&self) -> Vec<Order> {
        self.orders.lock().unwrap().values().filter(|order| order.task_uuid.is_none()).cloned().collect()
    }

    /// Changes an order, unless there is none. Doing it twice does no harm.
    pub fn change(&self, order_id: Uuid, change: impl FnOnce(&mut Order)) -> io::Result<Option<Order>> {
        let mut orders = self.orders.lock().unwrap();
        let Some(mut order) = orders.get(&order_id).cloned() else { return Ok(None) };
        change(&mut order);
        self.keep(&order)?;
        orders.insert(order_id, order.clone());
        Ok(Some(order))
    }

    fn keep(&self, order: &Order) -> io::Result<()> {
        self.ledger.write(&order.order_id.to_string(), serde_json::to_value(order)?)
    }
}
