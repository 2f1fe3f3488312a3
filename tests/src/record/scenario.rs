//! What a scenario is: settings, what the client does, and what the model replies.

use serde_json::{Value, json};

use crate::codex::Step;
use crate::codex::script::Script;

/// A session to record.
///
/// A text may have stand-ins, which are replaced: `$workspace`, `$home` (that of Codex), `$root` (the user's home),
/// `$model` and `$other_model` (that the version knows), `$asks` (the policy that asks most); in what the client sends
/// also what a step [keeps](Do::Ask); and in an answer `$asked`, the parameters of the request. A path to a part may
/// follow: `$asked/permissions`.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name, and that of its folder.
    pub name: &'static str,
    /// Settings of Codex beside the usual ones, by their TOML keys.
    pub settings: Vec<(&'static str, Value)>,
    /// Files that are there before, by their paths.
    pub files: Vec<(&'static str, Vec<u8>)>,
    /// The client's name and title.
    pub client: (&'static str, &'static str),
    /// What the model replies.
    pub script: Script,
    /// What the server's requests are answered with, by method and in their order: whole messages but for the id. Any
    /// other request stays without an answer.
    pub answers: Vec<(&'static str, Vec<Value>)>,
    /// What the client does.
    pub steps: Vec<Do>,
}

/// A step of the client.
#[derive(Clone, Debug)]
pub enum Do {
    /// Asks the server and waits for the answer.
    Ask {
        /// The method.
        method: &'static str,
        /// Its parameters.
        params: Value,
        /// Under which name a part of the result is kept, and which.
        keep: Option<(&'static str, Pick)>,
    },
    /// Waits for a notification or a request of the server that says so.
    Until {
        /// The method.
        method: &'static str,
        /// A path into the parameters, and what is there. If that is null, there is nothing to wait for.
        says: Option<(&'static str, Value)>,
        /// How long at most, in seconds. A scenario goes on without it.
        seconds: u64,
    },
    /// Waits some milliseconds.
    Pause(u64),
}

/// Finds what to keep in a result.
pub(crate) type Pick = fn(&Value) -> Value;

/// How long a turn may take, in seconds.
const TURN: u64 = 30;

impl Scenario {
    /// A scenario with the usual settings.
    pub fn new(name: &'static str, script: impl Into<Script>, steps: impl IntoIterator<Item = Vec<Do>>) -> Self {
        Self {
            name,
            settings: Vec::new(),
            files: Vec::new(),
            client: ("turnledger_recorder", "Recorder"),
            script: script.into(),
            answers: Vec::new(),
            steps: steps.into_iter().flatten().collect(),
        }
    }

    /// With a setting.
    #[must_use]
    pub fn set(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.settings.push((key, value.into()));
        self
    }

    /// With a file.
    #[must_use]
    pub fn file(mut self, path: &'static str, text: impl Into<Vec<u8>>) -> Self {
        self.files.push((path, text.into()));
        self
    }

    /// With answers to a request of the server.
    #[must_use]
    pub fn answer(mut self, method: &'static str, answers: impl IntoIterator<Item = Value>) -> Self {
        self.answers.push((method, answers.into_iter().collect()));
        self
    }

    /// With replies to the requests of other agents.
    #[must_use]
    pub fn children(mut self, replies: impl IntoIterator<Item = Step>) -> Self {
        self.script.children = Some(replies.into_iter().collect());
        self
    }
}

/// Asks.
pub(crate) fn ask(method: &'static str, params: Value) -> Vec<Do> {
    vec![Do::Ask { method, params, keep: None }]
}

/// Asks, and keeps a part of the result.
pub(crate) fn keep(name: &'static str, pick: Pick, method: &'static str, params: Value) -> Vec<Do> {
    vec![Do::Ask { method, params, keep: Some((name, pick)) }]
}

/// Waits.
pub(crate) fn pause(milliseconds: u64) -> Vec<Do> {
    vec![Do::Pause(milliseconds)]
}

/// Waits for a message of the server.
pub(crate) fn until(method: &'static str, seconds: u64) -> Vec<Do> {
    vec![Do::Until { method, says: None, seconds }]
}

/// Waits for a message of the server that says something.
pub(crate) fn until_it_says(method: &'static str, path: &'static str, value: impl Into<Value>) -> Vec<Do> {
    vec![Do::Until { method, says: Some((path, value.into())), seconds: TURN }]
}

/// Waits for the end of `$turn`.
pub(crate) fn ended() -> Vec<Do> {
    until_it_says("turn/completed", "/turn/id", "$turn")
}

/// The same object with more members, which replace those of their names.
fn with(mut object: Value, more: Value) -> Value {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}

/// The id of the thread in a result.
pub(crate) fn thread_of(result: &Value) -> Value {
    result["thread"]["id"].clone()
}

/// Starts the thread `$thread`.
pub(crate) fn thread() -> Vec<Do> {
    thread_with(json!({}))
}

/// Starts the thread `$thread`, with parameters.
pub(crate) fn thread_with(params: Value) -> Vec<Do> {
    thread_as("thread", params)
}

/// Starts a thread that is kept under a name, with parameters.
pub(crate) fn thread_as(name: &'static str, params: Value) -> Vec<Do> {
    keep(name, thread_of, "thread/start", with(json!({ "cwd": "$workspace" }), params))
}

/// Forks `$thread`, and keeps the fork.
pub(crate) fn fork(name: &'static str) -> Vec<Do> {
    keep(name, thread_of, "thread/fork", json!({ "threadId": "$thread" }))
}

/// Starts the turn `$turn` of `$thread`.
pub(crate) fn begin(text: &str) -> Vec<Do> {
    begin_with(json!({ "input": [{ "type": "text", "text": text }] }))
}

fn begin_with(params: Value) -> Vec<Do> {
    keep("turn", |result| result["turn"]["id"].clone(), "turn/start", with(json!({ "threadId": "$thread" }), params))
}

/// A whole turn of `$thread`.
pub(crate) fn say(text: &str) -> Vec<Do> {
    say_with(text, json!({}))
}

/// A whole turn, with parameters.
pub(crate) fn say_with(text: &str, params: Value) -> Vec<Do> {
    let input = json!({ "input": [{ "type": "text", "text": text }] });
    [begin_with(with(input, params)), ended()].concat()
}

/// Steers `$thread`.
pub(crate) fn steer(turn: &str, input: &Value) -> Vec<Do> {
    ask("turn/steer", json!({ "threadId": "$thread", "expectedTurnId": turn, "input": input }))
}

/// Interrupts `$turn`, and waits for its end.
pub(crate) fn interrupt() -> Vec<Do> {
    [ask("turn/interrupt", json!({ "threadId": "$thread", "turnId": "$turn" })), ended()].concat()
}

/// Asks for a compaction of `$thread`, and waits for its end.
pub(crate) fn compact() -> Vec<Do> {
    [ask("thread/compact/start", json!({ "threadId": "$thread" })), until("turn/completed", 15)].concat()
}

/// Trusts the hooks of the file `$home/hooks.json`, as a user does.
pub(crate) fn trust_hooks() -> Vec<Do> {
    let state = |result: &Value| {
        let folders = result["data"].as_array().into_iter().flatten();
        let hooks = folders.flat_map(|folder| folder["hooks"].as_array().into_iter().flatten());
        let trusted = hooks.map(|hook| {
            let state = json!({ "enabled": true, "trusted_hash": hook["currentHash"] });
            (hook["key"].as_str().unwrap_or_default().to_owned(), state)
        });
        Value::Object(trusted.collect())
    };
    let edit = json!({ "keyPath": "hooks.state", "value": "$hooks", "mergeStrategy": "upsert" });
    let list = keep("hooks", state, "hooks/list", json!({ "cwds": ["$workspace"] }));
    [list, ask("config/batchWrite", json!({ "edits": [edit], "reloadUserConfig": true }))].concat()
}
