//! Requests with credentials: what a provider says, and what the server says of it.

use std::sync::Arc;

use secrecy::ExposeSecret;
use turnledger_core::Batch;

use super::auth::{AuthProvider, Credentials, Header};
use super::{HttpClient, Outcome};

/// Sends batches with the credentials of a provider.
#[derive(Debug)]
pub struct Courier {
    client: HttpClient,
    auth: Arc<dyn AuthProvider>,
}

impl Courier {
    /// Requests by `client` with the credentials of `auth`.
    pub fn new(client: HttpClient, auth: Arc<dyn AuthProvider>) -> Self {
        Self { client, auth }
    }

    /// Sends a batch once, and once more if the credentials could be renewed. Blocks, for at most the
    /// client's timeout for each.
    pub fn send(&mut self, batch: &Batch) -> Outcome {
        let span = tracing::debug_span!("deliver", events = batch.events, bytes = batch.body.len());
        let _entered = span.enter();
        match self.try_send(batch) {
            Outcome::Unauthorized if self.auth.refresh() => self.try_send(batch),
            outcome => outcome,
        }
    }

    fn try_send(&mut self, batch: &Batch) -> Outcome {
        match self.auth.credentials() {
            // A header that is none would fail the request for ever.
            Credentials::Headers(headers) if headers.iter().all(is_sendable) => self.client.send(batch, &headers),
            Credentials::Headers(_) | Credentials::Missing => Outcome::NoCredentials,
            Credentials::NotBackend => Outcome::NotBackend,
        }
    }
}

fn is_sendable(header: &Header) -> bool {
    header.value.expose_secret().bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte))
}
