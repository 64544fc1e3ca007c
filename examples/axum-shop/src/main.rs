//! A shop with axum in front and Tasker behind: a request writes an order and creates its task, and a worker in the same
//! process runs the steps.

mod handlers;
mod ledger;
mod orders;
mod routes;

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tasker_core::{Settings, Worker};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::ledger::Ledger;
use crate::orders::Orders;
use crate::routes::Shop;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let data = PathBuf::from(env::var("SHOP_DATA").unwrap_or_else(|_| "axum-shop-data".into()));
    let port = env::var("SHOP_PORT").unwrap_or_else(|_| "8650".into()).parse()?;
    let orders = Arc::new(Orders::open(Ledger::open(&data.join("orders.jsonl"))?)?);
    let charges = Arc::new(Ledger::open(&data.join("charges.jsonl"))?);

    // TASKER_URL names the server, for the client of the routes and for the worker.
    let settings = Settings::new().initiator("axum-shop").source_system("shop");
    let shop = Arc::new(Shop { client: settings.client()?, orders: Arc::clone(&orders) });
    let registry = handlers::registry(&orders, &charges);
    let worker = Worker::new(registry)
        .namespaces(["axum_shop"])
        .shutdown_timeout(Duration::from_secs(10))
        .start(&settings)?;

    // What a crash left between an order and its task.
    let left = Arc::clone(&shop);
    tokio::task::spawn_blocking(move || left.create_missing_tasks());

    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("the shop listens at http://{}", listener.local_addr()?);
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    axum::serve(listener, routes::router(shop)).with_graceful_shutdown(stop).await?;
    tokio::task::spawn_blocking(|| worker.stop()).await??;
    Ok(())
}
