//! Turns start, are steered, use tokens and end; compactions, reviews and hooks beside them.

use serde_json::{Value, json};

use super::threads::{MODELS, approval_policy, sandbox};
use super::world::{Turn, Unanswered, World};
use super::{Choices, MARKER};

const EFFORTS: [&str; 4] = ["none", "low", "medium", "high"];

/// What a client may set for this turn and later ones.
fn overrides(params: &mut Value, choices: &mut Choices) {
    for _ in 0..choices.below(4) {
        match choices.below(12) {
            0 => params["model"] = json!(choices.of(&MODELS)),
            1 => params["effort"] = json!(choices.of(&EFFORTS)),
            2 => params["summary"] = json!(choices.of(&["auto", "concise", "detailed", "none"])),
            3 => params["personality"] = json!(choices.of(&["none", "friendly", "pragmatic"])),
            4 => {
                params["serviceTier"] =
                    json!(choices.of(&[None, Some("fast"), Some("priority"), Some("flex"), Some("x")]));
            }
            5 => params["approvalPolicy"] = approval_policy(choices),
            6 => params["approvalsReviewer"] = json!(choices.of(&["user", "guardian_subagent"])),
            7 if params.get("permissions").is_none() => params["sandboxPolicy"] = sandbox(choices),
            8 => params["cwd"] = json!(format!("/{MARKER}/other")),
            9 | 10 => {
                let settings = json!({ "model": choices.of(&MODELS), "developer_instructions": MARKER,
                    "reasoning_effort": choices.of(&[None, Some("low"), Some("xhigh")]) });
                params["collaborationMode"] =
                    json!({ "mode": choices.of(&["plan", "default", "code"]), "settings": settings });
            }
            _ if params.get("sandboxPolicy").is_none() => {
                params["permissions"] = json!(choices.of(&[":danger-full-access", ":workspace", ":read-only"]));
            }
            _ => {}
        }
    }
}

/// A turn as the server shows it.
fn turn_value(id: &str, status: &str) -> Value {
    json!({ "id": id, "items": [], "itemsView": "notLoaded", "status": status, "error": null, "startedAt": null,
        "completedAt": null, "durationMs": null })
}

impl World {
    fn input(&self, choices: &mut Choices) -> Value {
        let count = choices.below(4);
        let item = |choice, choices: &mut Choices| match choice {
            1 => json!({ "type": "image", "url": format!("data:{MARKER}") }),
            2 => json!({ "type": "localImage", "path": format!("/{MARKER}/shot.png") }),
            3 => json!({ "type": "mention", "name": MARKER, "path": format!("app://{}", self.app(choices)) }),
            4 => json!({ "type": "mention", "name": MARKER, "path": format!("plugin://{}", self.plugin(choices)) }),
            5 => {
                let (name, path) = self.skill(choices);
                json!({ "type": "skill", "name": name, "path": path })
            }
            6 => {
                let (skill, _) = self.skill(choices);
                let app = choices.of(&["calendar", "drive", "none"]);
                let text = format!("{MARKER} ${skill}, ${app}-{}: $5", self.options.number);
                json!({ "type": "text", "text": text, "text_elements": [] })
            }
            _ => json!({ "type": "text", "text": MARKER, "text_elements": [] }),
        };
        Value::Array((0..count).map(|_| item(choices.below(9), choices)).collect())
    }

    /// A thread with a running turn, which starts if there is none.
    pub(super) fn running(&mut self, choices: &mut Choices) -> usize {
        let thread = self.thread(choices);
        if self.threads[thread].turn.is_none() {
            self.start_turn_of(thread, choices);
            self.say(thread, choices);
        }
        thread
    }

    pub(super) fn start_turn(&mut self, choices: &mut Choices) {
        let thread = self.thread(choices);
        if self.threads[thread].turn.is_some() {
            return self.start_item(choices);
        }
        if !self.threads[thread].is_subagent && choices.once_in(8) {
            return self.fail_to_start(thread, choices);
        }
        self.start_turn_of(thread, choices);
        // A thread that has grown too large is compacted first. A hook or a compaction that fails may stop a turn before
        // there is a message.
        let may_go_on = !choices.once_in(8) || self.compact_turn(thread, choices);
        if !may_go_on || choices.once_in(8) {
            // Newer servers show the message all the same.
            if !may_go_on && self.is_newer() && choices.once_in(2) {
                let had_message = self.threads[thread].has_user_message;
                self.say(thread, choices);
                // The turn is not reported: the next one is still the first.
                self.threads[thread].has_user_message = had_message;
            }
            let status = choices.of(&["completed", "failed", "interrupted"]);
            return self.end_turn(thread, status, choices);
        }
        self.say(thread, choices);
    }

    fn fail_to_start(&mut self, thread: usize, choices: &mut Choices) {
        let client = self.client(choices);
        let mut params = json!({ "threadId": self.threads[thread].id, "input": self.input(choices) });
        overrides(&mut params, choices);
        let too_long = json!({ "code": -32602, "message": MARKER,
            "data": { "input_error_code": "input_too_large", "max_chars": 1_048_576, "actual_chars": 1_050_000 } });
        let error = if choices.once_in(2) { too_long } else { json!({ "code": -32603, "message": MARKER }) };
        self.call(client, "turn/start", params, Err(error));
    }

    /// Starts a turn: of a subagent without a request, else with one.
    fn start_turn_of(&mut self, thread: usize, choices: &mut Choices) {
        self.answer_turn_start(thread);
        let id = self.name("turn");
        if self.threads[thread].is_subagent {
            self.show_start(thread, &id, true, choices);
        } else {
            let client = if choices.once_in(4) {
                self.client(choices)
            } else {
                let clients = self.threads[thread].clients.clone();
                choices.of(&clients)
            };
            let mut params = json!({ "threadId": self.threads[thread].id, "input": self.input(choices) });
            overrides(&mut params, choices);
            self.newer_overrides(&mut params, choices);
            let request = self.request(client, "turn/start", params);
            if choices.once_in(3) {
                self.show_settings(thread, choices);
            }
            let started_first = choices.once_in(3);
            if started_first {
                self.show_start(thread, &id, true, choices);
            }
            self.threads[thread].unanswered = Some(Unanswered { client, request, turn: id.clone() });
            // The answer may come when the turn is well on its way, or over.
            if !started_first || !choices.once_in(2) {
                self.answer_turn_start(thread);
            }
            if !started_first {
                if choices.once_in(8) {
                    self.show_settings(thread, choices);
                }
                self.show_start(thread, &id, true, choices);
            }
        }
    }

    /// A newer server shows a thread's settings when they have changed. Nobody lags behind: whose settings are the older ones
    /// does not show.
    fn show_settings(&mut self, thread: usize, choices: &mut Choices) {
        if !self.is_newer() {
            return;
        }
        let model = choices.of(&MODELS);
        let effort = choices.of(&[None, Some("none"), Some("low"), Some("high")]);
        let settings = json!({ "cwd": format!("/{MARKER}/w"), "approvalPolicy": approval_policy(choices),
            "approvalsReviewer": choices.of(&["user", "auto_review"]), "sandboxPolicy": sandbox(choices),
            "model": model, "modelProvider": choices.of(&["openai", "mock"]), "effort": effort,
            "serviceTier": choices.of(&[None, Some("priority"), Some("flex")]),
            "summary": choices.of(&[None, Some("auto"), Some("none")]),
            "collaborationMode": { "mode": choices.of(&["plan", "default"]), "settings": { "model": model,
                "reasoning_effort": effort, "developer_instructions": MARKER } },
            "personality": choices.of(&[None, Some("friendly")]) });
        let thread_id = self.threads[thread].id.clone();
        self.notify(thread, "thread/settings/updated", json!({ "threadId": thread_id, "threadSettings": settings }));
        for client in self.threads[thread].clients.clone() {
            self.catch_up_with(client);
        }
    }

    /// Answers the request that started a thread's turn, if it still waits.
    pub(super) fn answer_turn_start(&mut self, thread: usize) {
        let Some(Unanswered { client, request, turn }) = self.threads[thread].unanswered.take() else { return };
        self.respond(client, &request, Ok(json!({ "turn": turn_value(&turn, "inProgress") })));
        self.catch_up_with(client);
    }

    /// The user's message, with which the work on a turn begins; or where the user may say nothing, the model's.
    pub(super) fn say(&mut self, thread: usize, choices: &mut Choices) {
        let id = self.name("item");
        let is_silent = self.is_newer() && choices.once_in(8);
        let item = if is_silent {
            json!({ "type": "agentMessage", "id": id, "text": MARKER })
        } else {
            json!({ "type": "userMessage", "id": id, "content": [{ "type": "text", "text": MARKER }] })
        };
        self.item(thread, "item/started", "startedAtMs", &item);
        self.item(thread, "item/completed", "completedAtMs", &item);
        self.threads[thread].has_user_message |= !is_silent;
    }

    pub(super) fn show_start(&mut self, thread: usize, id: &str, is_steerable: bool, choices: &mut Choices) {
        let started_at = self.now / 1000;
        let mut turn = turn_value(id, "inProgress");
        turn["startedAt"] = if choices.once_in(10) { Value::Null } else { json!(started_at) };
        if self.is_newer() {
            match choices.below(4) {
                0 => turn["rootTurnId"] = json!(id),
                1 => turn["rootTurnId"] = json!("root-turn"),
                _ => {}
            }
        }
        let is_first = !self.threads[thread].has_user_message;
        let state = Turn { id: id.into(), items: vec![], known: vec![], started_at, is_steerable, is_first };
        self.threads[thread].turn = Some(state);
        let thread_id = self.threads[thread].id.clone();
        self.notify(thread, "turn/started", json!({ "threadId": thread_id, "turn": turn }));
    }

    /// A turn that no `turn/start` asked for: a review, or a command of the user's own.
    pub(super) fn start_other_turn(&mut self, choices: &mut Choices) {
        let thread = self.thread(choices);
        if self.threads[thread].turn.is_some() || self.threads[thread].is_subagent {
            return self.complete_item(choices);
        }
        self.answer_turn_start(thread);
        let client = self.threads[thread].clients[0];
        let (id, thread_id) = (self.name("turn"), self.threads[thread].id.clone());
        if choices.once_in(2) {
            let params = json!({ "threadId": thread_id, "target": { "type": "uncommittedChanges" } });
            let result = json!({ "turn": turn_value(&id, "inProgress"), "reviewThreadId": thread_id });
            self.call(client, "review/start", params, Ok(result));
        } else {
            self.call(
                client,
                "thread/shellCommand",
                json!({ "threadId": thread_id, "command": MARKER }),
                Ok(json!({})),
            );
        }
        self.show_start(thread, &id, false, choices);
    }

    pub(super) fn steer(&mut self, choices: &mut Choices) {
        let thread = self.thread(choices);
        let client = self.client(choices);
        let (running, is_steerable) = match &self.threads[thread].turn {
            Some(turn) => (Some(turn.id.clone()), turn.is_steerable),
            None => (None, false),
        };
        let expected = running.clone().unwrap_or_else(|| "none".into());
        let params =
            json!({ "threadId": self.threads[thread].id, "expectedTurnId": expected, "input": self.input(choices) });
        let refused = |kind: &str| {
            json!({ "code": -32600, "message": "no", "data": { "message": MARKER, "additionalDetails": null,
                "codexErrorInfo": { "activeTurnNotSteerable": { "turnKind": kind } } } })
        };
        let invalid = |message: &str| json!({ "code": -32600, "message": message });
        let result = match (running, choices.below(4)) {
            (None, _) => Err(invalid("no active turn to steer")),
            (Some(_), _) if !is_steerable => Err(refused(choices.of(&["review", "compact"]))),
            (Some(_), 3) => Err(match choices.below(5) {
                0 => invalid("input must not be empty"),
                1 => invalid("expected active turn id `a` but found `b`"),
                2 => json!({ "code": -32602, "message": MARKER, "data": { "input_error_code": "input_too_large" } }),
                3 => json!({ "code": -32603, "message": MARKER }),
                _ => invalid("expectedTurnId must not be empty"),
            }),
            (Some(turn), _) => Ok(json!({ "turnId": turn })),
        };
        let request = self.request(client, "turn/steer", params);
        self.now += [0, 1500][choices.below(2)];
        self.respond(client, &request, result);
        self.catch_up_with(client);
    }

    pub(super) fn use_tokens(&mut self, choices: &mut Choices) {
        let thread = self.running(choices);
        if !choices.once_in(6) {
            let mut last = [0; 6];
            let kinds = if self.is_newer() { 6 } else { 5 };
            for count in &mut last[..kinds] {
                *count = [0, 7, 100, 3000][choices.below(4)];
            }
            let state = &mut self.threads[thread];
            state.last = last;
            for (total, last) in state.total.iter_mut().zip(last) {
                *total += last;
            }
        }
        self.threads[thread].has_usage = true;
        let turn = self.threads[thread].turn.as_ref().map(|turn| turn.id.clone()).unwrap_or_default();
        let usage = self.usage(thread, &turn);
        self.notify(thread, "thread/tokenUsage/updated", usage);
    }

    fn usage(&self, thread: usize, turn: &str) -> Value {
        let counts = |[input, cached, output, reasoning, total, written]: [i64; 6]| {
            let mut counts = json!({ "totalTokens": total, "inputTokens": input, "cachedInputTokens": cached,
                "outputTokens": output, "reasoningOutputTokens": reasoning });
            if self.is_newer() {
                counts["cacheWriteInputTokens"] = json!(written);
            }
            counts
        };
        let state = &self.threads[thread];
        json!({ "threadId": state.id, "turnId": turn, "tokenUsage": { "total": counts(state.total),
            "last": counts(state.last), "modelContextWindow": 272_000 } })
    }

    /// What a client that opens a thread is told of its usage.
    pub(super) fn replay_usage(&mut self, thread: usize, client: usize) {
        let text = json!({ "method": "thread/tokenUsage/updated", "params": self.usage(thread, "old") }).to_string();
        self.deliver(client, text);
    }

    pub(super) fn complete_turn(&mut self, choices: &mut Choices) {
        let thread = self.running(choices);
        let status = choices.of(&["completed", "completed", "failed", "interrupted"]);
        self.end_turn(thread, status, choices);
    }

    pub(super) fn end_turn(&mut self, thread: usize, status: &str, choices: &mut Choices) {
        self.clear_approvals(thread, choices);
        let Some(turn) = self.threads[thread].turn.take() else { return };
        let mut value = turn_value(&turn.id, status);
        if status == "failed" {
            let infos = [
                Value::Null,
                json!("serverOverloaded"),
                json!({ "responseStreamDisconnected": { "httpStatusCode": 502 } }),
                json!({ "httpConnectionFailed": { "httpStatusCode": null } }),
                json!("contextWindowExceeded"),
                json!("usageLimitExceeded"),
                json!("internalServerError"),
                json!("modelNotFound"),
                json!("cyberPolicy"),
                json!({ "responseTooManyFailedAttempts": { "httpStatusCode": 429 } }),
            ];
            let known = if self.is_newer() { infos.len() } else { 5 };
            let info = infos[choices.below(known)].clone();
            value["error"] =
                json!({ "message": error_text(choices), "codexErrorInfo": info, "additionalDetails": MARKER });
        }
        let times = [json!(self.now / 1000), Value::Null, json!(-1)];
        if self.is_newer() && choices.once_in(4) {
            value["rootTurnId"] = json!("root-turn");
        }
        value["startedAt"] = json!(turn.started_at);
        value["completedAt"] = times[choices.below(12).saturating_sub(9)].clone();
        value["durationMs"] =
            ([json!(1234), json!(0), Value::Null, json!(-5)])[choices.below(10).saturating_sub(6)].clone();
        let thread_id = self.threads[thread].id.clone();
        self.notify(thread, "turn/completed", json!({ "threadId": thread_id, "turn": value }));
        self.threads[thread].ended = Some(turn);
    }

    /// The user asks for a compaction, which is a turn of its own; or the server compacts within a turn.
    pub(super) fn compact(&mut self, choices: &mut Choices) {
        let thread = self.thread(choices);
        let is_manual = self.threads[thread].turn.is_none() && !self.threads[thread].is_subagent;
        if is_manual {
            self.answer_turn_start(thread);
            let client = self.threads[thread].clients[0];
            let thread_id = self.threads[thread].id.clone();
            self.call(client, "thread/compact/start", json!({ "threadId": thread_id }), Ok(json!({})));
            let id = self.name("turn");
            self.show_start(thread, &id, false, choices);
        }
        // Reviews and the user's commands do not compact.
        if !is_manual && !self.threads[thread].turn.as_ref().is_some_and(|turn| turn.is_steerable) {
            return;
        }
        let is_done = self.compact_turn(thread, choices);
        if is_manual || !is_done {
            let status = if is_done { "completed" } else { choices.of(&["failed", "interrupted"]) };
            self.end_turn(thread, status, choices);
        }
    }

    /// Compacts within a turn, and says whether it came to an end.
    fn compact_turn(&mut self, thread: usize, choices: &mut Choices) -> bool {
        let item = json!({ "type": "contextCompaction", "id": self.name("item") });
        self.item(thread, "item/started", "startedAtMs", &item);
        if choices.once_in(4) {
            for _ in 0..choices.below(3) {
                self.report_error(thread, choices);
            }
            return false;
        }
        self.threads[thread].last = [0, 0, 0, 0, 90, 0];
        self.threads[thread].has_usage = true;
        let turn = self.threads[thread].turn.as_ref().map(|turn| turn.id.clone()).unwrap_or_default();
        let usage = self.usage(thread, &turn);
        self.notify(thread, "thread/tokenUsage/updated", usage);
        self.item(thread, "item/completed", "completedAtMs", &item);
        true
    }

    fn report_error(&mut self, thread: usize, choices: &mut Choices) {
        let state = &self.threads[thread];
        let turn = state.turn.as_ref().map(|turn| turn.id.clone());
        let info = if choices.once_in(2) { json!("badRequest") } else { Value::Null };
        let error = json!({ "message": error_text(choices), "codexErrorInfo": info, "additionalDetails": MARKER });
        let params = json!({ "threadId": state.id, "turnId": turn, "error": error, "willRetry": choices.once_in(2) });
        self.notify(thread, "error", params);
    }

    /// A hook runs.
    pub(super) fn hook(&mut self, choices: &mut Choices) {
        let (thread, hook) = (self.running(choices), self.name("hook"));
        let state = &self.threads[thread];
        let turn = state.turn.as_ref().map(|turn| turn.id.clone());
        let names: &[&str] = if self.is_newer() && choices.once_in(3) {
            &["sessionEnd", "subagentStart", "subagentStop", "interrupt", "preModelRequest", "postModelRequest"]
        } else {
            &[
                "preToolUse",
                "permissionRequest",
                "postToolUse",
                "preCompact",
                "postCompact",
                "sessionStart",
                "userPromptSubmit",
                "stop",
            ]
        };
        let run = json!({ "id": hook, "handlerType": choices.of(&["command", "prompt", "agent"]),
            "executionMode": choices.of(&["sync", "async"]), "scope": "turn", "eventName": choices.of(names),
            "sourcePath": format!("/{MARKER}"), "statusMessage": MARKER, "displayOrder": 0, "startedAt": 1, "durationMs": choices.of(&[None, Some(12)]),
            "source": choices.of(&["user", "project", "sessionFlags", "legacyManagedConfigMdm", "unknown"]),
            "status": choices.of(&["completed", "failed", "blocked", "stopped", "running"]), "entries": [] });
        let params = json!({ "threadId": state.id, "turnId": turn, "run": run });
        self.notify(thread, "hook/completed", params);
    }
}

/// An error's text: a known sentence, one with somebody's words behind it, or nothing but those.
fn error_text(choices: &mut Choices) -> String {
    let text = choices.of(&[
        "Quota exceeded. Check your plan and billing details.",
        "Error running remote compact task: exceeded retry limit, last status: 429 Too Many Requests",
        "Error running remote compact task: exceeded retry limit, last status: 503 of MARKER",
        "Error running remote compact task: MARKER",
        "told to MARKER",
    ]);
    text.replace("MARKER", MARKER)
}
