//! The routes.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

use crate::{Collector, dashboard, ingest};

/// All routes of a collector. Every request needs a [`Peer`](crate::Peer) as an extension.
pub fn router(collector: Collector) -> Router {
    Router::new()
        .route(ingest::PATH, post(ingest::take))
        .route("/health", get(health))
        .merge(dashboard::routes(&collector))
        .with_state(collector)
}

/// The route of the metrics, which has an address of its own.
pub(crate) fn metrics(collector: Collector) -> Router {
    Router::new().route("/metrics", get(text)).with_state(collector)
}

/// Whether the collector works: 503 if its store cannot be written. A receiver that does not take events is named, and changes
/// nothing.
async fn health(State(collector): State<Collector>) -> Response {
    let (status, health) = if collector.writer().is_alive() && collector.health().is_writable().await {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the store cannot be written")
    };
    let mut says = serde_json::json!({ "health": health });
    // Nobody's events are lost by it: they wait in the store.
    if let Some(hold) = collector.forwarding_hold() {
        says["receiver"] = hold.to_string().into();
    }
    (status, [(CACHE_CONTROL, "no-store")], Json(says)).into_response()
}

async fn text(State(collector): State<Collector>) -> impl IntoResponse {
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, form)], collector.metrics().text())
}
