//! Connections and threads (`docs/contract/rules.md` 2, `docs/contract/derived.md` 1, 3, 11).

use serde_json::{Value, json};

use super::versions::Server;
use super::{Model, text, unsigned};

/// A client, as events describe it.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) client: Value,
    pub(super) runtime: Value,
    pub(super) server: Server,
}

/// A thread: whose it is, where it comes from, and the settings of its next turn.
#[derive(Clone, Debug, Default)]
pub(super) struct Thread {
    /// Whether it was seen to be opened: whoever joins late may have missed that.
    pub(super) is_known: bool,
    /// Whose it is: whose `initialize` was seen, too.
    pub(super) connection: Option<u64>,
    pub(super) mode: String,
    pub(super) lineage: Value,
    pub(super) settings: Value,
    pub(super) is_first: bool,
    /// The totals of the latest token usage, if they are known.
    pub(super) total: Option<Value>,
    /// The size of the latest request.
    pub(super) context: Value,
    pub(super) compaction_requested: bool,
    pub(super) cwd: Value,
    pub(super) previous_model: Value,
    /// Whether another thread spawned it.
    pub(super) is_spawned: bool,
    /// Whether the news of an agent was told in it, or in the thread that spawned it.
    pub(super) has_news: bool,
    /// Whether the server showed its settings since the request for the next turn.
    pub(super) settings_shown: bool,
    pub(super) session: Value,
    /// What started it, where that is not its client.
    pub(super) originator: Value,
    /// The turn that runs.
    pub(super) running: Option<String>,
    /// A turn that a client was promised and that has not begun.
    pub(super) starting: bool,
    /// Whether the queue of turns moved since a turn began.
    pub(super) queue_moved: bool,
}

/// A sandbox policy as events name it, and whether it lets the network through.
pub(super) fn sandbox(policy: &Value) -> (Value, Value) {
    let network = &policy["networkAccess"];
    match policy["type"].as_str().unwrap_or_default() {
        "dangerFullAccess" => (json!("full_access"), json!(true)),
        "externalSandbox" => (json!("external_sandbox"), json!(network == "enabled")),
        "readOnly" => (json!("read_only"), json!(network == true)),
        "workspaceWrite" => (json!("workspace_write"), json!(network == true)),
        _ => (Value::Null, json!(false)),
    }
}

pub(super) fn approval_policy(policy: &Value) -> Value {
    if policy.is_object() { json!("granular") } else { policy.clone() }
}

pub(super) fn service_tier(tier: &Value) -> Value {
    json!(match tier.as_str() {
        Some("fast" | "priority") => "fast",
        Some("flex") => "flex",
        _ => "default",
    })
}

pub(super) fn reviewer(reviewer: &Value) -> Value {
    if reviewer == "auto_review" { json!("guardian_subagent") } else { reviewer.clone() }
}

/// A choice whose `none` is the same as no choice.
pub(super) fn unless_none(value: &Value) -> Value {
    if value == "none" { Value::Null } else { value.clone() }
}

impl Model {
    pub(super) fn initialized(&mut self, connection: u64, params: &Value, result: &Value) {
        let agent = text(&result["userAgent"]);
        let (originator, rest) = agent.split_once('/').unwrap_or_default();
        let version = rest.split(' ').next().unwrap_or_default();
        let system = rest.split(['(', ')']).nth(1).unwrap_or_default();
        let (os, arch) = system.split_once(';').unwrap_or_default();
        let arch = match arch.trim() {
            "arm64" => "aarch64",
            "amd64" => "x86_64",
            arch => arch,
        };
        self.originator.get_or_insert_with(|| originator.into());
        let info = &params["clientInfo"];
        let experimental =
            params["capabilities"].as_object().map(|members| members.get("experimentalApi") == Some(&json!(true)));
        let client = json!({ "product_client_id": info["name"], "client_name": info["name"], "client_version": info["version"],
            "rpc_transport": "stdio", "experimental_api_enabled": experimental });
        let server = Server::of(version);
        self.latest = server;
        let runtime = json!({ "codex_rs_version": version, "runtime_os": result["platformOs"],
            "runtime_os_version": os.rsplit(' ').next(), "runtime_arch": arch });
        self.runtime = runtime.clone();
        self.connections.insert(connection, Connection { client, runtime, server });
    }

    pub(super) fn opened(&mut self, connection: u64, mode: &str, params: &Value, result: &Value) {
        let shown = &result["thread"];
        let id = text(&shown["id"]);
        let (source, mut parent) = source(shown);
        let client = self.connections.get(&connection).cloned();
        let server = client.as_ref().map(|client| client.server).unwrap_or_default();
        if server.is_since(159) && shown["parentThreadId"].is_string() {
            parent = shown["parentThreadId"].clone();
        }
        let lineage =
            json!({ "thread_source": shown["threadSource"], "subagent_source": source, "parent_thread_id": parent });
        let session = if server.is_since(135) { shown["sessionId"].clone() } else { Value::Null };
        let originator = if server.is_since(143) { shown["originator"].clone() } else { Value::Null };
        let (policy, network) = sandbox(&result["sandbox"]);
        let before = self.threads.get(&id).cloned().unwrap_or_default();
        let personality = match params.get("personality") {
            Some(chosen) if !chosen.is_null() => chosen.clone(),
            _ => before.settings["personality"].clone(),
        };
        let settings = json!({ "ephemeral": shown["ephemeral"], "model": result["model"], "model_provider": result["modelProvider"],
            "sandbox_policy": policy, "sandbox_network_access": network, "reasoning_effort": result["reasoningEffort"],
            "reasoning_summary": before.settings["reasoning_summary"], "service_tier": service_tier(&result["serviceTier"]),
            "approval_policy": approval_policy(&result["approvalPolicy"]), "approvals_reviewer": reviewer(&result["approvalsReviewer"]),
            "collaboration_mode": before.settings.get("collaboration_mode").cloned().unwrap_or(json!("default")),
            "personality": personality });
        let turns = shown["turns"].as_array().cloned().unwrap_or_default();
        let mut items = turns.iter().flat_map(|turn| turn["items"].as_array().cloned().unwrap_or_default());
        let has_user_message = items.any(|item| item["type"] == "userMessage") || shown["preview"] != "";
        let mut thread = Thread {
            is_known: true,
            settings,
            is_first: mode == "new" || !has_user_message,
            total: match mode {
                "new" => Some(no_tokens()),
                // A fork begins with what its thread has used.
                "forked" => self.threads.get(&text(&shown["forkedFromId"])).and_then(|of| of.total.clone()),
                _ => before.total,
            },
            cwd: result["cwd"].clone(),
            ..before
        };
        // A client whose first word was missed has no events, and takes no thread from another.
        if client.is_some() {
            thread.connection = Some(connection);
            thread.mode = mode.into();
            thread.lineage = lineage;
            thread.session = session.clone();
            thread.originator = originator;
        }
        self.threads.insert(id.clone(), thread);
        let Some(Connection { client, runtime, .. }) = client else { return };
        let client = self.client_of(&id, client);
        self.emit(
            "codex_thread_initialized",
            json!({ "thread_id": id, "session_id": session, "app_server_client": client, "runtime": runtime,
                "model": result["model"], "ephemeral": shown["ephemeral"], "is_worktree": null,
                "thread_source": shown["threadSource"], "initialization_mode": mode, "subagent_source": source,
                "parent_thread_id": parent, "forked_from_thread_id": shown["forkedFromId"],
                "created_at": unsigned(&shown["createdAt"]).unwrap_or(0) }),
        );
    }

    /// An agent has spawned another.
    pub(super) fn agent_spawned(&mut self, item: &Value, at: &Value) {
        let id = text(&item["receiverThreadIds"][0]);
        // Codex's ids begin with their time, which is closer than that of the call.
        let in_id = id.get(..13).map(|start| start.replace('-', "")).filter(|_| id.as_bytes().get(14) == Some(&b'7'));
        let in_id = in_id.and_then(|digits| u64::from_str_radix(&digits, 16).ok());
        let created_at = in_id.or(unsigned(at)).unwrap_or(0) / 1000;
        let spawned = json!({ "id": id, "parent": item["senderThreadId"], "source": "thread_spawn", "model": item["model"],
            "effort": item["reasoningEffort"], "ephemeral": false, "created_at": created_at,
            "forked": if item["isNews"] == true { item["senderThreadId"].clone() } else { Value::Null } });
        self.spawned(&spawned);
    }

    /// The server shows a thread: perhaps one that it started itself.
    pub(super) fn thread_started(&mut self, shown: &Value) {
        let (source, parent) = source(shown);
        let parent = if parent.is_null() { shown["forkedFromId"].clone() } else { parent };
        if !source.is_null() && !parent.is_null() {
            let spawned = json!({ "id": shown["id"], "parent": parent, "source": source, "model": null, "effort": null,
                "ephemeral": shown["ephemeral"], "forked": shown["forkedFromId"], "session": shown["sessionId"],
                "created_at": unsigned(&shown["createdAt"]).unwrap_or(0) });
            self.spawned(&spawned);
        }
    }

    fn spawned(&mut self, spawned: &Value) {
        let (id, parent) = (text(&spawned["id"]), text(&spawned["parent"]));
        let Some(owner) = self.threads.get(&parent).cloned() else { return };
        let Some(connection) = owner.connection.and_then(|connection| self.connections.get(&connection)).cloned()
        else {
            return;
        };
        let server = connection.server;
        let before = self.threads.get(&id).cloned().unwrap_or_default();
        if before.is_known {
            return;
        }
        let given = |name: &str| Some(spawned[name].clone()).filter(|value| !value.is_null());
        let model = given("model").unwrap_or_else(|| owner.settings["model"].clone());
        let lineage =
            json!({ "thread_source": "subagent", "subagent_source": spawned["source"], "parent_thread_id": parent });
        let mut client = connection.client;
        client["rpc_transport"] = json!("in_process");
        client["experimental_api_enabled"] = Value::Null;
        let mut settings = owner.settings;
        extend(&mut settings, json!({ "model": model, "ephemeral": spawned["ephemeral"] }));
        if let Some(effort) = given("effort") {
            settings["reasoning_effort"] = effort;
        }
        let session = given("session").unwrap_or(owner.session);
        let thread = Thread {
            is_known: true,
            connection: owner.connection,
            mode: "new".into(),
            lineage: lineage.clone(),
            settings,
            // A history that was given to it has the first turn.
            is_first: !(server.is_since(143) && spawned["forked"].is_string()),
            total: before.total.or_else(|| Some(no_tokens())),
            is_spawned: true,
            has_news: owner.has_news,
            session: session.clone(),
            originator: owner.originator,
            ..before
        };
        self.threads.insert(id.clone(), thread);
        let mut event = json!({ "thread_id": id, "session_id": session, "app_server_client": client,
            "runtime": connection.runtime, "model": model, "ephemeral": spawned["ephemeral"], "is_worktree": null,
            "initialization_mode": "new", "forked_from_thread_id": spawned["forked"], "created_at": spawned["created_at"] });
        extend(&mut event, lineage);
        self.emit("codex_thread_initialized", event);
    }

    /// A thread's server.
    pub(super) fn server(&self, thread: &str) -> Server {
        let connection = self.threads.get(thread).and_then(|thread| self.connections.get(&thread.connection?));
        connection.map(|connection| connection.server).unwrap_or_default()
    }

    /// The client of a thread's events: its product is what started the thread, where that is known.
    pub(super) fn client_of(&self, thread: &str, mut client: Value) -> Value {
        let originator = self.threads.get(thread).map_or(Value::Null, |thread| thread.originator.clone());
        if !originator.is_null() {
            client["product_client_id"] = originator;
        }
        client
    }

    /// The product of events that name no client: the thread's, or else the process's.
    pub(super) fn product_of(&self, thread: &str) -> Value {
        let originator = self.threads.get(thread).map_or(Value::Null, |thread| thread.originator.clone());
        if originator.is_null() { self.originator().into() } else { originator }
    }

    pub(super) fn session_of(&self, thread: &str) -> Value {
        self.threads.get(thread).map_or(Value::Null, |thread| thread.session.clone())
    }

    /// The client and runtime of a thread's connection, and its lineage (`docs/contract/rules.md` 1.1).
    pub(super) fn context(&self, thread: &str) -> Option<Value> {
        let known = self.threads.get(thread)?;
        let connection = self.connections.get(&known.connection?)?;
        let client = self.client_of(thread, connection.client.clone());
        let mut context =
            json!({ "app_server_client": client, "runtime": connection.runtime, "session_id": known.session });
        extend(&mut context, known.lineage.clone());
        Some(context)
    }
}

/// The settings of which nothing was seen.
pub(super) fn unknown_settings() -> Value {
    json!({ "ephemeral": false, "model": null, "model_provider": "", "sandbox_policy": null, "sandbox_network_access": false,
        "reasoning_effort": null, "reasoning_summary": null, "service_tier": "default", "approval_policy": null,
        "approvals_reviewer": "user", "collaboration_mode": "default", "personality": null })
}

/// What kind of subagent a thread is, and whose.
fn source(shown: &Value) -> (Value, Value) {
    let subagent = &shown["source"]["subAgent"];
    if let Some(name) = subagent.as_str() {
        (json!(name), Value::Null)
    } else if let Some(spawn) = subagent.get("thread_spawn") {
        (json!("thread_spawn"), spawn["parent_thread_id"].clone())
    } else {
        (subagent["other"].clone(), Value::Null)
    }
}

/// The totals of a thread that has used nothing.
fn no_tokens() -> Value {
    json!({ "inputTokens": 0, "cachedInputTokens": 0, "outputTokens": 0, "reasoningOutputTokens": 0, "totalTokens": 0 })
}

/// Adds members to an object.
pub(super) fn extend(object: &mut Value, more: Value) {
    if object.is_null() {
        *object = json!({});
    }
    if let (Value::Object(members), Value::Object(more)) = (object, more) {
        members.extend(more);
    }
}
