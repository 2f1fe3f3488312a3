//! Approvals are asked, answered, aborted and repeated, and the guardian decides.

use serde_json::{Value, json};

use super::world::World;
use super::{Choices, MARKER};

const COMMAND: &str = "item/commandExecution/requestApproval";
const FILE_CHANGE: &str = "item/fileChange/requestApproval";
const PERMISSIONS: &str = "item/permissions/requestApproval";

fn permissions(choices: &mut Choices) -> Value {
    let files = json!({ "read": null, "write": [format!("/{MARKER}")] });
    match choices.below(6) {
        0 => json!({}),
        1 => json!({ "network": { "enabled": true } }),
        2 => json!({ "network": { "enabled": false } }),
        3 => json!({ "network": null, "fileSystem": files }),
        4 => json!({ "network": { "enabled": true }, "fileSystem": files }),
        _ => json!({ "network": { "enabled": null }, "fileSystem": files }),
    }
}

/// A command's approval, with what may be asked for beside it.
fn command(params: &mut Value, choices: &mut Choices) {
    params["command"] = json!(MARKER);
    params["reason"] = json!(MARKER);
    match choices.below(7) {
        0..=2 => {}
        3 => params["networkApprovalContext"] = json!({ "host": MARKER, "protocol": "https" }),
        4 => {
            params["proposedNetworkPolicyAmendments"] =
                [json!([]), json!([{ "host": MARKER, "action": "allow" }])][choices.below(2)].clone();
        }
        5 => params["additionalPermissions"] = permissions(choices),
        _ => params["proposedExecpolicyAmendment"] = json!([MARKER]),
    }
    if choices.once_in(6) {
        params["approvalId"] = json!("sub");
    }
}

fn decision(method: &str, choices: &mut Choices) -> Value {
    let rule = |action: &str| json!({ "applyNetworkPolicyAmendment": { "network_policy_amendment": { "host": MARKER, "action": action } } });
    match method {
        COMMAND => {
            let decision = match choices.below(7) {
                4 => json!({ "acceptWithExecpolicyAmendment": { "execpolicy_amendment": [MARKER] } }),
                5 => rule("allow"),
                6 => rule("deny"),
                choice => json!(["accept", "acceptForSession", "decline", "cancel"][choice]),
            };
            json!({ "decision": decision })
        }
        FILE_CHANGE => json!({ "decision": choices.of(&["accept", "acceptForSession", "decline", "cancel"]) }),
        _ => {
            let mut result = json!({ "permissions": permissions(choices) });
            match choices.below(4) {
                0 => {}
                1 => result["scope"] = json!("turn"),
                _ => result["scope"] = json!("session"),
            }
            if choices.once_in(5) {
                result["strictAutoReview"] = json!(true);
            }
            result
        }
    }
}

impl World {
    /// An item of the turn that a review is about, or one that nobody knows.
    fn subject(&mut self, thread: usize, choices: &mut Choices) -> String {
        let known = self.threads[thread].turn.as_ref().map(|turn| turn.known.clone()).unwrap_or_default();
        if known.is_empty() || choices.once_in(10) {
            return self.name("item");
        }
        known[known.len() - 1 - choices.below(known.len())].clone()
    }

    pub(super) fn ask(&mut self, choices: &mut Choices) {
        let thread = self.running(choices);
        let item = self.subject(thread, choices);
        let state = &self.threads[thread];
        let turn = state.turn.as_ref().map(|turn| turn.id.clone()).unwrap_or_default();
        let started_at = match choices.below(20) {
            19 => json!(-1),
            18 => json!(self.now + 100_000_000),
            _ => json!(self.now),
        };
        let mut params = json!({ "threadId": state.id, "turnId": turn, "itemId": item, "startedAtMs": started_at });
        let method = choices.of(&[COMMAND, FILE_CHANGE, PERMISSIONS, COMMAND]);
        match method {
            COMMAND => {
                command(&mut params, choices);
                if self.is_newer() && choices.once_in(5) {
                    params["kind"] = json!("writeStdin");
                }
            }
            FILE_CHANGE => params["grantRoot"] = ([Value::Null, json!(format!("/{MARKER}"))])[choices.below(2)].clone(),
            _ => {
                params["cwd"] = json!(format!("/{MARKER}"));
                params["permissions"] = permissions(choices);
            }
        }
        self.ask_clients(thread, method, params);
    }

    pub(super) fn answer(&mut self, choices: &mut Choices) {
        if self.approvals.is_empty() {
            return self.ask(choices);
        }
        // Another client's answer comes too late.
        if !self.settled.is_empty() && choices.once_in(6) {
            let (id, thread) = self.settled[choices.below(self.settled.len())];
            let clients = self.threads[thread].clients.clone();
            return self.answer_with(choices.of(&clients), id, Ok(json!({ "decision": "accept" })));
        }
        let approval = self.approvals.swap_remove(choices.below(self.approvals.len()));
        let clients = self.threads[approval.thread].clients.clone();
        let answer = match choices.below(10) {
            8 => Err(json!({ "code": -1, "message": MARKER })),
            9 => Ok(json!({ "decision": 7, "permissions": 7 })),
            _ => Ok(decision(approval.method, choices)),
        };
        self.now += [20, 4000, 60_000][choices.below(3)];
        self.answer_with(choices.of(&clients), approval.id, answer);
        self.settle(approval.thread, approval.id, choices);
    }

    fn settle(&mut self, thread: usize, id: u64, choices: &mut Choices) {
        self.settled.push((id, thread));
        // A client may have opted out of this.
        if !choices.once_in(4) {
            let params = json!({ "threadId": self.threads[thread].id, "requestId": id });
            self.notify(thread, "serverRequest/resolved", params);
        }
    }

    /// The end of a turn clears what its thread still asks.
    pub(super) fn clear_approvals(&mut self, thread: usize, choices: &mut Choices) {
        let (cleared, kept) =
            std::mem::take(&mut self.approvals).into_iter().partition(|approval| approval.thread == thread);
        self.approvals = kept;
        let cleared: Vec<super::world::Approval> = cleared;
        for approval in cleared {
            self.settle(thread, approval.id, choices);
        }
    }

    pub(super) fn guardian_review(&mut self, choices: &mut Choices) {
        let thread = self.running(choices);
        let item = self.subject(thread, choices);
        let action = match choices.below(if self.is_newer() { 7 } else { 6 }) {
            6 if choices.once_in(2) => json!({ "type": "writeStdin" }),
            6 => json!({ "type": "writeStdin", "tty": choices.once_in(2) }),
            0 => {
                json!({ "type": "command", "source": choices.of(&["shell", "unifiedExec"]), "command": MARKER, "cwd": MARKER })
            }
            1 => json!({ "type": "execve", "source": "shell", "program": "git", "argv": [MARKER], "cwd": MARKER }),
            2 => json!({ "type": "applyPatch", "cwd": MARKER, "files": [MARKER] }),
            3 => {
                json!({ "type": "networkAccess", "target": MARKER, "host": MARKER, "protocol": choices.of(&["http", "socks5Tcp"]), "port": 443 })
            }
            4 => {
                json!({ "type": "mcpToolCall", "server": "docs", "toolName": "lookup", "connectorId": "c", "connectorName": null })
            }
            _ => json!({ "type": "requestPermissions", "reason": MARKER, "permissions": permissions(choices) }),
        };
        let target = if action["type"] == "networkAccess" { Value::Null } else { json!(item) };
        self.reviewed(thread, &target, &action, choices);
    }

    /// The automatic reviewer sees a call of an app's tool before it starts.
    pub(super) fn review_call(&mut self, thread: usize, item: &str, choices: &mut Choices) {
        let name = choices.of(&[None, Some("Calendar")]);
        let action = json!({ "type": "mcpToolCall", "server": "codex_apps", "toolName": "lookup",
            "connectorId": self.app(choices), "connectorName": name });
        self.reviewed(thread, &json!(item), &action, choices);
    }

    fn reviewed(&mut self, thread: usize, target: &Value, action: &Value, choices: &mut Choices) {
        let state = &self.threads[thread];
        let turn = state.turn.as_ref().map(|turn| turn.id.clone()).unwrap_or_default();
        let status = choices.of(&["approved", "denied", "timedOut", "aborted"]);
        let is_decided = status == "approved" || status == "denied";
        let level = |text: &str| if is_decided { json!(text) } else { Value::Null };
        let mut params = json!({ "threadId": state.id, "turnId": turn, "startedAtMs": self.now, "reviewId": self.name("review"),
            "targetItemId": target, "action": action,
            "review": { "status": "inProgress", "riskLevel": null, "userAuthorization": null, "rationale": null } });
        self.notify(thread, "item/autoApprovalReview/started", params.clone());
        params["review"] = json!({ "status": status, "riskLevel": level(choices.of(&["low", "medium", "high", "critical"])),
            "userAuthorization": level(choices.of(&["low", "medium", "high"])), "rationale": MARKER });
        if status == "denied" && choices.once_in(4) {
            let rationale = format!("Automatic approval review failed: {MARKER}");
            params["review"] = json!({ "status": status, "riskLevel": "high", "userAuthorization": "unknown", "rationale": rationale });
        }
        params["completedAtMs"] = json!(self.now + [2500, 0][choices.below(2)]);
        params["decisionSource"] = json!("agent");
        self.notify(thread, "item/autoApprovalReview/completed", params);
    }
}
