//! Sends requests with a provider's credentials.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::ExposeSecret;
use turnledger_core::delivery::{Response, Sending};

use super::account::{AccountKey, Login};
use super::auth::{AuthProvider, Credentials, Header};
use super::endpoint::Endpoint;
use super::reply::{Reply, wait_for};
use super::transport::{SendError, Transport, UploadRequest};
use crate::store::StoredBatch;

/// Sends batches with the credentials of a provider.
pub struct Courier {
    endpoint: Endpoint,
    transport: Box<dyn Transport>,
    auth: Arc<dyn AuthProvider>,
    timeout: Duration,
    panics: Panics,
}

/// How often code of the host's panicked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Panics {
    pub(crate) provider: u64,
    pub(crate) transport: u64,
}

impl fmt::Debug for Courier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Courier").field("url", &self.url()).field("auth", &self.auth).finish_non_exhaustive()
    }
}

/// What came of sending a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// The answer, for the core.
    pub response: Response,
    /// Whether the server has said that it accepts gzip.
    pub takes_gzip: bool,
    /// What went wrong on the way, if there was no answer.
    pub problem: Option<String>,
}

impl Sent {
    /// Nothing was sent.
    const fn not(response: Response) -> Self {
        Self { response, takes_gzip: false, problem: None }
    }
}

impl Courier {
    /// Requests to an endpoint, sent by `transport` with the credentials of `auth`. `timeout` is how long a request
    /// takes at most.
    pub fn new(
        endpoint: Endpoint,
        transport: Box<dyn Transport>,
        auth: Arc<dyn AuthProvider>,
        timeout: Duration,
    ) -> Self {
        Self { endpoint, transport, auth, timeout, panics: Panics::default() }
    }

    /// Who is logged in.
    pub fn login(&mut self) -> Login {
        let auth = &self.auth;
        guarded(&mut self.panics.provider, || auth.login()).unwrap_or(Login::LoggedOut)
    }

    /// Where batches go.
    pub fn url(&self) -> &str {
        self.endpoint.url()
    }

    /// How often provider and transport panicked since this was last asked.
    pub(crate) fn take_panics(&mut self) -> Panics {
        std::mem::take(&mut self.panics)
    }

    /// Sends a batch once, as the core said, under the batch's own account only. Waits for the provider and for the
    /// server, at most the timeout each, and never after `until`.
    pub fn send(&mut self, batch: &StoredBatch, sending: Sending, until: Instant) -> Sent {
        let span = tracing::debug_span!("deliver", events = batch.events, bytes = batch.body.len());
        let _entered = span.enter();
        if sending.renew && self.ask(until, |auth, reply| auth.renew(reply)) != Some(true) {
            return Sent::not(Response::UNAUTHORIZED);
        }
        let headers = match self.ask(until, |auth, reply| auth.credentials(reply)) {
            // A header with other bytes would fail the request for ever.
            Some(Credentials::Headers { account, headers })
                if account == batch.account && headers.iter().all(is_sendable) =>
            {
                headers
            }
            _ => return Sent::not(Response::NoCredentials),
        };
        let request = self.request(batch, headers, sending.compressed, until);
        let transport = &mut self.transport;
        // An answer that comes just in time is taken.
        let until = Instant::now() + request.timeout;
        let sent = guarded(&mut self.panics.transport, || wait_for(until, |reply| transport.send(request, reply)));
        let sent = sent.flatten().unwrap_or_else(|| Err(SendError::no_answer("there was no answer in time")));
        match sent {
            Ok(answer) => {
                Sent { response: answer.response(), takes_gzip: CAN_PACK && answer.takes_gzip(), problem: None }
            }
            Err(error) => Sent { response: error.response(), takes_gzip: false, problem: Some(error.problem()) },
        }
    }

    fn request(&self, batch: &StoredBatch, headers: Vec<Header>, compressed: bool, until: Instant) -> UploadRequest {
        let ours = [("Content-Type", "application/json"), ("Idempotency-Key", &batch.key.to_string())];
        let encoding = compressed.then_some(("Content-Encoding", "gzip"));
        let ours = ours.into_iter().chain(encoding).map(|(name, value)| Header::new(name, value));
        let body = batch.body.as_bytes();
        UploadRequest {
            url: self.endpoint.url().to_owned(),
            headers: ours.chain(headers).collect(),
            body: if compressed { pack(body) } else { body.to_owned() },
            timeout: until.saturating_duration_since(Instant::now()).min(self.timeout),
        }
    }

    /// The account whose events can be sent now.
    pub fn account(&mut self) -> Option<AccountKey> {
        match self.login() {
            Login::Account(account) => Some(account),
            Login::LoggedOut | Login::NotBackend => None,
        }
    }

    fn ask<T: Send + 'static>(&mut self, until: Instant, ask: impl FnOnce(&dyn AuthProvider, Reply<T>)) -> Option<T> {
        let until = until.min(Instant::now() + self.timeout);
        let auth = &*self.auth;
        guarded(&mut self.panics.provider, || wait_for(until, |reply| ask(auth, reply))).flatten()
    }
}

/// Calls code of the host's; a panic is caught and counted.
fn guarded<T>(panics: &mut u64, call: impl FnOnce() -> T) -> Option<T> {
    let called = catch_unwind(AssertUnwindSafe(call)).ok();
    *panics += u64::from(called.is_none());
    called
}

/// Whether a request body can be compressed.
const CAN_PACK: bool = cfg!(feature = "gzip");

#[cfg(feature = "gzip")]
fn pack(body: &[u8]) -> Vec<u8> {
    use std::io::Write;

    let mut packer = flate2::write::GzEncoder::new(Vec::with_capacity(body.len() / 4), flate2::Compression::fast());
    // Writing to memory does not fail.
    let _ = packer.write_all(body);
    packer.finish().unwrap_or_default()
}

/// The core never asks for it: it is not told that the server takes gzip.
#[cfg(not(feature = "gzip"))]
fn pack(body: &[u8]) -> Vec<u8> {
    body.to_owned()
}

/// Whether a header can stand in a request: its name is a token, and its value is printable ASCII (RFC 9110, 5).
fn is_sendable(header: &Header) -> bool {
    let is_of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !header.name.is_empty()
        && header.name.bytes().all(is_of_token)
        && header.value.expose_secret().bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte))
}
