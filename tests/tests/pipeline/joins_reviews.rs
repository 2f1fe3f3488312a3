//! How approval requests and answers are joined to reviews, and reviews to items
//! (`docs/contract/rules.md` 5.1 to 5.4).

use crate::support::{
    Session, answer, approval, ask, changed, client, discarded, initialize, item, item_completed, item_started,
    nothing, started, thread, verdict, with,
};
use serde_json::{Value, json};
use turnledger_core::discard::{Reason, Subject};

/// The event of a request with id 41 that was accepted, but for what a test says.
fn reviewed(more: Value) -> Value {
    changed("codex_review_event", with(json!({ "resolution": "none" }), more))
}

fn guarded(more: Value) -> Value {
    let base = json!({ "review_id": "r", "reviewer": "guardian", "started_at_ms": 1000, "completed_at_ms": 1250, "duration_ms": 250 });
    reviewed(with(base, more))
}

fn aborted(id: impl Into<Value>) -> Value {
    json!({ "server_request_aborted": { "completed_at_ms": 1_771_000_306_005_u64, "request_id": id.into() } })
}

fn granted(id: u64, permissions: Value, scope: &str) -> Value {
    json!({ "effective_permissions_approval_response": { "completed_at_ms": 1_771_000_306_005_u64, "request_id": id,
        "permissions": permissions, "scope": scope } })
}

/// What the item `call_1` shows of its reviews.
fn item_reviews(session: &mut Session) -> Value {
    let command = with(item("commandExecution"), json!({ "id": "call_1" }));
    session.fact(item_started("T1", "turn-77", 10, &command));
    let mut event = session.one(item_completed("T1", "turn-77", 30, &command));
    let mut shown = json!({});
    for name in [
        "review_count",
        "guardian_review_count",
        "user_review_count",
        "final_approval_outcome",
        "requested_additional_permissions",
        "requested_network_access",
    ] {
        shown[name] = event["event_params"][name].take();
    }
    shown
}

fn counts(guardian: u64, user: u64, outcome: &str, additional: bool, network: bool) -> Value {
    json!({ "review_count": guardian + user, "guardian_review_count": guardian, "user_review_count": user,
        "final_approval_outcome": outcome, "requested_additional_permissions": additional, "requested_network_access": network })
}

fn accept() -> Value {
    json!({ "command_approval": "accept" })
}

/// `docs/contract/rules.md` 5.1: ids, times, repeated and other requests.
#[test]
fn requests() {
    for (id, review_id) in
        [(json!(41), "user:41"), (json!("abc"), "user:abc"), (json!("41"), "user:41"), (json!(-1), "user:-1")]
    {
        let mut session = Session::new();
        session.fact(ask(id.clone(), "commandExecution", approval("call_1", json!({}))));
        assert_eq!(session.one(answer(id, accept())), reviewed(json!({ "review_id": review_id })));
    }
    // The number and the text are two requests.
    let mut session = Session::new();
    session.fact(ask(41, "commandExecution", approval("call_1", json!({}))));
    let unknown = discarded(Subject::Review, Reason::UnknownRequest);
    assert_eq!(session.fact(answer("41", accept())), unknown);

    for kind in ["commandExecution", "fileChange", "permissions"] {
        let mut session = Session::new();
        let late = approval("call_1", json!({ "startedAtMs": -1, "permissions": {} }));
        assert_eq!(session.fact(ask(41, kind, late)), discarded(Subject::Review, Reason::NegativeTime), "{kind}");
        assert_eq!(session.fact(aborted(41)), unknown, "{kind}");
    }
    let mut session = Session::new();
    let other = json!({ "server_request": { "connection_id": 1, "request_id": 41, "request": { "method": "other" } } });
    assert_eq!(session.fact(other), nothing());
    assert_eq!(session.fact(aborted(41)), unknown);

    // Asked of several connections, whichever was asked last counts; any may answer.
    session.fact(ask(41, "fileChange", approval("call_2", json!({}))));
    session.fact(ask(41, "commandExecution", approval("call_1", json!({}))));
    let mut fact = answer(41, accept());
    fact["server_response"]["connection_id"] = json!(9);
    assert_eq!(session.one(fact), reviewed(json!({})));
}

/// `docs/contract/rules.md` 5.1: every row, as a whole event, with the flags that the item shows.
#[test]
#[allow(clippy::too_many_lines, reason = "a line for each row of the table")]
fn subjects_and_triggers() {
    let enabled = |enabled: Value| json!({ "network": { "enabled": enabled } });
    let host = json!({ "host": "h", "protocol": "https" });
    let rule = json!([{ "host": "h", "action": "allow" }]);
    let command = ("command_execution", "command_execution");
    let access = ("network_access", "network_access");
    let permissions = ("permissions", "permissions");
    let patch = ("file_change", "apply_patch");
    let none = counts(0, 0, "unknown", false, false);
    let user = |additional, network| counts(0, 1, "user_aborted", additional, network);
    for (kind, params, (subject, name), trigger, item) in [
        ("commandExecution", json!({}), command, "initial", user(false, false)),
        ("commandExecution", json!({ "approvalId": "a" }), command, "execve_intercept", user(false, false)),
        ("commandExecution", json!({ "networkApprovalContext": host }), access, "network_policy_denial", none.clone()),
        (
            "commandExecution",
            json!({ "networkApprovalContext": host, "approvalId": "a" }),
            access,
            "execve_intercept",
            none.clone(),
        ),
        (
            "commandExecution",
            json!({ "networkApprovalContext": host, "additionalPermissions": {} }),
            access,
            "network_policy_denial",
            none.clone(),
        ),
        (
            "commandExecution",
            json!({ "proposedNetworkPolicyAmendments": rule }),
            command,
            "network_policy_denial",
            user(false, true),
        ),
        (
            "commandExecution",
            json!({ "proposedNetworkPolicyAmendments": rule, "approvalId": "a" }),
            command,
            "execve_intercept",
            user(false, true),
        ),
        ("commandExecution", json!({ "proposedNetworkPolicyAmendments": [] }), command, "initial", user(false, false)),
        (
            "commandExecution",
            json!({ "proposedNetworkPolicyAmendments": null }),
            command,
            "initial",
            user(false, false),
        ),
        ("commandExecution", json!({ "proposedExecpolicyAmendment": ["x"] }), command, "initial", user(false, false)),
        ("commandExecution", json!({ "additionalPermissions": null }), command, "initial", user(false, false)),
        ("commandExecution", json!({ "additionalPermissions": {} }), command, "sandbox_denial", user(true, false)),
        (
            "commandExecution",
            json!({ "additionalPermissions": enabled(Value::Null) }),
            command,
            "sandbox_denial",
            user(true, false),
        ),
        (
            "commandExecution",
            json!({ "additionalPermissions": enabled(json!(false)) }),
            command,
            "sandbox_denial",
            user(true, false),
        ),
        (
            "commandExecution",
            json!({ "additionalPermissions": enabled(json!(true)) }),
            command,
            "network_policy_denial",
            user(true, true),
        ),
        (
            "commandExecution",
            json!({ "additionalPermissions": { "fileSystem": { "read": ["/x"] } } }),
            command,
            "sandbox_denial",
            user(true, false),
        ),
        ("fileChange", json!({}), patch, "initial", user(false, false)),
        ("fileChange", json!({ "grantRoot": null }), patch, "initial", user(false, false)),
        ("fileChange", json!({ "grantRoot": "/x" }), patch, "sandbox_denial", user(true, false)),
        ("permissions", json!({ "permissions": {} }), permissions, "initial", none.clone()),
        (
            "permissions",
            json!({ "permissions": enabled(json!(true)) }),
            permissions,
            "network_policy_denial",
            none.clone(),
        ),
        ("permissions", json!({ "permissions": enabled(json!(false)) }), permissions, "initial", none.clone()),
        (
            "permissions",
            json!({ "permissions": { "network": { "enabled": true }, "fileSystem": {} } }),
            permissions,
            "network_policy_denial",
            none.clone(),
        ),
        (
            "permissions",
            json!({ "permissions": { "network": { "enabled": false }, "fileSystem": {} } }),
            permissions,
            "sandbox_denial",
            none.clone(),
        ),
        ("permissions", json!({ "permissions": { "fileSystem": null } }), permissions, "initial", none.clone()),
    ] {
        let mut session = Session::running();
        let case = format!("{kind} {params}");
        assert_eq!(session.fact(ask(41, kind, approval("call_1", params))), nothing(), "{case}");
        let expected =
            json!({ "subject_kind": subject, "subject_name": name, "trigger": trigger, "status": "aborted" });
        assert_eq!(session.one(aborted(41)), reviewed(expected), "{case}");
        assert_eq!(item_reviews(&mut session), item, "{case}");
    }
}

/// `docs/contract/rules.md` 5.2: every answer to every kind of request; the answer's own kind decides.
#[test]
fn answers() {
    let rule = |action: &str| json!({ "applyNetworkPolicyAmendment": { "network_policy_amendment": { "host": "h", "action": action } } });
    let decided = |decision: Value| answer(41, json!({ "command_approval": decision }));
    let patched = |decision: &str| answer(41, json!({ "file_change_approval": decision }));
    let network = |enabled: Value| json!({ "network": { "enabled": enabled } });
    let files = json!({ "fileSystem": { "write": ["/x"] } });
    let policy = json!({ "acceptWithExecpolicyAmendment": { "execpolicy_amendment": ["x"] } });
    for (fact, status, resolution) in [
        (decided(json!("accept")), "approved", "none"),
        (decided(json!("acceptForSession")), "approved", "session_approval"),
        (decided(policy), "approved", "exec_policy_amendment"),
        (decided(rule("allow")), "approved", "network_policy_amendment"),
        (decided(rule("deny")), "denied", "network_policy_amendment"),
        (decided(json!("decline")), "denied", "none"),
        (decided(json!("cancel")), "aborted", "none"),
        (patched("accept"), "approved", "none"),
        (patched("acceptForSession"), "approved", "session_approval"),
        (patched("decline"), "denied", "none"),
        (patched("cancel"), "aborted", "none"),
        (granted(41, json!({}), "turn"), "denied", "none"),
        (granted(41, json!({}), "session"), "denied", "none"),
        (granted(41, json!({ "network": null, "fileSystem": null }), "session"), "denied", "none"),
        (granted(41, network(json!(true)), "turn"), "approved", "none"),
        (granted(41, network(json!(true)), "session"), "approved", "session_approval"),
        (granted(41, network(json!(false)), "turn"), "approved", "none"),
        (granted(41, network(Value::Null), "session"), "approved", "session_approval"),
        (granted(41, files.clone(), "turn"), "approved", "none"),
        (granted(41, files, "session"), "approved", "session_approval"),
        (aborted(41), "aborted", "none"),
    ] {
        for (kind, subject, name, trigger) in [
            ("commandExecution", "command_execution", "command_execution", "initial"),
            ("fileChange", "file_change", "apply_patch", "initial"),
            ("permissions", "permissions", "permissions", "network_policy_denial"),
        ] {
            let mut session = Session::new();
            session.fact(ask(41, kind, approval("call_1", json!({ "permissions": network(json!(true)) }))));
            let expected = json!({ "subject_kind": subject, "subject_name": name, "trigger": trigger, "status": status, "resolution": resolution });
            assert_eq!(session.one(fact.clone()), reviewed(expected), "{kind} {fact}");
            for again in [fact.clone(), aborted(41)] {
                assert_eq!(session.fact(again), discarded(Subject::Review, Reason::UnknownRequest), "settled once");
            }
        }
    }
}

/// `docs/contract/rules.md` 5.3: every action and status, as whole events, with the flags that the item shows.
#[test]
fn verdicts() {
    let permissions = |permissions: Value| json!({ "type": "requestPermissions", "permissions": permissions });
    let command = json!({ "type": "command", "source": "shell", "command": "ls", "cwd": "/w" });
    let none = counts(0, 0, "unknown", false, false);
    let guardian = |additional| counts(1, 0, "guardian_approved", additional, false);
    for (action, kind, name, trigger, item) in [
        (command.clone(), "command_execution", "command_execution", "initial", guardian(false)),
        (
            json!({ "type": "execve", "source": "unifiedExec", "program": "/x/p", "argv": [] }),
            "command_execution",
            "command_execution",
            "execve_intercept",
            guardian(false),
        ),
        (
            json!({ "type": "applyPatch", "cwd": "/w", "files": [] }),
            "file_change",
            "apply_patch",
            "sandbox_denial",
            guardian(true),
        ),
        (
            json!({ "type": "mcpToolCall", "server": "s", "toolName": "a tool" }),
            "mcp_tool_call",
            "a tool",
            "initial",
            guardian(false),
        ),
        (
            json!({ "type": "networkAccess", "protocol": "http", "port": 80 }),
            "network_access",
            "network_access",
            "network_policy_denial",
            none.clone(),
        ),
        (
            permissions(json!({ "network": { "enabled": true }, "fileSystem": {} })),
            "permissions",
            "permissions",
            "network_policy_denial",
            none.clone(),
        ),
        (
            permissions(json!({ "network": { "enabled": false }, "fileSystem": {} })),
            "permissions",
            "permissions",
            "sandbox_denial",
            none.clone(),
        ),
        (permissions(json!({ "network": { "enabled": false } })), "permissions", "permissions", "initial", none),
    ] {
        let mut session = Session::running();
        let expected = json!({ "subject_kind": kind, "subject_name": name, "trigger": trigger });
        assert_eq!(
            session.one(verdict(json!("call_1"), action.clone(), json!({}))),
            guarded(expected.clone()),
            "{action}"
        );
        assert_eq!(item_reviews(&mut session), item, "{action}");
        // Without an item the review is reported, and counts nowhere.
        let expected = with(expected, json!({ "item_id": null }));
        assert_eq!(session.one(verdict(Value::Null, action, json!({}))), guarded(expected));
        assert_eq!(item_reviews(&mut session), counts(0, 0, "unknown", false, false));
    }
    for (status, expected, outcome) in [
        ("approved", "approved", "guardian_approved"),
        ("denied", "denied", "guardian_denied"),
        ("aborted", "aborted", "guardian_aborted"),
        ("timedOut", "timed_out", "guardian_aborted"),
    ] {
        let mut session = Session::running();
        let fact = verdict(json!("call_1"), command.clone(), json!({ "review": { "status": status } }));
        assert_eq!(session.one(fact), guarded(json!({ "status": expected })));
        assert_eq!(item_reviews(&mut session), counts(1, 0, outcome, false, false));
    }
    for (more, reason) in [
        (json!({ "review": { "status": "inProgress" } }), Reason::NotFinal),
        (json!({ "startedAtMs": -1 }), Reason::NegativeTime),
        (json!({ "completedAtMs": -1 }), Reason::NegativeTime),
    ] {
        let mut session = Session::running();
        let ignored = session.fact(verdict(json!("call_1"), command.clone(), more));
        assert_eq!(ignored, discarded(Subject::Review, reason));
        assert_eq!(item_reviews(&mut session), counts(0, 0, "unknown", false, false), "it counts nowhere");
    }
}

/// `docs/contract/rules.md` 5.4: a review ends no sooner than it starts.
#[test]
fn durations() {
    for (start, end, duration) in [(5_u64, 9_u64, json!(4)), (9, 9, json!(0)), (9, 5, Value::Null)] {
        let mut session = Session::new();
        let times = json!({ "started_at_ms": start, "completed_at_ms": end, "duration_ms": duration });
        session.fact(ask(41, "commandExecution", approval("call_1", json!({ "startedAtMs": start }))));
        let mut fact = answer(41, accept());
        fact["server_response"]["completed_at_ms"] = json!(end);
        assert_eq!(session.one(fact), reviewed(times.clone()));
        let action = json!({ "type": "command", "source": "shell" });
        let fact = verdict(json!("call_1"), action, json!({ "startedAtMs": start, "completedAtMs": end }));
        assert_eq!(session.one(fact), guarded(times));
    }
}

/// `docs/contract/rules.md` 5.4: the counts add up, the flags are or-ed, the last outcome stays; and a review counts
/// even if nothing is known of its thread.
#[test]
fn reviews_add_up_on_their_item() {
    let mut session = Session::empty();
    session.fact(started("T1", "turn-77"));
    let decide = |session: &mut Session, params: Value, decision: &str| {
        session.fact(ask(41, "commandExecution", approval("call_1", params)));
        session.fact(answer(41, json!({ "command_approval": decision })))
    };
    let unknown = discarded(Subject::Review, Reason::UnknownThread);
    assert_eq!(decide(&mut session, json!({ "proposedNetworkPolicyAmendments": [{}] }), "accept"), unknown);
    let patch = json!({ "type": "applyPatch" });
    assert_eq!(session.fact(verdict(json!("call_1"), patch, json!({}))), unknown);

    // The client is the thread's, whoever answers.
    session.fact(initialize(1));
    session.fact(initialize(2));
    session.fact(thread(2, "start", "T1"));
    let expected =
        reviewed(json!({ "app_server_client": client(2), "status": "approved", "resolution": "session_approval" }));
    assert_eq!(decide(&mut session, json!({}), "acceptForSession"), (vec![expected], vec![]));
    assert_eq!(item_reviews(&mut session), counts(1, 2, "user_approved_for_session", true, true));

    // Another item has none of it.
    decide(&mut session, json!({}), "decline");
    session.fact(ask(42, "fileChange", approval("call_2", json!({ "grantRoot": "/x" }))));
    session.fact(aborted(42));
    assert_eq!(item_reviews(&mut session), counts(0, 1, "user_denied", false, false));
}
