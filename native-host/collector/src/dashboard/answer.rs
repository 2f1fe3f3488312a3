//! Answers, and what becomes of errors.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use turnledger_archive::ArchiveError;

use crate::Collector;
use crate::accounts::AccountsError;
use crate::collector::CollectorError;
use crate::refusal::{Fault, Refusal};

/// JSON that nobody keeps.
pub(super) fn answer(value: Value) -> Response {
    let mut response = Json(value).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A question that nobody answers.
pub(super) fn bad(sentence: impl Into<String>) -> Refusal {
    Refusal::said(StatusCode::BAD_REQUEST, sentence.into())
}

/// Tells whoever runs the collector what is wrong with it.
pub(super) async fn tell_faults(State(collector): State<Collector>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if let Some(Fault(fault)) = response.extensions().get() {
        collector.tell_line(fault);
    }
    response
}

impl From<CollectorError> for Refusal {
    fn from(error: CollectorError) -> Self {
        match error {
            CollectorError::Store(error) => error.into(),
            CollectorError::Accounts(error) => error.into(),
            error @ CollectorError::Thread(_) => Self::fault("The collector cannot answer now.", &error),
        }
    }
}

impl From<ArchiveError> for Refusal {
    fn from(error: ArchiveError) -> Self {
        Self::fault("The store cannot be read now.", &error)
    }
}

impl From<AccountsError> for Refusal {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::Name(error) => bad(format!("{error}.")),
            error @ AccountsError::Taken => Self::said(StatusCode::CONFLICT, format!("{error}.")),
            error => Self::fault("The accounts cannot be used now.", &error),
        }
    }
}
