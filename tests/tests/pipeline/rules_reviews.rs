//! The mapping tables of `docs/contract/rules.md`, row by row: reviews.

use serde_json::{Value, json};
use turnledger_core::Direction;
use turnledger_core::discard::{Reason, Subject};
use turnledger_tests::server::{Server, item, pick, with};

fn command(more: Value) -> Value {
    with(json!({ "threadId": "T", "turnId": "U", "itemId": "i", "startedAtMs": 1000 }), more)
}

fn ask(server: &mut Server, method: &str, params: Value, answer: Value) -> Value {
    server.send(Direction::ServerToClient, &json!({ "id": 7, "method": method, "params": params }));
    server.send(Direction::ClientToServer, &with(json!({ "id": 7 }), answer));
    server.one()
}

const COMMAND: &str = "item/commandExecution/requestApproval";
const PATCH: &str = "item/fileChange/requestApproval";
const PERMISSIONS: &str = "item/permissions/requestApproval";

/// `docs/contract/rules.md` 5.1: subject, trigger and flags. The flags show on the item.
#[test]
fn what_a_user_is_asked() {
    let network = json!({ "network": { "enabled": true } });
    let amendment = json!([{ "host": "h", "action": "allow" }]);
    for (method, more, expected) in [
        (COMMAND, json!({}), ("command_execution", "command_execution", "initial", false, false)),
        (
            COMMAND,
            json!({ "networkApprovalContext": { "host": "h", "protocol": "https" } }),
            ("network_access", "network_access", "network_policy_denial", false, false),
        ),
        (
            COMMAND,
            json!({ "proposedNetworkPolicyAmendments": amendment }),
            ("command_execution", "command_execution", "network_policy_denial", false, true),
        ),
        (
            COMMAND,
            json!({ "proposedNetworkPolicyAmendments": [] }),
            ("command_execution", "command_execution", "initial", false, false),
        ),
        (
            COMMAND,
            json!({ "additionalPermissions": network }),
            ("command_execution", "command_execution", "network_policy_denial", true, true),
        ),
        (
            COMMAND,
            json!({ "additionalPermissions": { "network": { "enabled": false } } }),
            ("command_execution", "command_execution", "sandbox_denial", true, false),
        ),
        (
            COMMAND,
            json!({ "additionalPermissions": {} }),
            ("command_execution", "command_execution", "sandbox_denial", true, false),
        ),
        (
            COMMAND,
            json!({ "approvalId": "a", "additionalPermissions": network }),
            ("command_execution", "command_execution", "execve_intercept", true, true),
        ),
        (
            COMMAND,
            json!({ "kind": "command", "additionalPermissions": network }),
            ("command_execution", "command_execution", "network_policy_denial", true, true),
        ),
        (
            COMMAND,
            json!({ "kind": "writeStdin", "additionalPermissions": network, "approvalId": "a",
                "networkApprovalContext": { "host": "h", "protocol": "https" } }),
            ("write_stdin", "write_stdin", "initial", false, false),
        ),
        (PATCH, json!({}), ("file_change", "apply_patch", "initial", false, false)),
        (PATCH, json!({ "grantRoot": "/x" }), ("file_change", "apply_patch", "sandbox_denial", true, false)),
        (
            PERMISSIONS,
            json!({ "permissions": network }),
            ("permissions", "permissions", "network_policy_denial", false, false),
        ),
        (
            PERMISSIONS,
            json!({ "permissions": { "fileSystem": { "read": [] } } }),
            ("permissions", "permissions", "sandbox_denial", false, false),
        ),
        (
            PERMISSIONS,
            json!({ "permissions": { "network": { "enabled": false } } }),
            ("permissions", "permissions", "initial", false, false),
        ),
    ] {
        let mut server = Server::new();
        let review = ask(&mut server, method, command(more.clone()), json!({ "error": { "code": 1, "message": "" } }));
        let (kind, name, trigger, additional, access) = expected;
        assert_eq!(
            pick(&review, &["subject_kind", "subject_name", "trigger"]),
            [kind, name, trigger].map(Value::from),
            "{more}"
        );
        let item = server.item(item("commandExecution"));
        let counted = matches!(kind, "command_execution" | "file_change");
        assert_eq!(
            pick(&item, &["requested_additional_permissions", "requested_network_access", "user_review_count"]),
            [json!(additional), json!(access), json!(u64::from(counted))],
            "{more}"
        );
    }
}

/// `docs/contract/rules.md` 5.2 and the user's rows of 5.5.
#[test]
fn what_a_user_decides() {
    let network = |action: &str| json!({ "applyNetworkPolicyAmendment": { "network_policy_amendment": { "host": "h", "action": action } } });
    let decided = |decision: Value| json!({ "result": { "decision": decision } });
    let granted = |permissions: Value, scope: &str| json!({ "result": { "permissions": permissions, "scope": scope } });
    let error = json!({ "error": { "code": 1, "message": "" } });
    let amendment = json!({ "acceptWithExecpolicyAmendment": { "execpolicy_amendment": ["x"] } });
    for (method, answer, status, resolution, outcome) in [
        (COMMAND, decided(json!("accept")), "approved", "none", "user_approved"),
        (COMMAND, decided(json!("acceptForSession")), "approved", "session_approval", "user_approved_for_session"),
        (COMMAND, decided(amendment), "approved", "exec_policy_amendment", "user_approved"),
        (COMMAND, decided(network("allow")), "approved", "network_policy_amendment", "user_approved"),
        (COMMAND, decided(network("deny")), "denied", "network_policy_amendment", "user_denied"),
        (COMMAND, decided(json!("decline")), "denied", "none", "user_denied"),
        (COMMAND, decided(json!("cancel")), "aborted", "none", "user_aborted"),
        (COMMAND, error.clone(), "aborted", "none", "user_aborted"),
        (PATCH, decided(json!("accept")), "approved", "none", "user_approved"),
        (PATCH, decided(json!("acceptForSession")), "approved", "session_approval", "user_approved_for_session"),
        (PATCH, decided(json!("decline")), "denied", "none", "user_denied"),
        (PATCH, decided(json!("cancel")), "aborted", "none", "user_aborted"),
        (PATCH, error.clone(), "aborted", "none", "user_aborted"),
        (PERMISSIONS, granted(json!({}), "session"), "denied", "none", "unknown"),
        (PERMISSIONS, granted(json!({ "network": { "enabled": true } }), "turn"), "approved", "none", "unknown"),
        (
            PERMISSIONS,
            granted(json!({ "network": { "enabled": false } }), "session"),
            "approved",
            "session_approval",
            "unknown",
        ),
        (PERMISSIONS, error, "aborted", "none", "unknown"),
    ] {
        let mut server = Server::new();
        let review = ask(
            &mut server,
            method,
            command(json!({ "permissions": { "network": { "enabled": true } } })),
            answer.clone(),
        );
        assert_eq!(
            pick(&review, &["status", "resolution", "reviewer", "review_id", "duration_ms"]),
            [json!(status), json!(resolution), json!("user"), json!("user:7"), json!(8000)],
            "{method} {answer}"
        );
        assert_eq!(server.item(item("fileChange"))["final_approval_outcome"], outcome, "{method} {answer}");
    }
}

/// From 0.159 on the guardian's event says less of the action: no program, and no files that are asked for.
#[test]
fn what_the_guardian_no_longer_says() {
    let files = json!({ "network": { "enabled": true }, "file_system": { "read": ["/secret"] } });
    let fewer = json!({ "network": { "enabled": true }, "file_system": null });
    let redacted = json!({ "network": { "enabled": true }, "file_system": { "read": ["[path]"] } });
    for (version, program, asked) in [("0.158.0", Some("git"), redacted), ("0.159.0", None, fewer)] {
        for (action, has_program) in [
            (json!({ "type": "shell", "sandbox_permissions": "with_additional_permissions" }), false),
            (
                json!({ "type": "unified_exec", "sandbox_permissions": "with_additional_permissions", "tty": true }),
                false,
            ),
            (json!({ "type": "execve", "source": "shell", "program": "/bin/git" }), true),
            (json!({ "type": "write_stdin", "tty": true }), false),
        ] {
            let asks = action["type"] != "write_stdin";
            let action = if asks { with(action, json!({ "additional_permissions": files })) } else { action };
            let mut expected = action.clone();
            if asks {
                expected["additional_permissions"] = asked.clone();
            }
            if has_program {
                let members = expected.as_object_mut().expect("an object");
                members.remove("program");
                members.extend(program.map(|program| ("program".into(), json!(program))));
            }
            let mut server = Server::empty();
            server.connect(version, json!({}));
            server.fact(json!({ "guardian_review": {
                "thread_id": "T", "turn_id": "U", "review_id": "r", "target_item_id": null,
                "approval_request_source": "main_turn", "reviewed_action": action, "reviewed_action_truncated": false,
                "decision": "denied", "terminal_status": "denied", "failure_reason": "stale_authorization",
                "review_timeout_ms": 90000, "started_at": 1 } }));
            let event = server.one();
            assert_eq!(
                pick(&event, &["reviewed_action", "failure_reason"]),
                [expected, json!("stale_authorization")],
                "{version}"
            );
        }
    }
}

/// `docs/contract/rules.md` 5.3 and the guardian's rows of 5.5.
#[test]
fn what_the_guardian_decides() {
    let review = |server: &mut Server, action: &Value, status: &str| {
        server.note(
            "item/autoApprovalReview/completed",
            json!({ "threadId": "T", "turnId": "U", "startedAtMs": 10, "completedAtMs": 30, "reviewId": "r",
            "targetItemId": "i", "review": { "status": status }, "action": action }),
        );
        server.take()
    };
    let permissions = |permissions: Value| json!({ "type": "requestPermissions", "permissions": permissions });
    for (action, kind, name, trigger, additional, access) in [
        (
            json!({ "type": "command", "source": "shell" }),
            "command_execution",
            "command_execution",
            "initial",
            false,
            false,
        ),
        (
            json!({ "type": "execve", "source": "shell", "program": "p" }),
            "command_execution",
            "command_execution",
            "execve_intercept",
            false,
            false,
        ),
        (json!({ "type": "writeStdin", "tty": true }), "write_stdin", "write_stdin", "initial", false, false),
        (json!({ "type": "applyPatch" }), "file_change", "apply_patch", "sandbox_denial", true, false),
        (
            json!({ "type": "networkAccess", "protocol": "http", "port": 80 }),
            "network_access",
            "network_access",
            "network_policy_denial",
            false,
            false,
        ),
        (
            permissions(json!({ "network": { "enabled": true } })),
            "permissions",
            "permissions",
            "network_policy_denial",
            false,
            false,
        ),
        (permissions(json!({ "fileSystem": {} })), "permissions", "permissions", "sandbox_denial", false, false),
        (permissions(json!({})), "permissions", "permissions", "initial", false, false),
        (
            json!({ "type": "mcpToolCall", "server": "s", "toolName": "a tool" }),
            "mcp_tool_call",
            "a tool",
            "initial",
            false,
            false,
        ),
    ] {
        let mut server = Server::new();
        // The details come first, then the review.
        let (events, discards) = review(&mut server, &action, "approved");
        assert_eq!((events.len(), discards), (2, vec![]), "{action}");
        assert_eq!(events[0]["review_id"], events[1]["review_id"]);
        assert_eq!(
            pick(&events[1], &["subject_kind", "subject_name", "trigger", "reviewer", "resolution"]),
            [kind, name, trigger, "guardian", "none"].map(Value::from)
        );
        let item = server.item(item("webSearch"));
        let counted = matches!(kind, "command_execution" | "file_change" | "mcp_tool_call");
        assert_eq!(
            pick(&item, &["guardian_review_count", "requested_additional_permissions", "requested_network_access"]),
            [json!(u64::from(counted)), json!(additional), json!(access)],
            "{action}"
        );
    }
    let action = json!({ "type": "command", "source": "shell" });
    for (status, expected, outcome) in [
        ("approved", "approved", "guardian_approved"),
        ("denied", "denied", "guardian_denied"),
        ("aborted", "aborted", "guardian_aborted"),
        ("timedOut", "timed_out", "guardian_aborted"),
    ] {
        let mut server = Server::new();
        assert_eq!(review(&mut server, &action, status).0[1]["status"], expected);
        assert_eq!(server.item(item("webSearch"))["final_approval_outcome"], outcome);
    }
    assert_eq!(review(&mut Server::new(), &action, "inProgress"), (vec![], vec![(Subject::Review, Reason::NotFinal)]));
}
