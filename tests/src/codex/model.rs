//! A scripted model on loopback, which also takes what Codex itself uploads.

use std::collections::VecDeque;
use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::Version;
use turnledger_testing::Request;

/// What the model does with the next request.
#[derive(Clone, Debug)]
pub enum Step {
    /// It streams these, one after another.
    Stream(Vec<Piece>),
    /// It fails with a status and a body.
    Fail(u16, Value),
}

/// A piece of a stream.
#[derive(Clone, Debug)]
pub enum Piece {
    /// An event.
    Event(Value),
    /// Nothing, for a time.
    Pause(Duration),
}

#[derive(Debug, Default)]
struct State {
    script: Mutex<VecDeque<Step>>,
    uploaded: Mutex<Vec<Value>>,
}

/// A server that runs until its process ends.
#[derive(Clone, Debug)]
pub struct Model {
    port: u16,
    state: Arc<State>,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

fn fresh(what: &str) -> String {
    format!("{what}-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// A whole answer: it begins, has items, and ends with a use of tokens.
pub fn turn(items: impl IntoIterator<Item = Value>) -> Step {
    Step::Stream(paused(Duration::ZERO, items))
}

/// The pieces of an answer whose first item comes after a time.
fn paused(pause: Duration, items: impl IntoIterator<Item = Value>) -> Vec<Piece> {
    let id = fresh("resp");
    let usage = json!({
        "input_tokens": 1200, "input_tokens_details": { "cached_tokens": 400 },
        "output_tokens": 80, "output_tokens_details": { "reasoning_tokens": 20 }, "total_tokens": 1280,
    });
    let begin = json!({ "type": "response.created", "response": { "id": id } });
    let end = json!({ "type": "response.completed", "response": { "id": id, "usage": usage } });
    let items =
        items.into_iter().map(|item| Piece::Event(json!({ "type": "response.output_item.done", "item": item })));
    [Piece::Event(begin), Piece::Pause(pause)].into_iter().chain(items).chain([Piece::Event(end)]).collect()
}

impl Step {
    /// An answer whose first item comes after a time.
    pub fn after(pause: Duration, items: impl IntoIterator<Item = Value>) -> Self {
        Self::Stream(paused(pause, items))
    }
}

/// The model says something.
pub fn message(text: &str) -> Value {
    let content = json!([{ "type": "output_text", "text": text }]);
    json!({ "type": "message", "role": "assistant", "id": fresh("msg"), "content": content })
}

/// The model calls a function.
pub fn call(name: &str, arguments: &Value) -> Value {
    json!({ "type": "function_call", "call_id": fresh("call"), "name": name, "arguments": arguments.to_string() })
}

/// The model runs a command.
pub fn shell(version: Version, command: &str) -> Value {
    match version {
        Version::Contract => call("shell_command", &json!({ "command": command })),
        Version::Newest => call("exec_command", &json!({ "cmd": command, "yield_time_ms": 5000 })),
    }
}

/// The model changes files.
pub fn patch(text: &str) -> Value {
    json!({ "type": "custom_tool_call", "name": "apply_patch", "input": text, "call_id": fresh("call") })
}

impl Model {
    /// A model that does what the script says.
    ///
    /// # Panics
    ///
    /// If there is no port: a test cannot go on without its server.
    pub fn new(script: impl IntoIterator<Item = Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let state = Arc::new(State { script: Mutex::new(script.into_iter().collect()), uploaded: Mutex::default() });
        let server = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = server.clone();
                thread::spawn(move || {
                    let mut reader = BufReader::new(&stream);
                    while let Ok(Some(request)) = Request::read(&mut reader) {
                        if state.answer(&request, &stream).is_none() {
                            break;
                        }
                    }
                });
            }
        });
        Self { port, state }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The events that Codex uploaded so far.
    pub fn uploaded(&self) -> Vec<Value> {
        self.state.uploaded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl State {
    /// Answers a request; `None` if that ends the connection.
    fn answer(&self, request: &Request, mut stream: &TcpStream) -> Option<()> {
        let path = request.path.as_str();
        if path.ends_with("/analytics-events/events") {
            let events = events(request)?;
            self.uploaded.lock().unwrap_or_else(PoisonError::into_inner).extend(events);
            return reply(stream, 200, &json!({}));
        }
        if path.ends_with("/responses/compact") {
            let kept =
                json!({ "type": "message", "role": "user", "content": [{ "type": "input_text", "text": "kept" }] });
            let summary = json!({ "type": "compaction", "encrypted_content": "c3VtbWFyeQ==" });
            return reply(stream, 200, &json!({ "output": [kept, summary] }));
        }
        if !path.ends_with("/responses") {
            return reply(stream, 404, &json!({}));
        }
        let step = self.script.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        match step.unwrap_or_else(|| turn([message("the script is over")])) {
            Step::Fail(status, body) => reply(stream, status, &body),
            Step::Stream(pieces) => {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
                    .ok()?;
                for piece in pieces {
                    match piece {
                        Piece::Pause(pause) => thread::sleep(pause),
                        Piece::Event(event) => {
                            let name = event["type"].as_str().unwrap_or_default();
                            write!(stream, "event: {name}\ndata: {event}\n\n").and_then(|()| stream.flush()).ok()?;
                        }
                    }
                }
                stream.shutdown(std::net::Shutdown::Both).ok()?;
                None
            }
        }
    }
}

/// The events of an upload, which Codex may pack in its own way.
fn events(request: &Request) -> Option<Vec<Value>> {
    if request.headers.get("content-encoding").is_none_or(|encoding| encoding != "zstd") {
        return request.events();
    }
    let mut request = request.clone();
    request.body = zstd::decode_all(&request.body[..]).ok()?;
    request.events()
}

fn reply(mut stream: &TcpStream, status: u16, body: &Value) -> Option<()> {
    let body = body.to_string();
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).and_then(|()| stream.flush()).ok()
}
