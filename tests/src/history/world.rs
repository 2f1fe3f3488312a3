//! The state of the app-server and its clients, and how messages get from one to the other.

#![allow(clippy::needless_pass_by_value, reason = "`json!` values read best where they are used")]

use serde_json::{Value, json};
use turnledger_core::{Direction, UnixMillis};

use super::{Choices, MARKER, Options};
use crate::golden::Message;

/// 2026-02-13, in milliseconds.
const START: u64 = 1_771_000_000_000;

/// One client.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) connection: u64,
    next_id: u64,
    /// What the server sent and the client has not been given yet.
    late: Vec<String>,
}

/// One thread.
#[derive(Debug)]
pub(super) struct Thread {
    pub(super) id: String,
    /// The clients that are shown it.
    pub(super) clients: Vec<usize>,
    pub(super) turn: Option<Turn>,
    /// The request for the latest turn, while it is not answered.
    pub(super) unanswered: Option<Unanswered>,
    /// The turn before, whose items may still be running.
    pub(super) ended: Option<Turn>,
    pub(super) has_user_message: bool,
    /// Input, cached, output, reasoning and all tokens so far, and what was written to the cache.
    pub(super) total: [i64; 6],
    pub(super) last: [i64; 6],
    pub(super) has_usage: bool,
    pub(super) is_subagent: bool,
    pub(super) goal: Option<Goal>,
}

/// A thread's goal.
#[derive(Debug)]
pub(super) struct Goal {
    pub(super) created_at: u64,
    pub(super) updated_at: u64,
    pub(super) status: &'static str,
    pub(super) budget: Value,
    pub(super) used: i64,
    pub(super) seconds: i64,
}

/// A `turn/start` that waits for its response.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) client: usize,
    pub(super) request: Value,
    pub(super) turn: String,
}

/// A running turn.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) id: String,
    pub(super) items: Vec<Value>,
    /// Ids of items that are or were, for reviews to name.
    pub(super) known: Vec<String>,
    pub(super) started_at: u64,
    pub(super) is_steerable: bool,
    /// Whether the thread had no message before it.
    pub(super) is_first: bool,
}

/// A server request that waits for an answer.
#[derive(Debug)]
pub(super) struct Approval {
    pub(super) id: u64,
    pub(super) thread: usize,
    pub(super) method: &'static str,
    pub(super) params: Value,
}

impl Approval {
    fn text(&self) -> String {
        request_text(&json!(self.id), self.method, &self.params)
    }
}

fn request_text(id: &Value, method: &str, params: &Value) -> String {
    format!(r#"{{"id":{id},"method":"{method}","params":{params}}}"#)
}

fn response_text(id: &Value, result: &Result<Value, Value>) -> String {
    match result {
        Ok(result) => format!(r#"{{"id":{id},"result":{result}}}"#),
        Err(error) => format!(r#"{{"id":{id},"error":{error}}}"#),
    }
}

/// Everything.
#[derive(Debug)]
pub(super) struct World {
    pub(super) options: Options,
    pub(super) now: u64,
    pub(super) clients: Vec<Client>,
    pub(super) threads: Vec<Thread>,
    pub(super) approvals: Vec<Approval>,
    /// How the user is signed in, if at all, once that was seen.
    pub(super) account: Option<Option<&'static str>>,
    /// Server requests that were answered or cleared, for late answers.
    pub(super) settled: Vec<(u64, usize)>,
    next_request: u64,
    next_name: u64,
    messages: Vec<Message>,
}

impl World {
    pub(super) fn new(options: Options) -> Self {
        Self {
            options,
            now: START,
            clients: Vec::new(),
            threads: Vec::new(),
            approvals: Vec::new(),
            account: None,
            settled: Vec::new(),
            next_request: options.number * 1000,
            next_name: 0,
            messages: Vec::new(),
        }
    }

    /// Does what a word says.
    pub(super) fn step(&mut self, word: u64) {
        let mut choices = Choices(word);
        let choices = &mut choices;
        // Newer servers do the same, and more.
        match choices.below(if self.is_newer() { 41 } else { 34 }) {
            0..=2 => self.start_turn(choices),
            3..=7 => self.start_item(choices),
            8..=12 => self.complete_item(choices),
            13..=15 => self.ask(choices),
            16..=18 => self.answer(choices),
            19 => self.guardian_review(choices),
            20 => self.use_tokens(choices),
            21 => self.show_diff(choices),
            22..=23 => self.complete_turn(choices),
            24 => self.steer(choices),
            25 => self.open_thread(choices),
            26 => self.connect(choices),
            27 => self.spawn(choices),
            28 => self.start_other_turn(choices),
            29 => self.compact(choices),
            30 => self.hook(choices),
            31..=32 => self.manage(choices),
            34.. => self.do_something_newer(choices),
            _ if self.options.logins && choices.once_in(2) => self.account(choices),
            _ => self.pass_time(choices),
        }
        if choices.once_in(3) {
            self.catch_up();
        }
    }

    /// What the session was, with everything delivered.
    pub(super) fn finish(mut self) -> Vec<Message> {
        self.catch_up();
        self.messages
    }

    fn pass_time(&mut self, choices: &mut Choices) {
        self.now += [10, 1000, 60_000, 3_600_000][choices.below(4)];
        let client = self.client(choices);
        let delta = json!({ "method": "item/agentMessage/delta", "params": { "threadId": MARKER, "delta": MARKER } });
        self.deliver(client, delta.to_string());
    }

    /// A name that nothing else in any history has.
    pub(super) fn name(&mut self, kind: &str) -> String {
        self.next_name += 1;
        format!("{kind}-{}-{}", self.options.number, self.next_name)
    }

    /// Some client; the first one connects if there is none.
    pub(super) fn client(&mut self, choices: &mut Choices) -> usize {
        if self.clients.is_empty() {
            self.connect(choices);
        }
        choices.below(self.clients.len())
    }

    pub(super) fn connect(&mut self, choices: &mut Choices) {
        if self.clients.len() >= self.options.clients {
            return;
        }
        let number = self.clients.len();
        self.clients.push(Client {
            connection: self.options.number * 10 + number as u64,
            next_id: 0,
            late: Vec::new(),
        });
        let capabilities = [
            Value::Null,
            json!({ "experimentalApi": true }),
            json!({ "experimentalApi": false, "optOutNotificationMethods": null }),
        ];
        let mut params =
            json!({ "clientInfo": { "name": format!("client-{number}"), "title": null, "version": "1.2" } });
        match choices.below(4) {
            3 => {}
            choice => params["capabilities"] = capabilities[choice].clone(),
        }
        let result = json!({ "userAgent": format!("editor/{} (Debian 12.0.0; x86_64) xterm (editor; 1)", self.version()),
            "codexHome": format!("/home/{MARKER}"), "platformFamily": "unix", "platformOs": "linux" });
        self.call(number, "initialize", params, Ok(result));
    }

    pub(super) fn version(&self) -> String {
        format!("0.{}.0", self.options.server)
    }

    /// Whether the server is newer than the one that the contract describes.
    pub(super) fn is_newer(&self) -> bool {
        self.options.server > 131
    }

    /// Lets time pass between two messages.
    fn tick(&mut self) {
        self.now += 1 + self.now % 7;
    }

    fn put(&mut self, client: usize, direction: Direction, text: String) {
        self.tick();
        let connection_id = self.clients[client].connection.into();
        self.messages.push(Message { at: UnixMillis(self.now), connection_id, direction, text });
    }

    /// Hands a message over, behind those that the client still waits for.
    pub(super) fn deliver(&mut self, client: usize, text: String) {
        if self.clients[client].late.is_empty() {
            self.put(client, Direction::ServerToClient, text);
        } else {
            self.clients[client].late.push(text);
        }
    }

    /// Gives a client everything that it waits for.
    pub(super) fn catch_up_with(&mut self, client: usize) {
        for text in std::mem::take(&mut self.clients[client].late) {
            self.put(client, Direction::ServerToClient, text);
        }
    }

    pub(super) fn catch_up(&mut self) {
        for thread in 0..self.threads.len() {
            self.answer_turn_start(thread);
        }
        for client in 0..self.clients.len() {
            self.catch_up_with(client);
        }
    }

    /// A client's request; what it is shown before it asks is what it has been given.
    pub(super) fn request(&mut self, client: usize, method: &str, params: Value) -> Value {
        self.catch_up_with(client);
        let id = self.clients[client].next_id;
        self.clients[client].next_id += 1;
        // Some clients number their requests with texts.
        let id = if client == 1 { json!(id.to_string()) } else { json!(id) };
        self.put(client, Direction::ClientToServer, request_text(&id, method, &params));
        id
    }

    pub(super) fn respond(&mut self, client: usize, id: &Value, result: Result<Value, Value>) {
        self.deliver(client, response_text(id, &result));
    }

    pub(super) fn call(&mut self, client: usize, method: &str, params: Value, result: Result<Value, Value>) {
        let id = self.request(client, method, params);
        self.respond(client, &id, result);
    }

    /// A notification to every client of the thread. All but the first may get it later.
    pub(super) fn notify(&mut self, thread: usize, method: &str, params: Value) {
        // A clock that is wrong by more than five minutes tells nothing.
        let emitted = match (self.is_newer(), self.now % 11) {
            (false, _) | (_, 0..=4) => None,
            (_, 5) => Some(self.now + 3_600_000),
            (_, 6) => Some(self.now - 250),
            _ => Some(self.now + self.now % 3),
        };
        let emitted = emitted.map_or(String::new(), |at| format!(r#","emittedAtMs":{at}"#));
        let text = format!(r#"{{"method":"{method}","params":{params}{emitted}}}"#);
        self.show(thread, &text);
    }

    pub(super) fn show(&mut self, thread: usize, text: &str) {
        for (index, client) in self.threads[thread].clients.clone().into_iter().enumerate() {
            if self.options.lag && index > 0 {
                self.clients[client].late.push(text.to_owned());
            } else {
                self.deliver(client, text.to_owned());
            }
        }
    }

    /// A new server request.
    pub(super) fn ask_clients(&mut self, thread: usize, method: &'static str, params: Value) {
        let id = self.next_request;
        self.next_request += 1;
        let approval = Approval { id, thread, method, params };
        self.show(thread, &approval.text());
        self.approvals.push(approval);
    }

    /// A server request that goes to the thread's first client alone, which answers it at once.
    pub(super) fn ask_once(&mut self, thread: usize, method: &str, params: &Value) -> u64 {
        let id = self.next_request;
        self.next_request += 1;
        let client = self.threads[thread].clients[0];
        self.deliver(client, request_text(&json!(id), method, params));
        id
    }

    /// Sends a server request again, to a client that came late.
    pub(super) fn replay(&mut self, approval: usize, client: usize) {
        self.deliver(client, self.approvals[approval].text());
    }

    /// A client's answer to a server request, which it has been given.
    pub(super) fn answer_with(&mut self, client: usize, id: u64, answer: Result<Value, Value>) {
        self.catch_up_with(client);
        self.put(client, Direction::ClientToServer, response_text(&json!(id), &answer));
    }
}
