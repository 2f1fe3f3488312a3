//! Reviews by the user and by the guardian (`docs/contract/rules.md` 5, `docs/contract/derived.md` 0, 2, 6).

use serde_json::{Value, json};

use super::threads::extend;
use super::{Model, passed, text};

/// What is known of an item's reviews.
#[derive(Clone, Debug, Default)]
pub(super) struct ItemReviews {
    pub(super) guardian: u64,
    pub(super) user: u64,
    pub(super) outcome: Option<String>,
    pub(super) additional: bool,
    pub(super) network: bool,
}

/// What a review is about.
#[derive(Clone, Debug)]
pub(super) struct Review {
    thread: String,
    turn: String,
    item: Value,
    id: String,
    subject: (&'static str, Value),
    trigger: &'static str,
    additional: bool,
    network: bool,
    started_at: Value,
}

/// A server request without an answer.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    id: String,
    method: String,
    requested: Value,
    review: Review,
}

const COMMAND: &str = "item/commandExecution/requestApproval";
const FILE_CHANGE: &str = "item/fileChange/requestApproval";
const PERMISSIONS: &str = "item/permissions/requestApproval";

/// What a request for permissions is called, and whether it asks for more and for the network.
fn of_permissions(permissions: &Value) -> (&'static str, bool, bool) {
    let network = permissions["network"]["enabled"] == true;
    let additional = network || !permissions["fileSystem"].is_null();
    let trigger = match (network, additional) {
        (true, _) => "network_policy_denial",
        (_, true) => "sandbox_denial",
        _ => "initial",
    };
    (trigger, additional, network)
}

/// The status and resolution of an answer, if it fits its request.
fn decision(method: &str, requested: &Value, result: &Value) -> Option<(&'static str, &'static str)> {
    let answer = &result["decision"];
    if method == PERMISSIONS {
        let granted = &result["permissions"];
        let is_session = result["scope"] == "session";
        let is_granted = |name: &str| !granted[name].is_null() && !requested[name].is_null();
        let is_empty = !is_granted("network") && !is_granted("fileSystem");
        let is_contradictory = result["strictAutoReview"] == true && is_session;
        return Some(match (is_empty || is_contradictory, is_session) {
            (true, _) => ("denied", "none"),
            (false, true) => ("approved", "session_approval"),
            (false, false) => ("approved", "none"),
        });
    }
    match answer.as_str() {
        Some("accept") => return Some(("approved", "none")),
        Some("acceptForSession") => return Some(("approved", "session_approval")),
        Some("decline") => return Some(("denied", "none")),
        Some("cancel") => return Some(("aborted", "none")),
        _ => {}
    }
    let rule = &answer["applyNetworkPolicyAmendment"]["network_policy_amendment"]["action"];
    match rule.as_str() {
        Some("allow") => Some(("approved", "network_policy_amendment")),
        Some("deny") => Some(("denied", "network_policy_amendment")),
        _ if answer.get("acceptWithExecpolicyAmendment").is_some() => Some(("approved", "exec_policy_amendment")),
        _ => None,
    }
}

impl Model {
    pub(super) fn asked(&mut self, method: &str, request: &Value) {
        let (params, id) = (&request["params"], request["id"].to_string());
        if method == "item/tool/requestUserInput" || method == "mcpServer/elicitation/request" {
            return self.inquired(method, &id, params);
        }
        if ![COMMAND, FILE_CHANGE, PERMISSIONS].contains(&method) || !self.asked.insert(id.clone()) {
            return;
        }
        if params["startedAtMs"].as_i64().is_none_or(|at| at < 0) {
            return;
        }
        let has = |name: &str| !params[name].is_null();
        let is_typed = method == COMMAND && params["kind"] == "writeStdin";
        let (subject, (trigger, additional, network)) = match method {
            COMMAND if is_typed => ("write_stdin", ("initial", false, false)),
            COMMAND => {
                let is_network = has("networkApprovalContext");
                let amendments = params["proposedNetworkPolicyAmendments"].as_array();
                let network = is_network
                    || amendments.is_some_and(|amendments| !amendments.is_empty())
                    || params["additionalPermissions"]["network"]["enabled"] == true;
                let additional = has("additionalPermissions");
                let trigger = match (has("approvalId"), network, additional) {
                    (true, _, _) => "execve_intercept",
                    (_, true, _) => "network_policy_denial",
                    (_, _, true) => "sandbox_denial",
                    _ => "initial",
                };
                (if is_network { "network_access" } else { "command_execution" }, (trigger, additional, network))
            }
            FILE_CHANGE => {
                let additional = has("grantRoot");
                ("file_change", (if additional { "sandbox_denial" } else { "initial" }, additional, false))
            }
            _ => ("permissions", of_permissions(&params["permissions"])),
        };
        let name = if subject == "file_change" { "apply_patch" } else { subject };
        let review = Review {
            thread: text(&params["threadId"]),
            turn: text(&params["turnId"]),
            item: params["itemId"].clone(),
            id: format!("user:{}", request["id"].as_str().map_or(id.clone(), str::to_owned)),
            subject: (subject, json!(name)),
            trigger,
            additional,
            network,
            started_at: params["startedAtMs"].clone(),
        };
        self.pending.push(Pending { id, method: method.into(), requested: params["permissions"].clone(), review });
    }

    fn take(&mut self, id: &str) -> Option<Pending> {
        let at = self.pending.iter().position(|pending| pending.id == id)?;
        Some(self.pending.remove(at))
    }

    pub(super) fn answered(&mut self, id: &str, answer: &Value) {
        let Some(Pending { method, requested, review, .. }) = self.take(id) else { return };
        let decided = match answer.get("result") {
            Some(result) => decision(&method, &requested, result),
            None => Some(("aborted", "none")),
        };
        if let Some((status, resolution)) = decided {
            self.reviewed(&review, "user", status, resolution, &json!(self.at));
        }
    }

    pub(super) fn resolved(&mut self, id: &str) {
        if let Some(pending) = self.take(id) {
            self.reviewed(&pending.review, "user", "aborted", "none", &json!(self.at));
        }
    }

    /// A thread's turn changes: what it still asks is not answered any more.
    pub(super) fn clear(&mut self, thread: &str) {
        let ids: Vec<String> = self
            .pending
            .iter()
            .filter(|pending| pending.review.thread == thread)
            .map(|pending| pending.id.clone())
            .collect();
        for id in ids {
            self.resolved(&id);
        }
    }

    fn reviewed(&mut self, review: &Review, reviewer: &str, status: &str, resolution: &str, completed_at: &Value) {
        let (kind, name) = &review.subject;
        if matches!(*kind, "command_execution" | "file_change" | "mcp_tool_call") && !review.item.is_null() {
            let key = (review.thread.clone(), review.turn.clone(), text(&review.item));
            let reviews = self.item_reviews.entry(key).or_default();
            let outcome = match (reviewer, status) {
                ("guardian", "approved" | "denied") => format!("guardian_{status}"),
                ("guardian", _) => "guardian_aborted".into(),
                (_, "approved") if resolution == "session_approval" => "user_approved_for_session".into(),
                _ => format!("user_{status}"),
            };
            *(if reviewer == "guardian" { &mut reviews.guardian } else { &mut reviews.user }) += 1;
            reviews.outcome = Some(outcome);
            reviews.additional |= review.additional;
            reviews.network |= review.network;
        }
        let Some(mut event) = self.context(&review.thread) else { return };
        // A review names no session.
        event.as_object_mut().and_then(|members| members.remove("session_id"));
        extend(
            &mut event,
            json!({ "thread_id": review.thread, "turn_id": review.turn, "item_id": review.item, "review_id": review.id,
                "subject_kind": kind, "subject_name": name, "reviewer": reviewer, "trigger": review.trigger, "status": status,
                "resolution": resolution, "started_at_ms": review.started_at, "completed_at_ms": completed_at,
                "duration_ms": passed(&review.started_at, completed_at) }),
        );
        self.emit("codex_review_event", event);
    }

    pub(super) fn guardian_decided(&mut self, params: &Value) {
        let action = &params["action"];
        let kind = text(&action["type"]);
        let (subject, (trigger, additional, network)) = match kind.as_str() {
            "command" => (("command_execution", json!("command_execution")), ("initial", false, false)),
            "execve" => (("command_execution", json!("command_execution")), ("execve_intercept", false, false)),
            "writeStdin" => (("write_stdin", json!("write_stdin")), ("initial", false, false)),
            "applyPatch" => (("file_change", json!("apply_patch")), ("sandbox_denial", true, false)),
            "networkAccess" => (("network_access", json!("network_access")), ("network_policy_denial", true, true)),
            "requestPermissions" => (("permissions", json!("permissions")), of_permissions(&action["permissions"])),
            _ => (("mcp_tool_call", action["toolName"].clone()), ("initial", false, false)),
        };
        if kind == "mcpToolCall" {
            self.connector_reviewed(params);
        }
        let status = match params["review"]["status"].as_str() {
            Some("timedOut") => "timed_out",
            Some("approved") => "approved",
            Some("denied") => "denied",
            Some("aborted") => "aborted",
            _ => return,
        };
        let (thread, turn) = (text(&params["threadId"]), text(&params["turnId"]));
        let (started_at, completed_at) = (&params["startedAtMs"], &params["completedAtMs"]);
        self.guardian_event(params, status);
        let review = Review {
            thread,
            turn,
            item: params["targetItemId"].clone(),
            id: text(&params["reviewId"]),
            subject,
            trigger,
            additional,
            network,
            started_at: started_at.clone(),
        };
        self.reviewed(&review, "guardian", status, "none", completed_at);
    }

    fn guardian_event(&mut self, params: &Value, status: &str) {
        let Some(context) = self.context(&text(&params["threadId"])) else { return };
        let (action, review) = (&params["action"], &params["review"]);
        let reviewed = match action["type"].as_str().unwrap_or_default() {
            "command" if action["source"] == "shell" => {
                json!({ "type": "shell", "sandbox_permissions": "use_default", "additional_permissions": null })
            }
            "command" => {
                json!({ "type": "unified_exec", "sandbox_permissions": "use_default", "additional_permissions": null, "tty": false })
            }
            "execve" => {
                let source = if action["source"] == "shell" { "shell" } else { "unified_exec" };
                let mut execve = json!({ "type": "execve", "source": source, "additional_permissions": null });
                if !self.server(&text(&params["threadId"])).is_since(159) {
                    execve["program"] = action["program"].clone();
                }
                execve
            }
            "applyPatch" => json!({ "type": "apply_patch" }),
            "writeStdin" => json!({ "type": "write_stdin", "tty": action["tty"] == true }),
            "networkAccess" => {
                let protocol = match action["protocol"].as_str().unwrap_or_default() {
                    "socks5Tcp" => "socks5_tcp",
                    "socks5Udp" => "socks5_udp",
                    protocol => protocol,
                };
                json!({ "type": "network_access", "protocol": protocol, "port": action["port"] })
            }
            "mcpToolCall" => {
                json!({ "type": "mcp_tool_call", "server": action["server"], "tool_name": action["toolName"],
                "connector_id": action["connectorId"], "connector_name": action["connectorName"], "tool_title": action["toolTitle"] })
            }
            _ => json!({ "type": "request_permissions" }),
        };
        // A reviewer that failed is shown as one that denied.
        let is_failure =
            status == "denied" && text(&review["rationale"]).starts_with("Automatic approval review failed");
        let level = |name: &str| if is_failure { Value::Null } else { review[name].clone() };
        let (failure, outcome) = match status {
            "denied" if is_failure => (Value::Null, Value::Null),
            "timed_out" => (json!("timeout"), Value::Null),
            "aborted" => (json!("cancelled"), Value::Null),
            "approved" => (Value::Null, json!("allow")),
            _ => (Value::Null, json!("deny")),
        };
        let seconds = |name: &str| json!(params[name].as_i64().unwrap_or_default() / 1000);
        let provider = self.setting_of(&text(&params["threadId"]), &text(&params["turnId"]), "model_provider");
        let event = json!({ "app_server_client": context["app_server_client"], "runtime": context["runtime"],
            "session_id": context["session_id"], "attempt_count": null, "guardian_context_mode": null,
            "guardian_default_review_model_id": null, "guardian_catalog_contains_auto_review": null,
            "guardian_review_model_overridden": null, "guardian_review_model_override": null,
            "guardian_model_provider_id": provider, "cache_write_input_tokens": null,
            "thread_id": params["threadId"], "turn_id": params["turnId"], "review_id": params["reviewId"],
            "target_item_id": params["targetItemId"], "approval_request_source": "main_turn", "reviewed_action": reviewed,
            "reviewed_action_truncated": false, "decision": if status == "timed_out" { "denied" } else { status },
            "terminal_status": if is_failure { "failed_closed" } else { status }, "failure_reason": failure,
            "risk_level": level("riskLevel"), "user_authorization": level("userAuthorization"), "outcome": outcome, "guardian_thread_id": null,
            "guardian_session_kind": null, "guardian_model": null, "guardian_reasoning_effort": null,
            "had_prior_review_context": null, "review_timeout_ms": 90000, "tool_call_count": null,
            "time_to_first_token_ms": null, "completion_latency_ms": passed(&params["startedAtMs"], &params["completedAtMs"]),
            "started_at": seconds("startedAtMs"), "completed_at": seconds("completedAtMs"), "input_tokens": null,
            "cached_input_tokens": null, "output_tokens": null, "reasoning_output_tokens": null, "total_tokens": null });
        self.emit("codex_guardian_review", event);
    }
}
