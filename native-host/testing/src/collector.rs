//! An analytics server on loopback: real HTTP, with faults on demand.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

use crate::http::Request;

/// What a [`Collector`] does with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// None closes the connection without an answer.
    status: Option<u16>,
    headers: Vec<(String, String)>,
    delay: Duration,
}

impl Answer {
    /// A status, without a body. The events of a request are taken if it is 2xx.
    pub fn status(status: u16) -> Self {
        Self { status: Some(status), headers: Vec::new(), delay: Duration::ZERO }
    }

    /// No answer: the connection is closed. The events are not taken.
    pub fn hang_up() -> Self {
        Self { status: None, headers: Vec::new(), delay: Duration::ZERO }
    }

    /// With a header, such as `Retry-After`.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// After a time. Other connections are answered meanwhile.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// A request that a [`Collector`] received, and what became of it. It has the request's members and methods.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// What came.
    pub request: Request,
    /// The status that it was answered with; `None` if the connection was closed instead.
    pub status: Option<u16>,
}

impl std::ops::Deref for Received {
    type Target = Request;

    fn deref(&self) -> &Request {
        &self.request
    }
}

type Rule = Arc<dyn Fn(&Request) -> Option<Answer> + Send + Sync>;

#[derive(Default)]
struct State {
    script: VecDeque<Answer>,
    rule: Option<Rule>,
    received: Vec<Received>,
    /// The idempotency keys of what was taken.
    keys: HashSet<String>,
    events: Vec<Value>,
    /// What a client waits on, so that its connection ends with the server.
    connections: HashMap<u64, TcpStream>,
    opened: u64,
    is_closed: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Something was received.
    received: Condvar,
}

/// An analytics server that keeps what it receives: a real HTTP/1.1 server on a port of its own on `127.0.0.1`.
///
/// It answers each request by its [rule](Self::rule), or else by the next answer of its [script](Self::script). Without
/// either it takes an upload, whatever its path, with 202, and refuses anything else with 400. It handles idempotency
/// keys as a server must: what comes again with the same `Idempotency-Key` is taken once.
///
/// Clones are handles on one server, and can be used on any thread. One thread accepts connections, and each connection
/// has a thread. The server ends when its last handle is dropped: its port is closed, and so are its connections.
#[derive(Clone)]
pub struct Collector {
    server: Arc<Server>,
}

/// Ends the server when the last handle goes.
struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Collector").field("address", &self.server.address).finish_non_exhaustive()
    }
}

impl Default for Collector {
    fn default() -> Self {
        Self::new()
    }
}

impl Collector {
    /// A server that is ready for requests.
    ///
    /// # Panics
    ///
    /// If the system gives no port or no thread: a test cannot go on without its server.
    pub fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback");
        let address = listener.local_addr().expect("the address of a listener");
        let shared = Arc::new(Shared::default());
        let accepting = {
            let shared = shared.clone();
            thread::Builder::new().name("collector".into()).spawn(move || accept(&listener, &shared))
        };
        let accepting = Some(accepting.expect("a thread"));
        Self { server: Arc::new(Server { address, shared, accepting }) }
    }

    /// Its base URL, for `Endpoint::new`.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// What it does with the next requests, one answer each, after those that it was told before.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state().script.extend(answers);
    }

    /// What it does with a request by what is in it; with `None` the script goes on. A rule replaces the one before. If
    /// it panics, the connection is closed without an answer and the request is not kept. A rule that holds a handle keeps
    /// the server running.
    pub fn rule(&self, rule: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static) {
        self.state().rule = Some(Arc::new(rule));
    }

    /// The requests that were answered so far, in the order of their answers.
    pub fn received(&self) -> Vec<Received> {
        self.state().received.clone()
    }

    /// The events that it took so far, in the order in which they came; those of one idempotency key once.
    pub fn events(&self) -> Vec<Value> {
        self.state().events.clone()
    }

    /// How many [`events`](Self::events) there are.
    pub fn count(&self) -> usize {
        self.state().events.len()
    }

    /// Waits until it has taken `count` events, and `timeout` at most. Returns the events so far, whether they are
    /// enough or not.
    pub fn wait_for_events(&self, count: usize, timeout: Duration) -> Vec<Value> {
        let waiting =
            self.server.shared.received.wait_timeout_while(self.state(), timeout, |state| state.events.len() < count);
        waiting.unwrap_or_else(PoisonError::into_inner).0.events.clone()
    }

    /// Answers the requests of a connection that you accepted yourself, until it ends: over TLS, on a Unix socket or in
    /// memory.
    pub fn serve(&self, connection: impl Read + Write) {
        let _ = serve(&self.server.shared, connection);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.server.shared.state()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let connections = {
            let mut state = self.shared.state();
            state.is_closed = true;
            std::mem::take(&mut state.connections)
        };
        for connection in connections.into_values() {
            let _ = connection.shutdown(Shutdown::Both);
        }
        // The thread waits for a connection: this one.
        if TcpStream::connect(self.address).is_ok()
            && let Some(accepting) = self.accepting.take()
        {
            let _ = accepting.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to do with a request.
    fn answer(&self, request: &Request) -> Answer {
        // The rule runs without the lock: it may ask the server.
        let rule = self.state().rule.clone();
        let answer = rule.and_then(|rule| rule(request)).or_else(|| self.state().script.pop_front());
        answer.unwrap_or_else(|| Answer::status(if request.events().is_some() { 202 } else { 400 }))
    }

    /// Keeps a request, and its events if they are taken and new.
    fn keep(&self, request: Request, status: Option<u16>) {
        let events = status.filter(|status| (200..300).contains(status)).and_then(|_| request.events());
        let mut state = self.state();
        if let Some(events) = events {
            let key = request.headers.get("idempotency-key").cloned();
            if key.is_none_or(|key| state.keys.insert(key)) {
                state.events.extend(events);
            }
        }
        state.received.push(Received { request, status });
        self.received.notify_all();
    }
}

/// A connection that ends with the server, or with its thread, whichever comes first.
struct Open {
    shared: Arc<Shared>,
    number: u64,
}

impl Open {
    /// `None` if the server has ended.
    fn new(shared: &Arc<Shared>, connection: TcpStream) -> Option<Self> {
        let mut state = shared.state();
        if state.is_closed {
            return None;
        }
        state.opened += 1;
        let number = state.opened;
        state.connections.insert(number, connection);
        Some(Self { shared: shared.clone(), number })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.state().connections.remove(&self.number);
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for connection in listener.incoming().flatten() {
        // A connection without a thread is closed: its client sees that, as it would of a real server.
        let Ok(again) = connection.try_clone() else { continue };
        let Some(open) = Open::new(shared, again) else { return };
        let work = move || {
            let _ = serve(&open.shared, connection);
        };
        let _ = thread::Builder::new().name("collector-connection".into()).spawn(work);
    }
}

/// Answers the requests of a connection until it ends.
fn serve(shared: &Shared, connection: impl Read + Write) -> io::Result<()> {
    let mut connection = BufReader::new(connection);
    while let Some(request) = Request::read(&mut connection)? {
        let is_last = request.headers.get("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let answer = shared.answer(&request);
        thread::sleep(answer.delay);
        shared.keep(request, answer.status);
        let Some(status) = answer.status else { break };
        let mut head = format!("HTTP/1.1 {status} Status\r\nContent-Length: 0\r\n");
        for text in answer.headers.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]) {
            head.push_str(text);
        }
        head.push_str("\r\n");
        let connection = connection.get_mut();
        connection.write_all(head.as_bytes())?;
        connection.flush()?;
        if is_last {
            break;
        }
    }
    Ok(())
}
