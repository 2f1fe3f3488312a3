//! What the handles of a scripted session share: its clock, its ids, what has passed, and what is open.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use turnledger_core::protocol::item::Item;
use turnledger_core::protocol::notification::{ItemCompleted, ItemContext, ItemStarted, Notification};
use turnledger_core::{ConnectionId, Direction, Fact, UnixMillis};

/// What passed at one moment of a session: as messages, and as the facts that a server knows of the same. Hand over the
/// ones or the others, never both.
///
/// A step may have messages without facts. An app-server says with one fact at a turn's end what several messages in the
/// turn have said.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// When, by the session's clock.
    pub at: UnixMillis,
    /// The messages in their order, for `Ledger::observe` or `Pipeline::observe`.
    pub messages: Vec<Message>,
    /// The facts in their order, for `Ledger::track` or `Pipeline::ingest`.
    pub facts: Vec<Fact>,
}

/// A JSON-RPC message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The session's one connection, with the number that the facts have, too.
    pub connection: ConnectionId,
    /// Who sent it.
    pub direction: Direction,
    /// Its text: JSON on one line, without the line's end.
    pub text: String,
}

/// The number of the one connection.
pub(crate) const CONNECTION: ConnectionId = ConnectionId(1);

/// The folder in which all threads work.
pub(crate) const CWD: &str = "/workspace/demo";

/// The model of all threads, and its provider.
pub(crate) const MODEL: &str = "gpt-5.3-codex";
pub(crate) const PROVIDER: &str = "openai";

/// So much later is each step than the one before.
const STEP_MS: u64 = 10;

/// The tokens of one request to the model: input, of these cached, output, of these reasoning, and all.
const REQUEST_TOKENS: [i64; 5] = [1200, 400, 80, 20, 1280];

/// A session, shared by its handles.
#[derive(Clone, Debug)]
pub(crate) struct Session(Arc<Mutex<State>>);

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) version: String,
    pub(crate) now: UnixMillis,
    messages: Vec<Message>,
    facts: Vec<Fact>,
    steps: Vec<Step>,
    client_requests: i64,
    server_requests: i64,
    turns: u64,
    items: u64,
    threads: Vec<ThreadState>,
}

#[derive(Debug, Default)]
pub(crate) struct ThreadState {
    /// The tokens of all requests so far, by kind.
    total: [i64; 5],
    /// The tokens in the model's context.
    pub(crate) context: i64,
    pub(crate) had_turn: bool,
    pub(crate) running: Option<TurnState>,
}

#[derive(Debug)]
pub(crate) struct TurnState {
    pub(crate) place: Place,
    pub(crate) started_at: UnixMillis,
    /// How often the model was asked.
    requests: i64,
    /// The server's requests that wait for an answer.
    pub(crate) approvals: Vec<i64>,
    /// What became of files in this turn.
    pub(crate) files: Vec<File>,
}

/// A file before a turn, and now. An empty text is no file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) before: String,
    pub(crate) after: String,
}

/// A turn, and the number of its thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) thread: usize,
    pub(crate) thread_id: String,
    pub(crate) turn_id: String,
}

impl Session {
    pub(crate) fn new(version: &str, now: UnixMillis) -> Self {
        Self(Arc::new(Mutex::new(State {
            version: version.into(),
            now,
            messages: Vec::new(),
            facts: Vec::new(),
            steps: Vec::new(),
            client_requests: 0,
            server_requests: 0,
            turns: 0,
            items: 0,
            threads: Vec::new(),
        })))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // A step that was refused has changed nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A client asks; the request's id.
    pub(crate) fn request(&mut self, method: &str, params: &Value) -> i64 {
        self.client_requests += 1;
        let id = self.client_requests;
        self.message(Direction::ClientToServer, &json!({ "id": id, "method": method, "params": params }));
        id
    }

    /// The server answers a client's request.
    pub(crate) fn respond(&mut self, id: i64, result: &Value) {
        self.message(Direction::ServerToClient, &json!({ "id": id, "result": result }));
    }

    /// The server says something.
    pub(crate) fn notify(&mut self, method: &str, params: &Value) {
        self.message(Direction::ServerToClient, &json!({ "method": method, "params": params }));
    }

    /// The server asks; the request's id, which is one of its own.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> i64 {
        let id = self.server_requests;
        self.server_requests += 1;
        self.message(Direction::ServerToClient, &json!({ "id": id, "method": method, "params": params }));
        id
    }

    /// The client answers a request of the server.
    pub(crate) fn answer(&mut self, id: i64, result: &Value) {
        self.message(Direction::ClientToServer, &json!({ "id": id, "result": result }));
    }

    /// Any message.
    pub(crate) fn message(&mut self, direction: Direction, message: &Value) {
        self.messages.push(Message { connection: CONNECTION, direction, text: message.to_string() });
    }

    pub(crate) fn fact(&mut self, fact: impl Into<Fact>) {
        self.facts.push(fact.into());
    }

    /// Time passes with each step.
    pub(crate) fn end_step(&mut self) {
        let (messages, facts) = (std::mem::take(&mut self.messages), std::mem::take(&mut self.facts));
        self.steps.push(Step { at: self.now, messages, facts });
        self.now.0 += STEP_MS;
    }

    pub(crate) fn take_steps(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.steps)
    }

    /// The time in Unix milliseconds, as messages have it.
    pub(crate) fn millis(&self) -> i64 {
        signed(self.now.0)
    }

    /// The time in Unix seconds, as messages have it.
    pub(crate) fn seconds(&self) -> i64 {
        signed(self.now.as_secs())
    }

    /// The number of a new thread, and its id.
    pub(crate) fn new_thread(&mut self) -> (usize, String) {
        self.threads.push(ThreadState::default());
        (self.threads.len() - 1, format!("thread-{}", self.threads.len()))
    }

    pub(crate) fn thread(&mut self, thread: usize) -> &mut ThreadState {
        &mut self.threads[thread]
    }

    /// A new turn of a thread that has none.
    pub(crate) fn new_turn(&mut self, thread: usize, thread_id: &str) -> Place {
        if let Some(running) = &self.thread(thread).running {
            panic!("{} of {thread_id} runs already", running.place.turn_id);
        }
        self.turns += 1;
        let place = Place { thread, thread_id: thread_id.into(), turn_id: format!("turn-{}", self.turns) };
        let started_at = self.now;
        let turn =
            TurnState { place: place.clone(), started_at, requests: 0, approvals: Vec::new(), files: Vec::new() };
        self.thread(thread).running = Some(turn);
        place
    }

    /// A turn that must still run.
    pub(crate) fn turn(&mut self, place: &Place) -> &mut TurnState {
        let running = self.thread(place.thread).running.as_mut().filter(|turn| turn.place == *place);
        running.unwrap_or_else(|| panic!("{} is over", place.turn_id))
    }

    /// A turn that runs no longer.
    pub(crate) fn end_turn(&mut self, place: &Place) -> TurnState {
        self.turn(place);
        self.thread(place.thread).running.take().unwrap_or_else(|| unreachable!("it runs"))
    }

    pub(crate) fn new_item_id(&mut self) -> String {
        self.items += 1;
        format!("item-{}", self.items)
    }

    /// An item begins: as its message has it, and as its fact has it.
    pub(crate) fn item_started(&mut self, place: &Place, wire: &Value, item: Item) {
        let at = self.millis();
        let Place { thread_id, turn_id, .. } = place;
        let params = json!({ "threadId": thread_id, "turnId": turn_id, "startedAtMs": at, "item": wire });
        self.notify("item/started", &params);
        let mut started = ItemStarted::new(thread_id.as_str(), turn_id.as_str(), at, item);
        let context = ItemContext { model_slug: Some(MODEL.into()), ..ItemContext::default() };
        started.context = Some(Box::new(context));
        self.fact(Notification::ItemStarted(Box::new(started)));
    }

    /// An item ends.
    pub(crate) fn item_completed(&mut self, place: &Place, wire: &Value, item: Item) {
        let at = self.millis();
        let Place { thread_id, turn_id, .. } = place;
        let params = json!({ "threadId": thread_id, "turnId": turn_id, "completedAtMs": at, "item": wire });
        self.notify("item/completed", &params);
        let completed = ItemCompleted::new(thread_id.as_str(), turn_id.as_str(), at, item);
        self.fact(Notification::ItemCompleted(Box::new(completed)));
    }

    /// An item of which neither the id nor the time counts: it begins and ends at once.
    pub(crate) fn whole_item(&mut self, place: &Place, wire: &Value, item: &Item) {
        self.item_started(place, wire, item.clone());
        self.item_completed(place, wire, item.clone());
    }

    /// A request to the model is over.
    pub(crate) fn model_answered(&mut self, place: &Place) {
        self.turn(place).requests += 1;
        let thread = self.thread(place.thread);
        for (total, more) in thread.total.iter_mut().zip(REQUEST_TOKENS) {
            *total += more;
        }
        thread.context = REQUEST_TOKENS[4];
        self.tokens_updated(place, REQUEST_TOKENS);
    }

    /// The server says what the thread has used, and what the latest request has.
    pub(crate) fn tokens_updated(&mut self, place: &Place, last: [i64; 5]) {
        let usage = |[input, cached, output, reasoning, all]: [i64; 5]| {
            json!({
                "inputTokens": input,
                "cachedInputTokens": cached,
                "outputTokens": output,
                "reasoningOutputTokens": reasoning,
                "totalTokens": all,
            })
        };
        let total = self.thread(place.thread).total;
        let usage = json!({ "total": usage(total), "last": usage(last), "modelContextWindow": 258_400 });
        let Place { thread_id, turn_id, .. } = place;
        let params = json!({ "threadId": thread_id, "turnId": turn_id, "tokenUsage": usage });
        self.notify("thread/tokenUsage/updated", &params);
    }
}

impl TurnState {
    /// The tokens of the turn's requests, by kind.
    pub(crate) fn tokens(&self) -> [i64; 5] {
        REQUEST_TOKENS.map(|tokens| tokens * self.requests)
    }
}

/// A time as messages have it.
pub(crate) fn signed(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}
