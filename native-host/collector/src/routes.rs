//! The routes.

use axum::Router;

use crate::Collector;

/// All routes of a collector.
pub fn router(collector: Collector) -> Router {
    Router::new().with_state(collector)
}
