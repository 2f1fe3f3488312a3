//! A second, independent reduction of a session: slow, plain, and written from the contract alone.
//!
//! It reads messages as JSON values and says which events each of them must yield. It keeps everything it ever saw, knows
//! no limits, and covers every type of event for sessions of Codex 0.131 to 0.171 that keep to the protocol.
//! It takes it that a host says where skills below a working directory lie, and nothing else.
//!
//! Where the contract leaves something open the model follows what the project says of itself: fingerprints name their
//! scheme, turn ids are per thread, an interrupted compaction has no event. Where it says nothing of order, reviews that
//! the end of a turn aborts precede the compaction that it ends. Events are made as 0.171 has them; `versions` takes away
//! what an older server lacks.

mod agents;
mod catalog;
mod goals;
mod inquiries;
mod items;
mod lines;
mod others;
mod reviews;
mod skills;
mod spent;
mod threads;
mod told;
mod turns;
mod versions;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use turnledger_core::Direction;

use crate::golden::Message;
use agents::Told;
use catalog::Catalog;
use goals::Goal;
use inquiries::Inquiry;
use items::Beginning;
use others::Compaction;
use reviews::{ItemReviews, Pending};
use skills::{Named, Skills};
use threads::{Connection, Thread};
use told::{Maker, Waiting};
use turns::Turn;
use versions::Server;

/// A client's request that has no response yet.
#[derive(Clone, Debug)]
struct Request {
    method: String,
    params: Value,
    at: u64,
    /// What it names, if it asks for a turn.
    named: Named,
}

/// Everything that was ever seen, by id.
#[derive(Debug, Default)]
pub struct Model {
    /// When the server says that it sent the message.
    emitted: Option<u64>,
    connections: BTreeMap<u64, Connection>,
    originator: Option<String>,
    /// The server that was heard of last.
    latest: Server,
    runtime: Value,
    threads: BTreeMap<String, Thread>,
    turns: BTreeMap<(String, String), Turn>,
    /// When items started: by thread, turn and item.
    starts: BTreeMap<(String, String, String), i64>,
    beginnings: BTreeMap<(String, String, String), Beginning>,
    /// Calls of MCP tools about which the user was asked something.
    elicitations: BTreeMap<(String, String, String), &'static str>,
    /// Who made calls, the calls that run cells, and calls that wait: where a host tells of responses.
    makers: BTreeMap<(String, String, String), Maker>,
    cells: BTreeMap<(String, String, String), String>,
    waiting: Vec<Waiting>,
    item_reviews: BTreeMap<(String, String, String), ItemReviews>,
    compactions: BTreeMap<(String, String), Compaction>,
    catalog: Catalog,
    uses_api_key: bool,
    /// The efforts of models that are asked for none.
    efforts: BTreeMap<String, Value>,
    goals: BTreeMap<String, Goal>,
    /// What agents were told, by agent: whether it is a task shows later.
    told_agents: BTreeMap<String, Told>,
    inquiries: BTreeMap<String, Inquiry>,
    /// Where an import was asked for and from whom, by its id.
    imports: BTreeMap<String, Value>,
    skills: Skills,
    requests: BTreeMap<(u64, String), Request>,
    /// Server requests without an answer, in the order in which they were asked.
    pending: Vec<Pending>,
    asked: BTreeSet<String>,
    /// Who has sent or got a message.
    clients: BTreeSet<u64>,
    /// How often each connection was told a thing.
    told: BTreeMap<String, BTreeMap<u64, usize>>,
    at: u64,
    events: Vec<Value>,
}

/// The text of a member, or nothing.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A number that is not negative.
fn unsigned(value: &Value) -> Option<u64> {
    value.as_u64()
}

/// What passed between two times, unless time went backwards.
fn passed(from: &Value, to: &Value) -> Value {
    match (from.as_i64(), to.as_i64()) {
        (Some(from), Some(to)) if to >= from => json!(to - from),
        _ => Value::Null,
    }
}

impl Model {
    /// The events that a message must yield.
    ///
    /// # Panics
    ///
    /// If the message is not JSON.
    pub fn observe(&mut self, message: &Message) -> Vec<Value> {
        let value: Value = serde_json::from_str(&message.text).expect("a message is JSON");
        // The server's clock, if it and the host's agree to five minutes.
        let emitted = value["emittedAtMs"].as_u64().filter(|emitted| emitted.abs_diff(message.at.0) <= 300_000);
        self.emitted = emitted;
        self.at = emitted.unwrap_or(message.at.0);
        let connection = message.connection_id.0;
        self.clients.insert(connection);
        let id = value["id"].to_string();
        let method = text(&value["method"]);
        let is_answer = value.get("result").is_some() || value.get("error").is_some();
        match message.direction {
            Direction::ClientToServer if is_answer => {
                self.inquiry_answered(&id, &value);
                self.answered(&id, &value);
            }
            Direction::ClientToServer => {
                let mut named = Named::default();
                match method.as_str() {
                    "turn/start" => {
                        self.turn_requested(&value["params"]);
                        named = self.named(&value["params"]);
                    }
                    "turn/steer" => self.steer_requested(&value["params"]),
                    _ => {}
                }
                let request = Request { method, params: value["params"].clone(), at: self.at, named };
                self.requests.insert((connection, id), request);
            }
            Direction::ServerToClient if is_answer => {
                if let Some(request) = self.requests.remove(&(connection, id)) {
                    self.responded(connection, &request, &value);
                }
            }
            Direction::ServerToClient if value.get("id").is_some() => self.asked(&method, &value),
            Direction::ServerToClient => {
                if self.is_news(connection, &method, &value["params"]) {
                    self.notified(&method, &value["params"]);
                }
            }
        }
        self.events.append(&mut self.skills.answered);
        std::mem::take(&mut self.events)
    }

    /// Whether nobody was told this as often before: each connection is told of a thing once for each time that it
    /// happened.
    fn is_news(&mut self, connection: u64, method: &str, params: &Value) -> bool {
        // As long as one client is known, there is nobody to tell apart from it.
        if self.clients.len() < 2 {
            return true;
        }
        let ids = [
            &params["threadId"],
            &params["thread"]["id"],
            &params["turnId"],
            &params["turn"]["id"],
            &params["item"]["id"],
            &params["reviewId"],
            &params["requestId"],
            &params["run"]["id"],
            &params["importId"],
        ];
        let key = ids.into_iter().fold(method.to_owned(), |key, id| match id {
            Value::Null => key,
            Value::String(id) => key + " " + id,
            id => format!("{key} {id}"),
        });
        let told = self.told.entry(key).or_default();
        let most = told.values().copied().max().unwrap_or_default();
        let count = told.entry(connection).or_default();
        *count += 1;
        *count > most
    }

    fn responded(&mut self, connection: u64, request: &Request, response: &Value) {
        let result = response.get("result");
        match (request.method.as_str(), result) {
            ("initialize", Some(result)) => self.initialized(connection, &request.params, result),
            ("thread/start", Some(result)) => self.opened(connection, "new", &request.params, result),
            ("thread/resume", Some(result)) => self.opened(connection, "resumed", &request.params, result),
            ("thread/fork", Some(result)) => self.opened(connection, "forked", &request.params, result),
            ("thread/compact/start", Some(_)) => self.compaction_requested(&request.params),
            ("turn/start", Some(result)) => self.turn_accepted(connection, request, result),
            ("turn/steer", _) => self.steered(connection, request, response),
            ("config/value/write", Some(_)) => self.configured(&request.params),
            ("turn/interrupt", Some(_)) => self.turn_interrupted(request),
            ("plugin/install", Some(_)) => self.plugin_installed(&request.params, None),
            ("plugin/install", None) => self.plugin_installed(&request.params, Some(&response["error"])),
            ("plugin/uninstall", Some(_)) => self.plugin_uninstalled(&request.params),
            ("plugin/read", Some(result)) => self.plugin_read(&request.params, &result["plugin"]),
            ("plugin/list", Some(result)) => self.plugins_listed(result),
            ("model/list", Some(result)) => self.models_listed(result),
            ("externalAgentConfig/import", Some(result)) => self.import_began(&request.params, result),
            ("app/list", Some(result)) => self.apps_listed(result),
            ("skills/list", Some(result)) => self.skills_listed(result),
            // Another login only begins here.
            ("account/login/start", Some(result)) => self.uses_api_key |= result["type"] == "apiKey",
            ("account/read", Some(result)) => self.uses_api_key = result["account"]["type"] == "apiKey",
            _ => {}
        }
    }

    fn notified(&mut self, method: &str, params: &Value) {
        match method {
            "turn/started" => self.turn_started(params),
            "turn/completed" => self.turn_completed(params),
            "thread/started" => self.thread_started(&params["thread"]),
            "thread/settings/updated" => self.settings_updated(params),
            "turn/diff/updated" => self.diff_updated(params),
            "thread/tokenUsage/updated" => self.usage_updated(params),
            "item/started" => self.item_started(&items::with_control_tool(agents::with_call_of_agent(params))),
            "item/completed" => self.item_completed(&items::with_control_tool(agents::with_call_of_agent(params))),
            "item/autoApprovalReview/completed" => self.guardian_decided(params),
            "serverRequest/resolved" => self.resolved(&params["requestId"].to_string()),
            "error" => self.error_reported(params),
            "hook/completed" => self.hook_ran(params),
            "thread/queue/changed" => self.queue_moved(params),
            "thread/goal/updated" => self.goal_updated(params),
            "thread/goal/cleared" => self.goal_cleared(params),
            "thread/archived" => self.archived(params, "archived"),
            "thread/unarchived" => self.archived(params, "unarchived"),
            "externalAgentConfig/import/completed" => self.import_completed(params),
            "account/updated" => self.uses_api_key = params["authMode"] == "apikey",
            _ => {}
        }
    }

    /// What started the server: the first client's word, or what Codex calls itself (`docs/contract/facts.md` 2).
    fn originator(&self) -> String {
        self.originator.clone().unwrap_or_else(|| "codex_cli_rs".into())
    }

    /// An event of a thread, or else of the process, as its server has it.
    fn emit(&mut self, event_type: &str, params: Value) {
        let server = params["thread_id"].as_str().map_or(self.latest, |thread| self.server(thread));
        self.emit_of(server, event_type, params);
    }

    fn emit_of(&mut self, server: Server, event_type: &str, params: Value) {
        if let Some(params) = server.event(event_type, params) {
            let members = [("event_type", Value::from(event_type)), ("event_params", params)];
            self.events.push(members.into_iter().collect());
        }
    }
}
