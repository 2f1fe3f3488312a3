//! A host's own HTTP client in place of ours.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use flate2::read::GzDecoder;
use serde_json::Value;
use turnledger::Ledger;
use turnledger::delivery::auth::{Account, AuthProvider, BearerToken, Credentials, Header};
use turnledger::delivery::{
    Endpoint, Reply, RetryLimits, SendError, Transport, UploadReply, UploadRequest, UploadResponse,
};
use turnledger::secrecy::ExposeSecret;
use turnledger_tests::ledger::{LONG, hook, stored};

/// What a client does with a request.
enum Does {
    /// It answers now, on the thread that asks.
    Answers(u16),
    /// It answers later, from a thread of its own, and with headers.
    AnswersLater(u16, &'static [(&'static str, &'static str)]),
    NothingIsSent,
    DropsTheReply,
    Panics,
}

/// A client that does one thing after the other.
struct Client {
    does: VecDeque<Does>,
    sent: Sender<UploadRequest>,
}

impl Transport for Client {
    fn send(&mut self, request: UploadRequest, reply: UploadReply) {
        self.sent.send(request).expect("the test listens");
        match self.does.pop_front().expect("no more requests than that") {
            Does::Answers(status) => reply.give(Ok(UploadResponse::new(status))),
            Does::AnswersLater(status, headers) => {
                thread::spawn(move || {
                    reply.give(Ok(UploadResponse::new(status).with_headers(headers.iter().copied())));
                });
            }
            Does::NothingIsSent => reply.give(Err(SendError::unreachable("no such host"))),
            Does::DropsTheReply => drop(reply),
            Does::Panics => panic!("a client with a mistake"),
        }
    }
}

const URL: &str = "https://collector.test/codex/analytics-events/events";

/// A ledger that sends by a client that does these things, and what it sends.
fn ledger(auth: Arc<dyn AuthProvider>, does: impl Into<VecDeque<Does>>) -> (Ledger, Receiver<UploadRequest>) {
    let (sent, requests) = channel();
    let ledger = Ledger::builder()
        .upload(Endpoint::new("https://collector.test").expect("a URL"), auth)
        .transport(Client { does: does.into(), sent })
        .retry(RetryLimits::default().first_ms(1).longest_ms(5))
        .timeout(Duration::from_secs(7))
        .start()
        .expect("a ledger");
    (ledger, requests)
}

fn bearer() -> Arc<BearerToken> {
    Arc::new(BearerToken::new("a token".into(), Account::default().id("A")))
}

fn headers(request: &UploadRequest) -> Vec<(&str, &str)> {
    request.headers.iter().map(|header| (header.name.as_str(), header.value.expose_secret())).collect()
}

#[test]
fn a_request_goes_out_until_a_client_has_an_answer_with_one_key() {
    let does =
        [Does::DropsTheReply, Does::Panics, Does::NothingIsSent, Does::Answers(503), Does::AnswersLater(202, &[])];
    let (ledger, requests) = ledger(bearer(), does);
    ledger.track(hook("one"));
    assert_eq!(ledger.flush(LONG), stored(1, 0));
    let stats = ledger.stats();
    assert_eq!((stats.panics, stats.requests_failed, stats.requests_delivered), (1, 4, 1));
    let requests: Vec<_> = requests.try_iter().collect();
    assert_eq!(requests.len(), 5);
    let key = headers(&requests[0])[1].1;
    for request in &requests {
        assert_eq!(request.url, URL);
        assert_eq!(
            headers(request),
            [
                ("Content-Type", "application/json"),
                ("Idempotency-Key", key),
                ("Authorization", "Bearer a token"),
                ("ChatGPT-Account-ID", "A"),
            ]
        );
        assert_eq!(request.body, requests[0].body);
        assert!(request.timeout <= Duration::from_secs(7) && request.timeout > Duration::from_secs(1));
        let shown = format!("{request:?}");
        assert!(!shown.contains("token") && !shown.contains("events\":"), "{shown}");
    }
    let body: Value = serde_json::from_slice(&requests[0].body).expect("JSON");
    assert_eq!(body["events"][0]["event_type"], "codex_hook_run");
}

#[test]
fn a_server_that_takes_gzip_says_so_through_any_client() {
    let takes: &[(&str, &str)] = &[("content-type", "text/plain"), ("accept-encoding", "gzip, br")];
    let (ledger, requests) = ledger(bearer(), [Does::AnswersLater(202, takes), Does::Answers(202)]);
    for thread in ["one", "two"] {
        ledger.track(hook(thread));
        assert_eq!(ledger.flush(LONG), stored(1, 0));
    }
    let requests: Vec<_> = requests.try_iter().collect();
    let plain: Value = serde_json::from_slice(&requests[0].body).expect("JSON");
    assert_eq!(plain["events"][0]["event_params"]["thread_id"], "one");
    assert!(headers(&requests[1]).contains(&("Content-Encoding", "gzip")));
    let mut unpacked = String::new();
    GzDecoder::new(&requests[1].body[..]).read_to_string(&mut unpacked).expect("gzip");
    let unpacked: Value = serde_json::from_str(&unpacked).expect("JSON");
    assert_eq!(unpacked["events"][0]["event_params"]["thread_id"], "two");
}

/// Puts one header on every request.
#[derive(Debug)]
struct One(&'static str, &'static str);

impl AuthProvider for One {
    fn login(&self) -> turnledger::delivery::account::Login {
        turnledger::delivery::auth::NoAuth.login()
    }

    fn credentials(&self, reply: Reply<Credentials>) {
        let account = turnledger::delivery::account::AccountKey::NONE;
        reply.give(Credentials::Headers { account, headers: vec![Header::new(self.0, self.1)] });
    }
}

#[test]
fn a_header_that_would_break_the_request_is_no_credential() {
    for (name, value) in [("", "x"), ("a b", "x"), ("X:", "x"), ("X\r\nY", "x"), ("X", "x\r\nY: z"), ("X", "é")] {
        let (ledger, requests) = ledger(Arc::new(One(name, value)), []);
        ledger.track(hook("one"));
        assert_eq!(ledger.shutdown(Duration::from_millis(200)), stored(0, 1), "{name:?}: {value:?}");
        assert_eq!(requests.try_iter().count(), 0, "{name:?}: {value:?}");
    }
    let (ledger, requests) = ledger(Arc::new(One("OpenAI-Residency", "eu")), [Does::Answers(202)]);
    ledger.track(hook("one"));
    assert_eq!(ledger.flush(LONG), stored(1, 0));
    assert_eq!(headers(&requests.recv().expect("a request"))[2], ("OpenAI-Residency", "eu"));
}
