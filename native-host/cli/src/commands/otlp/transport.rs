//! Sends a batch as the requests that a receiver takes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use turnledger::delivery::auth::Header;
use turnledger::delivery::{HttpClient, Reply, SendError, Transport, UploadReply, UploadRequest, UploadResponse};
use turnledger::now;
use turnledger::secrecy::ExposeSecret;
use turnledger_core::delivery::Response;
use turnledger_export::otlp::{Post, Posted, Relay, Told};

use super::grpc::GrpcClient;

/// What sends one request.
pub(super) enum Client {
    Http { client: HttpClient, headers: Vec<(String, String)> },
    Grpc(GrpcClient),
}

impl Client {
    fn post(&mut self, post: Post<'_>, timeout: Duration) -> Result<UploadResponse, SendError> {
        match self {
            Self::Http { client, headers } => {
                let ours = [("Content-Type", "application/x-protobuf")].into_iter();
                let theirs = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                let headers = ours.chain(theirs).map(|(name, value)| Header::new(name, value)).collect();
                posted(client, UploadRequest::new(post.url, headers, post.body, timeout))
            }
            Self::Grpc(client) => client.post(post.signal, post.body, timeout),
        }
    }
}

/// Sends each batch as what the receiver takes.
pub(super) struct Otlp {
    relay: Relay,
    client: Client,
    told: Arc<Mutex<Told>>,
}

impl Otlp {
    pub(super) const fn new(relay: Relay, client: Client, told: Arc<Mutex<Told>>) -> Self {
        Self { relay, client, told }
    }

    /// Sends a batch, and says what came of it.
    pub(super) fn deliver(&mut self, key: &str, batch: &str, timeout: Duration) -> Result<UploadResponse, SendError> {
        let until = Instant::now() + timeout;
        let client = &mut self.client;
        let mut last = None;
        let response = self.relay.send(key, batch, now(), &mut |post| {
            let answer = client.post(post, until.saturating_duration_since(Instant::now()));
            let posted = match &answer {
                Ok(answer) => Posted::new(answer.response(), answer.body()),
                Err(error) => Posted::new(error.response(), []),
            };
            last = Some(answer);
            posted
        });
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone_from(self.relay.told());
        let of_last = last.as_ref().map(|answer| match answer {
            Ok(answer) => answer.response(),
            Err(error) => error.response(),
        });
        match (last, response) {
            // With all that it says: when to come again, or what went wrong.
            (Some(last), response) if of_last == Some(response) => last,
            (_, Response::Status { code, .. }) => Ok(UploadResponse::new(code)),
            _ => Err(SendError::no_answer("the receiver did not take all")),
        }
    }
}

impl Transport for Otlp {
    fn send(&mut self, request: UploadRequest, reply: UploadReply) {
        let key = request.headers.iter().find(|header| header.name == "Idempotency-Key");
        let key = key.map(|key| key.value.expose_secret().to_owned()).unwrap_or_default();
        let batch = String::from_utf8(request.body).unwrap_or_default();
        reply.give(self.deliver(&key, &batch, request.timeout));
    }
}

/// Sends a request, and waits for what comes of it: the client blocks.
fn posted(client: &mut HttpClient, request: UploadRequest) -> Result<UploadResponse, SendError> {
    let (take, answer) = std::sync::mpsc::channel();
    client.send(
        request,
        Reply::new(move |answer| {
            // The other end waits below.
            let _ = take.send(answer);
        }),
    );
    answer.recv().ok().flatten().unwrap_or_else(|| Err(SendError::no_answer("the client gave no answer")))
}
