//! Answers that refuse a request: a status, and one sentence as JSON.

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use axum::Json;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::peer::Wait;

/// Why a request is refused. The sentence repeats no secret of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    sentence: Cow<'static, str>,
    /// Whether it asks for a token.
    asks_token: bool,
    retry_after: Option<Wait>,
    /// What the one who runs the collector is told.
    fault: Option<Box<str>>,
}

/// What went wrong on the collector's side, in an answer on its way.
#[derive(Clone, Debug)]
pub(crate) struct Fault(pub(crate) String);

impl Refusal {
    pub(crate) const fn new(status: StatusCode, sentence: &'static str) -> Self {
        Self { status, sentence: Cow::Borrowed(sentence), asks_token: false, retry_after: None, fault: None }
    }

    /// The token is missing, unknown or revoked.
    pub(crate) fn unauthorized(sentence: &'static str) -> Self {
        Self { asks_token: true, ..Self::new(StatusCode::UNAUTHORIZED, sentence) }
    }

    /// There is too much to do; the same request is welcome after a while.
    pub(crate) fn busy(sentence: &'static str, wait: Wait) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, sentence).after(wait)
    }

    /// One sends too much; the same request is welcome after a while.
    pub(crate) fn too_many(sentence: &'static str, wait: Wait) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, sentence).after(wait)
    }

    /// The collector itself is at fault. Whoever runs it is told the error, which names files; the answer does not.
    pub(crate) fn fault(sentence: &'static str, error: &dyn Error) -> Self {
        let busy = Self::busy(sentence, Wait::new(Duration::from_secs(5)));
        Self { fault: Some(crate::with_causes(error).into()), ..busy }
    }

    /// With a sentence that is made for it.
    pub(crate) fn said(status: StatusCode, sentence: String) -> Self {
        Self { sentence: sentence.into(), ..Self::new(status, "") }
    }

    fn after(self, wait: Wait) -> Self {
        Self { retry_after: Some(wait), ..self }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Json(serde_json::json!({ "error": self.sentence }));
        let mut response = (self.status, body).into_response();
        if let Some(fault) = self.fault {
            response.extensions_mut().insert(Fault(fault.into()));
        }
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.asks_token {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = self.retry_after {
            headers.insert(RETRY_AFTER, wait.seconds().into());
        }
        response
    }
}
