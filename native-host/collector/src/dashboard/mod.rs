//! The dashboard: a page, and the JSON that it asks for.

mod access;
mod accounts;
mod answer;
mod asked;
mod assets;
mod events;
mod numbers;
mod publication;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get};

use crate::Collector;

/// The page and its questions.
pub(crate) fn routes(collector: &Collector) -> Router<Collector> {
    let questions = Router::new()
        .route("/api/session", axum::routing::post(access::sign_in).delete(access::sign_out))
        .route("/api/me", get(access::me))
        .route("/api/definitions", get(numbers::definitions))
        .route("/api/choices", get(numbers::choices))
        .route("/api/report", get(numbers::report))
        .route("/api/sessions", get(events::sessions))
        .route("/api/sessions/{id}", get(events::session))
        .route("/api/export", get(events::export))
        .route("/api/tokens", get(accounts::tokens).post(accounts::add_token))
        .route("/api/tokens/{id}", delete(accounts::revoke_token))
        .route("/api/users", get(accounts::users).post(accounts::add_user))
        .route("/api/users/{id}", delete(accounts::revoke_user))
        .route_layer(from_fn(access::only_from_the_page))
        .route_layer(from_fn_with_state(collector.clone(), answer::tell_faults));
    Router::new().merge(assets::routes()).merge(questions)
}
