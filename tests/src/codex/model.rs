//! A scripted model on loopback, which also takes what Codex itself uploads.

use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::script::{Piece, Script, Step, message, resolve, turn};
use turnledger_testing::Request;

/// An image of one pixel.
pub const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

#[derive(Debug, Default)]
struct State {
    script: Mutex<Script>,
    uploads: Mutex<Vec<Upload>>,
}

/// What Codex uploaded at once.
#[derive(Clone, Debug)]
pub struct Upload {
    /// When it came.
    pub at: SystemTime,
    /// What it was.
    pub body: Value,
}

/// A server that runs until its process ends.
#[derive(Clone, Debug)]
pub struct Model {
    port: u16,
    state: Arc<State>,
}

impl Model {
    /// A model that does what the script says.
    ///
    /// # Panics
    ///
    /// If there is no port: a test cannot go on without its server.
    pub fn new(script: impl Into<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let state = Arc::new(State { script: Mutex::new(script.into()), uploads: Mutex::default() });
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
        let events = |upload: Upload| upload.body["events"].as_array().cloned().unwrap_or_default();
        self.uploads().into_iter().flat_map(events).collect()
    }

    /// What Codex uploaded so far.
    pub fn uploads(&self) -> Vec<Upload> {
        self.state.uploads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl State {
    /// Answers a request; `None` if that ends the connection.
    fn answer(&self, request: &Request, mut stream: &TcpStream) -> Option<()> {
        let path = request.path.as_str();
        if path.ends_with("/analytics-events/events") {
            let upload = Upload { at: SystemTime::now(), body: body(request)? };
            self.uploads.lock().unwrap_or_else(PoisonError::into_inner).push(upload);
            return reply(stream, 200, &json!({}));
        }
        if path.ends_with("/images/generations") || path.ends_with("/images/edits") {
            return reply(stream, 200, &json!({ "created": 1, "data": [{ "b64_json": PIXEL }] }));
        }
        if path.ends_with("/responses/compact") {
            if self.script().refuses_compaction {
                return reply(stream, 500, &json!({ "error": { "message": "no" } }));
            }
            let kept =
                json!({ "type": "message", "role": "user", "content": [{ "type": "input_text", "text": "kept" }] });
            let summary = json!({ "type": "compaction", "encrypted_content": "c3VtbWFyeQ==" });
            return reply(stream, 200, &json!({ "output": [kept, summary] }));
        }
        if !path.ends_with("/responses") {
            return reply(stream, 404, &json!({}));
        }
        let body = body(request).unwrap_or_default();
        let asks_by_escalation = self.script().asks_by_escalation;
        match self.next(&body) {
            Step::Fail(status, body) => reply(stream, status, &body),
            Step::Stream(pieces) => {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
                    .ok()?;
                for piece in pieces {
                    match piece {
                        Piece::Pause(pause) => thread::sleep(pause),
                        Piece::Event(event) => {
                            let event = resolve(&event, &body, asks_by_escalation);
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

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the script says to a request.
    fn next(&self, request: &Value) -> Step {
        let mut script = self.script();
        let Script { replies, children, .. } = &mut *script;
        let (replies, end) = match children {
            Some(children) if is_of_child(&request["client_metadata"]) => (children, "the child's script is over"),
            _ => (replies, "the script is over"),
        };
        replies.pop_front().unwrap_or_else(|| turn([message(end)]))
    }
}

/// Whether a request is of an agent that another made.
fn is_of_child(metadata: &Value) -> bool {
    let turn = metadata["x-codex-turn-metadata"].as_str().unwrap_or_default();
    let turn: Value = serde_json::from_str(turn).unwrap_or_default();
    turn["agent_name"].as_str().is_some_and(|name| name != "/root")
        || turn["parent_thread_id"].is_string()
        || metadata["x-openai-subagent"].is_string()
}

/// The body of a request, which Codex may pack in its own way.
fn body(request: &Request) -> Option<Value> {
    if request.headers.get("content-encoding").is_some_and(|encoding| encoding == "zstd") {
        return serde_json::from_slice(&zstd::decode_all(&request.body[..]).ok()?).ok();
    }
    serde_json::from_slice(&request.body).ok()
}

fn reply(mut stream: &TcpStream, status: u16, body: &Value) -> Option<()> {
    let body = body.to_string();
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).and_then(|()| stream.flush()).ok()
}
