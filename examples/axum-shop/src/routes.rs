//! Orders: placed and looked at.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::json;
use tasker_core::{Client, TaskRequest, Uuid};

use crate::orders::{NewOrder, Order, Orders};

pub struct Shop {
    pub client: Client,
    pub orders: Arc<Orders>,
}

type TheShop = State<Arc<Shop>>;

#[derive(Serialize)]
struct PlacedOrder {
    order_id: Uuid,
    charge_id: Option<String>,
    /// The state of the order's task; null until the server was told of it.
    status: Option<String>,
    task_uuid: Option<Uuid>,
    done: Vec<String>,
}

/// Why there is no answer: `503` where Tasker doesn't answer, `500` where the disk doesn't.
struct Trouble(StatusCode, String);

pub fn router(shop: Arc<Shop>) -> Router {
    Router::new().route("/orders", post(place)).route("/orders/{order_id}", get(look)).with_state(shop)
}

/// Places an order. The same `Idempotency-Key` once more answers 200 with the order that is there already.
async fn place(
    State(shop): TheShop,
    headers: HeaderMap,
    Json(wish): Json<NewOrder>,
) -> Result<Response, Trouble> {
    let key = headers.get("Idempotency-Key").and_then(|key| key.to_str().ok());
    let key = key.map_or_else(|| Uuid::new_v4().to_string(), Into::into);
    blocking(move || {
        // The order comes first. Whoever finds one without a task asks again, with the same key: there is one task.
        let (order, is_new) = shop.orders.place(key, wish)?;
        let order = shop.with_task(order)?;
        let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
        Ok((status, Json(shop.told(&order)?)).into_response())
    })
    .await
}

/// An order, and how far its task is.
async fn look(State(shop): TheShop, Path(order_id): Path<Uuid>) -> Result<Response, Trouble> {
    blocking(move || match shop.orders.find(order_id) {
        Some(order) => Ok(Json(shop.told(&order)?).into_response()),
        None => Err(Trouble(StatusCode::NOT_FOUND, format!("there is no order {order_id}"))),
    })
    .await
}

/// The client blocks, and so does the disk: not in a thread of the event loop.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(Trouble(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
    }
}

impl Shop {
    /// Creates the tasks of orders that have none.
    pub fn create_missing_tasks(&self) {
        for order in self.orders.without_task() {
            let order_id = order.order_id;
            if let Err(Trouble(_, why)) = self.with_task(order) {
                eprintln!("order {order_id} has no task yet: {why}");
            }
        }
    }

    fn with_task(&self, order: Order) -> Result<Order, Trouble> {
        if order.task_uuid.is_some() {
            return Ok(order);
        }
        let Order { order_id, wish: NewOrder { email, items, card }, .. } = &order;
        let context = json!({"order_id": order_id, "email": email, "items": items, "card": card});
        let task = self.client.create_task(
            TaskRequest::new("checkout")
                .namespace("axum_shop")
                .context(&context)
                .idempotency_key(order_id.to_string())
                .or_existing(),
        )?;
        let order_id = *order_id;
        let kept = self.orders.change(order_id, |order| order.task_uuid = Some(task.task_uuid))?;
        Ok(kept.unwrap_or(order))
    }

    fn told(&self, order: &Order) -> Result<PlacedOrder, Trouble> {
        let task = order.task_uuid.map(|task_uuid| self.client.get_task(task_uuid)).transpose()?;
        let steps = task.iter().flat_map(|task| &task.steps);
        let done = steps.filter(|step| step.current_state == tasker_core::StepState::Complete);
        Ok(PlacedOrder {
            order_id: order.order_id,
            charge_id: order.charge_id.clone(),
            task_uuid: order.task_uuid,
            done: done.map(|step| step.name.clone()).collect(),
            status: task.map(|task| task.status.to_string()),
        })
    }
}

impl From<tasker_core::Error> for Trouble {
    fn from(error: tasker_core::Error) -> Self {
        let status = match error.code() {
            Some("SCHEMA_VIOLATION") => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self(status, error.to_string())
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}
