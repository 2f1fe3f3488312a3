//! An analytics server on loopback: real HTTP, with faults on demand.

use std::collections::{HashMap, VecDeque};
use std::io::{BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

use crate::http::Request;

/// What the server does with a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status; `None` closes the connection without any.
    pub status: Option<u16>,
    /// Headers, as `Name: value`.
    pub headers: Vec<&'static str>,
    /// How long it takes.
    pub delay: Duration,
}

impl Answer {
    /// An answer at once.
    pub fn status(status: u16) -> Self {
        Self { status: Some(status), headers: Vec::new(), delay: Duration::ZERO }
    }

    /// No answer.
    pub fn hang_up() -> Self {
        Self { status: None, headers: Vec::new(), delay: Duration::ZERO }
    }

    /// With a header.
    #[must_use]
    pub fn with(mut self, header: &'static str) -> Self {
        self.headers.push(header);
        self
    }

    /// After a time.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// A request, and what became of it.
#[derive(Clone, Debug)]
pub struct Received {
    /// What came.
    pub request: Request,
    /// The status that it was answered with.
    pub status: Option<u16>,
}

impl std::ops::Deref for Received {
    type Target = Request;

    fn deref(&self) -> &Request {
        &self.request
    }
}

/// What a server does with a request by what is in it, if it has a rule for that.
type Rule = Box<dyn Fn(&Request) -> Option<Answer> + Send>;

#[derive(Default)]
struct State {
    script: VecDeque<Answer>,
    rule: Option<Rule>,
    received: Vec<Received>,
    /// What was taken, by idempotency key: each once.
    taken: HashMap<String, String>,
    /// How many events that is.
    events: usize,
}

/// A server that runs until its process ends.
#[derive(Clone)]
pub struct Collector {
    scheme: &'static str,
    port: u16,
    state: Arc<Mutex<State>>,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Collector").field("port", &self.port).finish_non_exhaustive()
    }
}

impl Default for Collector {
    fn default() -> Self {
        Self::new()
    }
}

#[allow(clippy::missing_panics_doc, reason = "a test cannot go on without its server")]
impl Collector {
    /// A server that takes everything, once its script is over.
    pub fn new() -> Self {
        Self::start("http", None)
    }

    /// The same over TLS, with a certificate for `name`; and the certificate, in PEM form.
    pub fn with_tls(name: &str) -> (Self, Vec<u8>) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("its key");
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("protocols")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a certificate and its key");
        (Self::start("https", Some(Arc::new(config))), made.cert.pem().into_bytes())
    }

    fn start(scheme: &'static str, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let collector = Self { scheme, port, state: Arc::default() };
        let server = collector.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (server, tls) = (server.clone(), tls.clone());
                thread::spawn(move || match tls {
                    None => server.serve(BufReader::new(stream)),
                    Some(config) => {
                        let connection = ServerConnection::new(config).expect("a connection");
                        server.serve(BufReader::new(StreamOwned::new(connection, stream)))
                    }
                });
            }
        });
        collector
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("{}://localhost:{}/api", self.scheme, self.port)
    }

    /// What it does with the next requests.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state().script.extend(answers);
    }

    /// What it does with every request by what is in it, before its script.
    pub fn rule(&self, rule: impl Fn(&Request) -> Option<Answer> + Send + 'static) {
        self.state().rule = Some(Box::new(rule));
    }

    /// The requests so far.
    pub fn received(&self) -> Vec<Received> {
        self.state().received.clone()
    }

    /// The events that it took, those of one idempotency key once.
    pub fn events(&self) -> Vec<Value> {
        let state = self.state();
        let bodies = state.taken.values().map(|body| serde_json::from_str::<Value>(body).expect("JSON"));
        bodies.flat_map(|body| body["events"].as_array().cloned().expect("events")).collect()
    }

    /// How many [`events`](Self::events) there are.
    pub fn count(&self) -> usize {
        self.state().events
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers the requests of a connection until it closes.
    fn serve(&self, mut reader: BufReader<impl Read + Write>) -> Option<()> {
        loop {
            let request = Request::read(&mut reader)?;
            let answer = {
                let mut state = self.state();
                let by_rule = state.rule.as_ref().and_then(|rule| rule(&request));
                by_rule.or_else(|| state.script.pop_front()).unwrap_or_else(|| Answer::status(202))
            };
            thread::sleep(answer.delay);
            {
                let mut state = self.state();
                if answer.status.is_some_and(|status| (200..300).contains(&status)) {
                    let key = request.headers.get("idempotency-key").cloned().expect("a key");
                    let events = serde_json::from_str::<Value>(&request.body).expect("JSON")["events"]
                        .as_array()
                        .map_or(0, Vec::len);
                    if state.taken.insert(key, request.body.clone()).is_none() {
                        state.events += events;
                    }
                }
                state.received.push(Received { request, status: answer.status });
            }
            let status = answer.status?;
            let headers: String = answer.headers.iter().flat_map(|header| [header, "\r\n"]).collect();
            write!(reader.get_mut(), "HTTP/1.1 {status} Status\r\nContent-Length: 0\r\n{headers}\r\n").ok()?;
            reader.get_mut().flush().ok()?;
        }
    }
}
