//! Answers that refuse a request: a status, and one sentence as JSON.

use axum::Json;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::peer::Wait;

/// Why a request is refused. The sentence repeats nothing of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    sentence: &'static str,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub(crate) const fn new(status: StatusCode, sentence: &'static str) -> Self {
        Self { status, sentence, header: None }
    }

    /// The token is missing, unknown or revoked.
    pub(crate) const fn unauthorized(sentence: &'static str) -> Self {
        let header = Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        Self { status: StatusCode::UNAUTHORIZED, sentence, header }
    }

    /// There is too much to do; the same request is welcome after a while.
    pub(crate) fn busy(sentence: &'static str, wait: Wait) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, sentence).after(wait)
    }

    /// One sends too much; the same request is welcome after a while.
    pub(crate) fn too_many(sentence: &'static str, wait: Wait) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, sentence).after(wait)
    }

    fn after(self, wait: Wait) -> Self {
        Self { header: Some((RETRY_AFTER, wait.seconds().into())), ..self }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Json(serde_json::json!({ "error": self.sentence }));
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some((name, value)) = self.header {
            headers.insert(name, value);
        }
        response
    }
}
