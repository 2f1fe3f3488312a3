//! What only servers after 0.131 do: goals, archives, queues, questions to the user, imports, interrupts, and what agents are
//! told.

use serde_json::{Value, json};

use super::world::{Goal, World};
use super::{Choices, MARKER};

const GOAL_STATUSES: [&str; 7] =
    ["active", "paused", "blocked", "usageLimited", "budgetLimited", "complete", "postponed"];

impl World {
    pub(super) fn do_something_newer(&mut self, choices: &mut Choices) {
        match choices.below(9) {
            0 | 1 => self.goal(choices),
            2 => self.archive(choices),
            3 => self.go_on_from_queue(choices),
            4 => self.ask_user(choices),
            5 => self.import(choices),
            6 => self.interrupt(choices),
            7 => self.tell_agent(choices),
            _ => self.list_models(choices),
        }
    }

    /// A goal is set, worked on, changed or removed: by a client, or by the agent in a turn.
    fn goal(&mut self, choices: &mut Choices) {
        let thread = self.thread(choices);
        let now = self.now / 1000;
        let running = self.threads[thread].turn.as_ref().map(|turn| turn.id.clone());
        let turn = running.filter(|_| choices.once_in(2));
        let thread_id = self.threads[thread].id.clone();
        if self.threads[thread].goal.is_some() && choices.once_in(5) {
            self.threads[thread].goal = None;
            return self.notify(thread, "thread/goal/cleared", json!({ "threadId": thread_id }));
        }
        if self.threads[thread].goal.is_none() || choices.once_in(8) {
            // Some goals are older than their first telling.
            let used = if choices.once_in(4) { 40 } else { 0 };
            let updated_at = if choices.once_in(5) { now + 3 } else { now };
            let budget = if choices.once_in(2) { json!(5000) } else { Value::Null };
            self.threads[thread].goal =
                Some(Goal { created_at: now, updated_at, status: "active", budget, used, seconds: 0 });
        } else if let Some(goal) = &mut self.threads[thread].goal {
            if choices.once_in(2) {
                goal.used += [0, 9, 1200][choices.below(3)];
                goal.seconds += 30;
            }
            if choices.once_in(2) {
                goal.status = choices.of(&GOAL_STATUSES);
            }
            goal.updated_at = now;
        }
        let Some(goal) = &self.threads[thread].goal else { return };
        let shown = json!({ "objective": MARKER, "status": goal.status, "tokenBudget": goal.budget, "tokensUsed": goal.used,
            "timeUsedSeconds": goal.seconds, "createdAt": goal.created_at, "updatedAt": goal.updated_at });
        let params = json!({ "threadId": thread_id, "turnId": turn, "goal": shown });
        self.notify(thread, "thread/goal/updated", params);
        // Who lags behind is told of a thread's goal out of order, and nothing but its place tells such messages apart.
        self.catch_up();
    }

    fn archive(&mut self, choices: &mut Choices) {
        let thread = self.thread(choices);
        let id = if choices.once_in(5) { self.name("thread") } else { self.threads[thread].id.clone() };
        let method = choices.of(&["thread/archived", "thread/unarchived"]);
        self.notify(thread, method, json!({ "threadId": id }));
        self.catch_up();
    }

    /// A turn ends. The queue or a goal then begins another one, without a request.
    fn go_on_from_queue(&mut self, choices: &mut Choices) {
        let thread = self.thread(choices);
        if self.threads[thread].turn.is_none() || self.threads[thread].is_subagent {
            return self.start_turn(choices);
        }
        self.answer_turn_start(thread);
        let thread_id = self.threads[thread].id.clone();
        if choices.once_in(2) {
            self.notify(thread, "thread/queue/changed", json!({ "threadId": thread_id }));
        }
        self.end_turn(thread, "completed", choices);
        let id = self.name("turn");
        self.show_start(thread, &id, true, choices);
        self.say(thread, choices);
    }

    /// The server asks the user something: a tool's own question, or whether an MCP call may be made.
    fn ask_user(&mut self, choices: &mut Choices) {
        let thread = self.running(choices);
        let state = &self.threads[thread];
        let turn = state.turn.as_ref().map(|turn| turn.id.clone()).unwrap_or_default();
        let thread_id = state.id.clone();
        let client = state.clients[0];
        if choices.once_in(2) {
            let item = self.name("item");
            let params = json!({ "threadId": thread_id, "turnId": turn, "itemId": item,
                "questions": [{ "id": "q", "question": MARKER }] });
            let id = self.ask_once(thread, "item/tool/requestUserInput", &params);
            let answer = if choices.once_in(5) {
                Err(json!({ "code": -1, "message": MARKER }))
            } else {
                Ok(json!({ "answers": { "q": { "answers": [MARKER] } } }))
            };
            self.now += 700;
            return self.answer_with(client, id, answer);
        }
        let kind = choices.of(&["mcp_tool_call", "mcp_tool_call", "other"]);
        let turn = if choices.once_in(3) { Value::Null } else { json!(turn) };
        let params = json!({ "threadId": thread_id, "turnId": turn, "serverName": choices.of(&["docs", "files", "codex_apps"]),
            "_meta": { "codex_approval_kind": kind }, "message": MARKER });
        let id = self.ask_once(thread, "mcpServer/elicitation/request", &params);
        let action = choices.of(&["accept", "decline", "cancel"]);
        self.answer_with(client, id, Ok(json!({ "action": action, "content": MARKER })));
    }

    /// Settings of another agent are imported.
    fn import(&mut self, choices: &mut Choices) {
        let client = self.client(choices);
        let import = self.name("import");
        let mut params = json!({ "migrationItems": [MARKER] });
        if choices.once_in(2) {
            params["source"] = json!("settings");
        }
        if choices.once_in(2) {
            params["providerId"] = json!("claude-code");
        }
        if !choices.once_in(4) {
            self.call(client, "externalAgentConfig/import", params, Ok(json!({ "importId": import })));
        }
        let some = |choices: &mut Choices| vec![MARKER; choices.below(3)];
        let kinds: Vec<_> = (0..choices.below(3))
            .map(|_| {
                json!({ "itemType": choices.of(&["SKILLS", "CONFIG", "MEMORY", "SPELLS"]), "successes": some(choices),
                    "failures": some(choices) })
            })
            .collect();
        let params = json!({ "importId": import, "itemTypeResults": kinds });
        self.deliver(client, json!({ "method": "externalAgentConfig/import/completed", "params": params }).to_string());
    }

    /// A client interrupts a turn, perhaps twice.
    fn interrupt(&mut self, choices: &mut Choices) {
        let thread = self.running(choices);
        let client = self.client(choices);
        let turn = self.threads[thread].turn.as_ref().map(|turn| turn.id.clone()).unwrap_or_default();
        let params = json!({ "threadId": self.threads[thread].id, "turnId": turn });
        let first = self.request(client, "turn/interrupt", params.clone());
        self.now += 30;
        if choices.once_in(3) {
            self.call(client, "turn/interrupt", params, Ok(json!({})));
        }
        let result = if choices.once_in(4) { Err(json!({ "code": -32600, "message": MARKER })) } else { Ok(json!({})) };
        self.respond(client, &first, result);
        self.catch_up_with(client);
        if choices.once_in(2) {
            self.end_turn(thread, "interrupted", choices);
        }
    }

    /// An agent is told something by another, which may be a new task, or is interrupted.
    fn tell_agent(&mut self, choices: &mut Choices) {
        let parent = self.running(choices);
        let Some(agent) = (0..self.threads.len()).find(|at| self.threads[*at].is_subagent && *at != parent) else {
            return self.spawn(choices);
        };
        let (id, agent_id) = (self.name("item"), self.threads[agent].id.clone());
        let item = json!({ "type": "subAgentActivity", "id": id, "kind": choices.of(&["interacted", "interacted", "interrupted"]),
            "agentThreadId": agent_id, "agentPath": format!("/{MARKER}"), "model": null, "reasoningEffort": null });
        self.item(parent, "item/started", "startedAtMs", &item);
        self.item(parent, "item/completed", "completedAtMs", &item);
        if choices.once_in(2) && self.threads[agent].turn.is_none() {
            let turn = self.name("turn");
            self.show_start(agent, &turn, true, choices);
        }
        self.catch_up();
    }

    fn list_models(&mut self, choices: &mut Choices) {
        let client = self.client(choices);
        let model = |choices: &mut Choices| {
            json!({ "id": MARKER, "model": choices.of(&["gpt-a", "gpt-b", "gpt-c"]),
                "defaultReasoningEffort": choices.of(&["low", "medium"]) })
        };
        let models: Vec<_> = (0..choices.below(3)).map(|_| model(choices)).collect();
        self.call(client, "model/list", json!({}), Ok(json!({ "data": models })));
    }

    /// What a request for a turn says only to newer servers.
    pub(super) fn newer_overrides(&self, params: &mut Value, choices: &mut Choices) {
        if !self.is_newer() {
            return;
        }
        match choices.below(8) {
            0 => params["turnTrigger"] = json!(choices.of(&["automation", "user"])),
            1 => params["serviceTierForTurn"] = json!(choices.of(&["priority", "flex", "other"])),
            2 => params["disabledPluginIds"] = json!([self.plugin(choices)]),
            3 => {
                params["responsesapiClientMetadata"] =
                    json!({ "workspace_kind": "project", "codex_app_used_dictation": choices.of(&["true", "false"]) });
            }
            _ => {}
        }
    }

    /// What a thread says only of newer servers: its session, what started it, and whose history it has.
    pub(super) fn newer_thread(&self, thread: &mut Value, forked_from: Option<&str>, choices: &mut Choices) {
        if !self.is_newer() {
            return;
        }
        if choices.once_in(3) {
            thread["sessionId"] = json!(format!("session-{}", self.options.number));
        }
        if choices.once_in(5) {
            thread["originator"] = json!("codex_work_desktop");
        }
        if choices.once_in(6) {
            thread["parentThreadId"] = json!("elsewhere-2");
        }
        if choices.once_in(8) {
            thread["threadSource"] = json!("automation");
        }
        if let Some(forked_from) = forked_from {
            thread["forkedFromId"] = json!(forked_from);
        }
    }

    /// What an item says only of newer servers.
    pub(super) fn newer_item(&self, item: &mut Value, choices: &mut Choices) {
        if !self.is_newer() || !choices.once_in(2) {
            return;
        }
        match item["type"].as_str().unwrap_or_default() {
            "commandExecution" => item["pluginId"] = json!(self.plugin(choices)),
            "mcpToolCall" => {
                item["pluginId"] = json!(self.plugin(choices));
                item["appContext"] = json!({ "connectorId": self.app(choices), "resourceUri": MARKER });
            }
            "dynamicToolCall" => {
                item["contentItems"] =
                    json!([{ "type": "inputAudio", "audioUrl": MARKER }, { "type": "inputText", "text": MARKER }]);
            }
            "imageGeneration" => {
                item["transparentBackground"] = json!(choices.once_in(2));
                item["generationId"] = json!("generation-1");
            }
            _ => {}
        }
    }
}
