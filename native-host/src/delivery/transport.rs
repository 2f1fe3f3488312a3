//! Sending as a host sees it: a request goes out, an answer comes back. What the answer means is the core's to say.

use std::error::Error;
use std::fmt;
use std::time::{Duration, SystemTime};

use turnledger_core::delivery::Response;

use super::auth::Header;
use super::reply::Reply;

/// Sends requests: the host's own HTTP client, or [`HttpClient`](super::HttpClient).
///
/// A client that blocks gives its answer before it returns. An async client starts a task, moves the reply into it, and
/// returns at once:
///
/// ```
/// use turnledger::delivery::{SendError, Transport, UploadReply, UploadRequest, UploadResponse};
///
/// struct Client {
///     runtime: tokio::Handle,
/// }
///
/// impl Transport for Client {
///     fn send(&mut self, request: UploadRequest, reply: UploadReply) {
///         self.runtime.spawn(async move { reply.give(post(request).await) });
///     }
/// }
///
/// /// As `reqwest` does it: `client.post(request.url)`, `header` for each header, `body(request.body)`,
/// /// `timeout(request.timeout)`, `send().await`.
/// async fn post(request: UploadRequest) -> Result<UploadResponse, SendError> {
///     # let response = http::answer(&request);
///     Ok(UploadResponse::new(response.status).with_headers(response.headers))
/// }
/// # mod tokio {
/// #     pub struct Handle;
/// #     impl Handle {
/// #         pub fn spawn<F: Future<Output = ()> + Send + 'static>(&self, _: F) {}
/// #     }
/// # }
/// # mod http {
/// #     pub struct Response { pub status: u16, pub headers: Vec<(String, String)> }
/// #     pub fn answer(_: &turnledger::delivery::UploadRequest) -> Response { Response { status: 202, headers: Vec::new() } }
/// # }
/// ```
pub trait Transport: Send {
    /// Sends a request with `POST`, once: without following redirections and without trying again.
    ///
    /// It is called by the thread that delivers, which waits for the reply until the request's timeout. A reply that
    /// goes without an answer, or a panic, counts as [`SendError::NoAnswer`].
    fn send(&mut self, request: UploadRequest, reply: UploadReply);
}

/// Takes what came of a request.
pub type UploadReply = Reply<Result<UploadResponse, SendError>>;

/// A request with a batch of events.
#[non_exhaustive]
pub struct UploadRequest {
    /// Where it goes: `https://`, or `http://` on this machine.
    pub url: String,
    /// `Content-Type`, `Idempotency-Key`, the credentials, and `Content-Encoding` if the body is compressed. The client
    /// adds its own, such as `User-Agent`.
    pub headers: Vec<Header>,
    /// JSON, compressed with gzip if the headers say so.
    pub body: Vec<u8>,
    /// How long it may take.
    pub timeout: Duration,
}

impl UploadRequest {
    /// A request, for a transport that makes its own of the one that it was given.
    pub fn new(url: impl Into<String>, headers: Vec<Header>, body: Vec<u8>, timeout: Duration) -> Self {
        Self { url: url.into(), headers, body, timeout }
    }
}

/// Shows neither events nor credentials.
impl fmt::Debug for UploadRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "UploadRequest({} bytes to {})", self.body.len(), self.url)
    }
}

/// What counts of a server's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadResponse {
    status: u16,
    retry_after_ms: Option<u64>,
    takes_gzip: bool,
    body: Vec<u8>,
}

impl UploadResponse {
    /// An answer with an HTTP status.
    pub const fn new(status: u16) -> Self {
        Self { status, retry_after_ms: None, takes_gzip: false, body: Vec::new() }
    }

    /// Takes from the answer's headers what counts: `Retry-After`, in seconds or as a date, and `Accept-Encoding`, by
    /// which a server says which bodies it takes (RFC 7694). Names may be in any case.
    #[must_use]
    pub fn with_headers<N: AsRef<str>, V: AsRef<[u8]>>(mut self, headers: impl IntoIterator<Item = (N, V)>) -> Self {
        for (name, value) in headers {
            let (name, Ok(value)) = (name.as_ref(), str::from_utf8(value.as_ref())) else { continue };
            if name.eq_ignore_ascii_case("Retry-After") {
                self.retry_after_ms = retry_after_ms(value, SystemTime::now());
            } else if name.eq_ignore_ascii_case("Accept-Encoding") {
                self.takes_gzip |= takes_gzip(value);
            }
        }
        self
    }

    /// With how long the server asks for no request, where that is not in a header.
    #[must_use]
    pub const fn with_retry_after_ms(mut self, retry_after_ms: Option<u64>) -> Self {
        self.retry_after_ms = retry_after_ms;
        self
    }

    /// With the answer's body. A server of events says nothing in it that counts.
    #[must_use]
    pub fn with_body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// The answer's body; empty if the client does not hand it on.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// What the core is told.
    pub const fn response(&self) -> Response {
        Response::Status { code: self.status, retry_after_ms: self.retry_after_ms }
    }

    /// Whether the server has said that it takes bodies compressed with gzip.
    pub(super) const fn takes_gzip(&self) -> bool {
        self.takes_gzip
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// Nothing was sent: the name was not found, or there was no connection or no TLS.
    #[error("the server cannot be reached")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// The server may have the request, or a part of it, and gave no whole answer. The request is sent again, with the
    /// same key.
    #[error("the server does not answer")]
    NoAnswer(#[source] Box<dyn Error + Send + Sync>),
}

impl SendError {
    /// Nothing was sent, because of this.
    pub fn unreachable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unreachable(source.into())
    }

    /// There is no whole answer, because of this.
    pub fn no_answer(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::NoAnswer(source.into())
    }

    /// What the core is told.
    pub const fn response(&self) -> Response {
        match self {
            Self::Unreachable(_) => Response::Unreachable,
            Self::NoAnswer(_) => Response::NoAnswer,
        }
    }

    /// What went wrong, with its causes.
    pub fn problem(&self) -> String {
        let mut text = String::new();
        let mut next = self.source();
        while let Some(error) = next {
            let more = error.to_string();
            // Some errors say their cause themselves.
            if !text.ends_with(&more) {
                let between = if text.is_empty() { "" } else { ": " };
                text = [&text, between, &more].concat();
            }
            next = error.source();
        }
        text
    }
}

/// The `Retry-After` of an answer in milliseconds: seconds, or a date.
fn retry_after_ms(value: &str, now: SystemTime) -> Option<u64> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(value.parse().unwrap_or(u64::MAX).saturating_mul(1000));
    }
    let after = httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default();
    Some(u64::try_from(after.as_millis()).unwrap_or(u64::MAX))
}

/// Whether gzip is among the encodings, and not with the weight 0 (RFC 9110, 12.5.3).
fn takes_gzip(encodings: &str) -> bool {
    encodings.split(',').any(|encoding| {
        let (name, weight) = encoding.split_once(';').unwrap_or((encoding, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight != Some(0.0)
    })
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::{Duration, SystemTime};

    use turnledger_core::delivery::Response;

    use super::{SendError, UploadResponse, retry_after_ms};

    #[test]
    fn what_a_server_asks_for() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let asked = |value| retry_after_ms(value, now);
        assert_eq!(asked(" 3 "), Some(3000));
        assert_eq!(asked("Sun, 06 Nov 1994 08:49:40 GMT"), Some(3000));
        assert_eq!(asked("Sun, 06 Nov 1994 08:49:30 GMT"), Some(0));
        assert_eq!(asked("86400"), Some(86_400_000));
        assert_eq!(asked("99999999999999999999999999"), Some(u64::MAX));
        for nonsense in ["soon", "", " ", "-1", "1.5"] {
            assert_eq!(asked(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn what_counts_of_an_answer() {
        let of = |headers: &[(&str, &str)]| {
            let answer = UploadResponse::new(503).with_headers(headers.iter().copied());
            (answer.response(), answer.takes_gzip())
        };
        let status = |retry_after_ms| Response::Status { code: 503, retry_after_ms };
        assert_eq!(of(&[]), (status(None), false));
        assert_eq!(of(&[("retry-after", "2"), ("Accept-Encoding", "br, GZIP;q=0.5")]), (status(Some(2000)), true));
        for refused in ["identity", "gzip;q=0", "xgzip", ""] {
            assert_eq!(of(&[("accept-encoding", refused)]), (status(None), false), "{refused}");
        }
    }

    #[test]
    fn a_problem_is_told_with_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot send")]
        struct Outer(#[source] io::Error);
        let error = SendError::no_answer(Outer(io::Error::other("broken pipe")));
        assert_eq!((error.problem(), error.response()), ("cannot send: broken pipe".into(), Response::NoAnswer));
        let error = SendError::unreachable("no proxy");
        assert_eq!((error.problem(), error.response()), ("no proxy".into(), Response::Unreachable));
    }
}
