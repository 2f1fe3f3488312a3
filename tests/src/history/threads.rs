//! Threads start, are resumed and forked, and spawn subagents.

use serde_json::{Value, json};

use super::world::{Thread, World};
use super::{Choices, MARKER};

/// Names of models.
pub(super) const MODELS: [&str; 3] = ["gpt-a", "gpt-b", "gpt-c"];

/// Sandboxes as the server reports and clients set them.
pub(super) fn sandbox(choices: &mut Choices) -> Value {
    match choices.below(7) {
        0 => json!({ "type": "dangerFullAccess" }),
        1 => json!({ "type": "readOnly" }),
        2 => json!({ "type": "readOnly", "networkAccess": true }),
        3 => json!({ "type": "externalSandbox", "networkAccess": "enabled" }),
        4 => json!({ "type": "externalSandbox", "networkAccess": "restricted" }),
        5 => json!({ "type": "workspaceWrite", "writableRoots": [format!("/{MARKER}")], "networkAccess": true }),
        _ => json!({ "type": "workspaceWrite", "writableRoots": [], "networkAccess": false }),
    }
}

/// Approval policies.
pub(super) fn approval_policy(choices: &mut Choices) -> Value {
    match choices.below(5) {
        4 => json!({ "granular": { "sandbox_approval": true, "rules": false, "mcp_elicitations": true } }),
        choice => json!(["on-request", "untrusted", "on-failure", "never"][choice]),
    }
}

fn source(choices: &mut Choices) -> Value {
    // Most threads are the user's.
    match choices.below(16) {
        9 => json!("cli"),
        10 => json!({ "custom": "x" }),
        11 => json!({ "subAgent": "review" }),
        12 => json!({ "subAgent": "compact" }),
        13 => json!({ "subAgent": "memory_consolidation" }),
        14 => json!({ "subAgent": { "other": "guardian" } }),
        15 => json!({ "subAgent": { "thread_spawn": { "parent_thread_id": "elsewhere", "depth": 1 } } }),
        _ => json!("vscode"),
    }
}

impl World {
    /// Some thread; the first one starts if there is none.
    pub(super) fn thread(&mut self, choices: &mut Choices) -> usize {
        if self.threads.is_empty() {
            let client = self.client(choices);
            self.open(client, "thread/start", None, choices);
        }
        choices.below(self.threads.len())
    }

    pub(super) fn open_thread(&mut self, choices: &mut Choices) {
        let client = self.client(choices);
        let has_room = self.threads.len() < self.options.threads;
        match choices.below(4) {
            0 | 3 if has_room => self.open(client, "thread/start", None, choices),
            1 if has_room && !self.threads.is_empty() => {
                let of = choices.below(self.threads.len());
                self.open(client, "thread/fork", Some(of), choices);
            }
            _ if !self.threads.is_empty() => {
                let of = choices.below(self.threads.len());
                // Whether a running turn is its thread's first can only be guessed by one who comes late.
                let state = &self.threads[of];
                let running = state.turn.as_ref().or(state.ended.as_ref().filter(|_| state.unanswered.is_some()));
                if !running.is_some_and(|turn| turn.is_first) {
                    self.open(client, "thread/resume", Some(of), choices);
                }
            }
            _ => {}
        }
    }

    fn open(&mut self, client: usize, method: &str, of: Option<usize>, choices: &mut Choices) {
        let is_resumed = method == "thread/resume";
        let id = match of {
            Some(of) if is_resumed => self.threads[of].id.clone(),
            _ => self.name("thread"),
        };
        let mut params = json!({ "cwd": format!("/{MARKER}/w") });
        if let Some(of) = of {
            params["threadId"] = json!(self.threads[of].id);
        }
        if choices.once_in(3) {
            params["personality"] = json!(choices.of(&["none", "friendly", "pragmatic"]));
        }
        let request = self.request(client, method, params);
        let seconds = self.now / 1000;
        let has_user_message = of.is_some_and(|of| self.threads[of].has_user_message);
        let turns = if has_user_message {
            json!([{ "id": "old", "items": [{ "type": "userMessage", "id": "m", "content": [{ "type": "text", "text": MARKER }] }], "status": "completed" }])
        } else {
            json!([])
        };
        let created_at = if choices.once_in(20) { json!(-1) } else { json!(seconds) };
        let mut thread = json!({
            "id": id, "sessionId": id, "preview": if has_user_message { MARKER } else { "" },
            "ephemeral": choices.once_in(4), "modelProvider": "openai", "createdAt": created_at, "updatedAt": seconds,
            "status": { "type": "idle" }, "path": format!("/{MARKER}"), "cwd": format!("/{MARKER}/w"),
            "cliVersion": self.version(), "source": source(choices),
            "threadSource": ([json!("user"), json!("subagent"), Value::Null, json!("memory_consolidation")])[choices.below(4)],
            "gitInfo": null, "turns": turns,
        });
        let forked_from = of.filter(|_| !is_resumed).map(|of| self.threads[of].id.clone());
        self.newer_thread(&mut thread, forked_from.as_deref(), choices);
        let result = json!({
            "thread": thread, "model": choices.of(&MODELS), "modelProvider": choices.of(&["openai", "mock"]),
            "serviceTier": choices.of(&[None, Some("fast"), Some("priority"), Some("flex"), Some("other")]),
            "cwd": format!("/{MARKER}/w"), "instructionSources": [format!("/{MARKER}/AGENTS.md")],
            "approvalPolicy": approval_policy(choices),
            "approvalsReviewer": choices.of(&["user", "guardian_subagent", "auto_review"]),
            "sandbox": sandbox(choices), "activePermissionProfile": null,
            "reasoningEffort": choices.of(&[None, Some("none"), Some("low"), Some("high"), Some("xhigh")]),
        });
        self.respond(client, &request, Ok(result));
        let at = match of {
            Some(of) if is_resumed => of,
            _ => {
                let (total, has_usage) =
                    of.map_or(([0; 6], false), |of| (self.threads[of].total, self.threads[of].has_usage));
                self.threads.push(Thread {
                    id: id.clone(),
                    clients: Vec::new(),
                    turn: None,
                    unanswered: None,
                    ended: None,
                    has_user_message,
                    total,
                    last: [0; 6],
                    has_usage,
                    is_subagent: false,
                    goal: None,
                });
                self.threads.len() - 1
            }
        };
        if !self.threads[at].clients.contains(&client) {
            self.threads[at].clients.push(client);
        }
        if of.is_none() || !is_resumed {
            self.notify(at, "thread/started", json!({ "thread": thread }));
        }
        if of.is_some() && self.threads[at].has_usage {
            self.replay_usage(at, client);
        }
        if is_resumed {
            for approval in 0..self.approvals.len() {
                if self.approvals[approval].thread == at {
                    self.replay(approval, client);
                }
            }
        }
    }

    /// A thread's agent spawns another, whose thread the clients are shown from then on.
    pub(super) fn spawn(&mut self, choices: &mut Choices) {
        let parent = self.running(choices);
        if self.threads.len() >= self.options.threads {
            return self.start_item(choices);
        }
        let child = self.name("thread");
        let id = self.name("item");
        let sender = self.threads[parent].id.clone();
        if choices.once_in(4) {
            return self.show_spawned(parent, &child, choices);
        }
        if self.is_newer() && choices.once_in(2) {
            let item = json!({ "type": "subAgentActivity", "id": id, "kind": choices.of(&["started", "completed"]),
                "agentThreadId": child, "agentPath": format!("/{MARKER}"), "model": choices.of(&[None, Some("gpt-b")]),
                "reasoningEffort": choices.of(&[None, Some("low")]) });
            self.item(parent, "item/started", "startedAtMs", &item);
            self.item(parent, "item/completed", "completedAtMs", &item);
            if item["kind"] == "started" {
                self.spawned(parent, child);
            }
            return;
        }
        let mut item = json!({ "type": "collabAgentToolCall", "id": id, "tool": "spawnAgent", "status": "inProgress",
            "senderThreadId": sender, "receiverThreadIds": [], "prompt": MARKER,
            "model": choices.of(&[None, Some("gpt-b")]), "reasoningEffort": choices.of(&[None, Some("low")]), "agentsStates": {} });
        self.item(parent, "item/started", "startedAtMs", &item);
        if choices.once_in(5) {
            item["status"] = json!("failed");
            return self.item(parent, "item/completed", "completedAtMs", &item);
        }
        item["status"] = json!("completed");
        item["receiverThreadIds"] = json!([child]);
        item["agentsStates"] = json!({ child.clone(): { "status": "pendingInit", "message": null } });
        self.item(parent, "item/completed", "completedAtMs", &item);
        self.spawned(parent, child);
    }

    /// The server starts a thread itself, and shows that alone.
    fn show_spawned(&mut self, parent: usize, id: &str, choices: &mut Choices) {
        let of = self.threads[parent].id.clone();
        let (source, forked_from) = if choices.once_in(2) {
            (json!("review"), json!(of))
        } else {
            (json!({ "thread_spawn": { "parent_thread_id": of, "depth": 1 } }), Value::Null)
        };
        let mut thread = json!({ "id": id, "preview": MARKER, "ephemeral": choices.once_in(2), "modelProvider": "openai",
            "createdAt": self.now / 1000, "source": { "subAgent": source }, "forkedFromId": forked_from, "turns": [] });
        if self.is_newer() && choices.once_in(2) {
            thread["sessionId"] = json!(format!("session-{}", self.options.number));
        }
        self.notify(parent, "thread/started", json!({ "thread": thread }));
        self.spawned(parent, id.into());
    }

    fn spawned(&mut self, parent: usize, id: String) {
        let clients = self.threads[parent].clients.clone();
        self.threads.push(Thread {
            id,
            clients,
            turn: None,
            unanswered: None,
            ended: None,
            has_user_message: true,
            total: [0; 6],
            last: [0; 6],
            has_usage: false,
            is_subagent: true,
            goal: None,
        });
    }
}
