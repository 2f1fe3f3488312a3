//! How threads get their connection and lineage (`docs/contract/rules.md` 2, 9.1, 9.2), and which events
//! need them (1.1).

use crate::support::{
    Session, changed, client, config, discarded, guardian_review, initialize, item, item_completed, item_started,
    nothing, response, runtime, started, subagent, thread, tokens, verdict,
};
use serde_json::{Value, json};
use turnledger_core::discard::{Reason, Subject};

fn opened(id: &str, more: Value) -> Value {
    changed("codex_thread_initialized", crate::support::with(json!({ "thread_id": id }), more))
}

/// The event of [`subagent`].
fn spawned(id: &str, source: &str, parent: Value) -> Value {
    let client = json!({ "product_client_id": "parent", "client_name": "parent", "client_version": "2",
        "rpc_transport": "in_process", "experimental_api_enabled": null });
    let more = json!({ "app_server_client": client, "model": "small", "ephemeral": true, "thread_source": "subagent",
        "subagent_source": source, "parent_thread_id": parent, "created_at": 7 });
    opened(id, more)
}

/// A compaction, which shows a thread's connection and lineage.
fn compaction(thread: &str) -> Value {
    json!({ "compaction": { "thread_id": thread, "turn_id": "turn-77", "trigger": "auto", "reason": "context_limit",
        "implementation": "responses_compact", "phase": "mid_turn", "strategy": "memento", "status": "completed", "error": null,
        "active_context_tokens_before": 250_000, "active_context_tokens_after": 21_000, "started_at": 1_771_000_308,
        "completed_at": 1_771_000_316, "duration_ms": 7710 } })
}

fn compacted(thread: &str, more: Value) -> Value {
    changed("codex_compaction_event", crate::support::with(json!({ "thread_id": thread }), more))
}

/// `docs/contract/rules.md` 2.1: the capabilities' three forms, and a second start of the same connection.
#[test]
fn connections() {
    for (capabilities, expected) in [
        (Value::Null, Value::Null),
        (json!({}), json!(false)),
        (json!({ "experimentalApi": false }), json!(false)),
        (json!({ "experimentalApi": true }), json!(true)),
    ] {
        let mut session = Session::empty();
        let mut fact = initialize(1);
        fact["initialize"]["params"]["capabilities"] = capabilities;
        assert_eq!(session.fact(fact), nothing());
        let mut client = client(1);
        client["experimental_api_enabled"] = expected;
        assert_eq!(session.one(thread(1, "start", "T1")), opened("T1", json!({ "app_server_client": client })));
    }
    for transport in ["stdio", "websocket", "in_process"] {
        let mut session = Session::new();
        let mut fact = initialize(1);
        fact["initialize"]["rpc_transport"] = json!(transport);
        fact["initialize"]["product_client_id"] = json!("product");
        session.fact(fact);
        let mut client = client(1);
        client["rpc_transport"] = json!(transport);
        client["product_client_id"] = json!("product");
        let expected = compacted("T1", json!({ "app_server_client": client }));
        assert_eq!(session.one(compaction("T1")), expected, "the latest start of a connection counts");
    }
}

/// `docs/contract/rules.md` 2.2: an unknown connection opens nothing; a later client takes a thread over.
#[test]
fn threads_and_their_connection() {
    let mut session = Session::empty();
    let unknown = discarded(Subject::Thread, Reason::UnknownConnection);
    assert_eq!(session.fact(thread(1, "start", "T1")), unknown);
    session.fact(initialize(1));
    assert_eq!(
        session.fact(compaction("T1")),
        discarded(Subject::Compaction, Reason::UnknownThread),
        "not even stored"
    );

    session.fact(initialize(2));
    assert_eq!(session.one(thread(1, "start", "T1")), opened("T1", json!({})));
    let fork = json!({ "id": "T1", "ephemeral": true, "createdAt": -1, "source": { "subAgent": "compact" }, "threadSource": null });
    let taken_over = json!({ "app_server_client": client(2), "model": "m", "ephemeral": true, "thread_source": null,
        "initialization_mode": "forked", "subagent_source": "compact", "created_at": 0 });
    let fact = response(2, 0, "thread/fork", json!({ "thread": fork, "model": "m" }));
    assert_eq!(session.one(fact), opened("T1", taken_over));
    let expected = json!({ "app_server_client": client(2), "thread_source": null, "subagent_source": "compact" });
    assert_eq!(session.one(compaction("T1")), compacted("T1", expected));
}

/// `docs/contract/rules.md` 9.1, 9.2: every source with every mode; source and thread source are independent.
#[test]
fn lineage() {
    for (verb, mode) in [("start", "new"), ("resume", "resumed"), ("fork", "forked")] {
        for (source, name, parent) in [
            (json!("cli"), Value::Null, Value::Null),
            (json!({ "custom": "x" }), Value::Null, Value::Null),
            (json!({ "subAgent": "review" }), json!("review"), Value::Null),
            (json!({ "subAgent": "compact" }), json!("compact"), Value::Null),
            (json!({ "subAgent": "memory_consolidation" }), json!("memory_consolidation"), Value::Null),
            (json!({ "subAgent": { "other": "guardian" } }), json!("guardian"), Value::Null),
            (
                json!({ "subAgent": { "thread_spawn": { "parent_thread_id": "P", "depth": 1 } } }),
                json!("thread_spawn"),
                json!("P"),
            ),
        ] {
            for thread_source in [Value::Null, json!("user"), json!("subagent"), json!("memory_consolidation")] {
                let mut fact = thread(1, verb, "T1");
                let shown = &mut fact["client_response"]["response"]["result"]["thread"];
                shown["source"] = source.clone();
                shown["threadSource"] = thread_source.clone();
                let expected = json!({ "initialization_mode": mode, "thread_source": thread_source,
                    "subagent_source": name, "parent_thread_id": parent });
                assert_eq!(Session::new().one(fact), opened("T1", expected));
            }
        }
    }
}

/// `docs/contract/rules.md` 2.3: what the fact says is reported, and it only fills gaps.
#[test]
fn subagents() {
    // Nothing is needed: no connection, no parent. What runs is not known then.
    let mut session = Session::empty();
    let mut expected = spawned("S", "review", json!("T1"));
    let unknown = json!("unknown");
    expected["event_params"]["runtime"] = json!({ "codex_rs_version": unknown, "runtime_os": unknown, "runtime_os_version": unknown, "runtime_arch": unknown });
    assert_eq!(session.one(subagent("S", json!("T1"), json!("review"))), expected);
    assert_eq!(session.fact(compaction("S")), discarded(Subject::Compaction, Reason::ThreadWithoutConnection));

    // The connection comes later; the lineage of the first fact stays.
    session.fact(initialize(1));
    session.fact(thread(1, "start", "T1"));
    session.fact(thread(1, "start", "T2"));
    expected["event_params"]["runtime"] = runtime();
    assert_eq!(expected, spawned("S", "review", json!("T1")));
    assert_eq!(session.one(subagent("S", json!("T1"), json!("review"))), expected);
    let lineage = json!({ "thread_source": "subagent", "subagent_source": "review", "parent_thread_id": "T1" });
    assert_eq!(session.one(compaction("S")), compacted("S", lineage.clone()));
    let other = subagent("S", json!("T2"), json!("compact"));
    assert_eq!(session.one(other), spawned("S", "compact", json!("T2")), "reported although it changes nothing");
    assert_eq!(session.one(compaction("S")), compacted("S", lineage));

    // A thread that a client opened keeps what it has.
    session.fact(initialize(2));
    session.fact(thread(2, "start", "O"));
    session.one(subagent("O", json!("T1"), json!("review")));
    assert_eq!(session.one(compaction("O")), compacted("O", json!({ "app_server_client": client(2) })));

    // The fact's parent goes before the source's.
    let spawn = |parent: &str| json!({ "thread_spawn": { "parent_thread_id": parent } });
    for (thread, parent, source, name, expected) in [
        ("A", Value::Null, spawn("O"), "thread_spawn", json!("O")),
        ("B", json!("T1"), spawn("O"), "thread_spawn", json!("T1")),
        ("C", Value::Null, json!("memory_consolidation"), "memory_consolidation", Value::Null),
        ("D", json!("T1"), json!({ "other": "guardian" }), "guardian", json!("T1")),
    ] {
        assert_eq!(session.one(subagent(thread, parent, source)), spawned(thread, name, expected.clone()));
        let connection = match expected.as_str() {
            Some("O") => client(2),
            Some(_) => client(1),
            None => {
                let orphan = discarded(Subject::Compaction, Reason::ThreadWithoutConnection);
                assert_eq!(session.fact(compaction(thread)), orphan);
                continue;
            }
        };
        let lineage = json!({ "app_server_client": connection, "thread_source": "subagent", "subagent_source": name, "parent_thread_id": expected });
        assert_eq!(session.one(compaction(thread)), compacted(thread, lineage));
    }
}

/// `docs/contract/rules.md` 1.1: what each event misses, in this order: the thread, its connection, the client.
#[test]
fn events_that_need_a_thread() {
    let facts = |thread: &str| {
        let command = json!({ "type": "command", "source": "shell" });
        let mut review = verdict(json!("i"), command, json!({}));
        review["notification"]["params"]["threadId"] = json!(thread);
        let item = item("webSearch");
        [
            (Subject::Compaction, vec![compaction(thread)]),
            (Subject::GuardianReview, vec![guardian_review(thread)]),
            (Subject::Review, vec![review]),
            (
                Subject::Item,
                vec![
                    started(thread, "turn-77"),
                    item_started(thread, "turn-77", 1, &item),
                    item_completed(thread, "turn-77", 2, &item),
                ],
            ),
        ]
    };
    let last =
        |session: &mut Session, facts: Vec<Value>| facts.into_iter().fold(nothing(), |_, fact| session.fact(fact));
    let mut session = Session::new();
    session.fact(subagent("orphan", Value::Null, json!("review")));
    for (thread, reason) in [("nowhere", Reason::UnknownThread), ("orphan", Reason::ThreadWithoutConnection)] {
        for (subject, facts) in facts(thread) {
            assert_eq!(last(&mut session, facts), discarded(subject, reason), "{subject} of {thread}");
        }
        assert_eq!(session.fact(tokens(thread, "turn-77")), nothing());
        assert_eq!(session.fact(config(thread, "turn-77")), nothing());
        assert_eq!(session.fact(crate::support::completed(thread, "turn-77")), nothing(), "the turn waits");
    }
    for (subject, facts) in facts("T1") {
        assert_eq!(last(&mut session, facts).0.len(), 1, "{subject}");
    }
}

/// `docs/contract/rules.md` 1.1, `docs/contract/events.md`: these need neither a thread nor a connection, and keep the order
/// of their lists.
#[test]
fn events_that_need_nothing() {
    let mut session = Session::empty();
    let tracking = json!({ "model_slug": "gpt-5.1-codex", "thread_id": "T1", "turn_id": "turn-77" });
    let nobody = json!({ "product_client_id": "codex_cli_rs" });
    let event = |name: &str, more: Value| changed(name, crate::support::with(nobody.clone(), more));

    let app = |id: &str| json!({ "connector_id": id, "app_name": "Calendar", "invocation_type": "explicit" });
    let unnamed = json!({ "connector_id": null, "app_name": null, "invocation_type": null });
    let mentions = json!([app("b"), unnamed, app("a")]);
    let names = [
        json!({ "connector_id": "b" }),
        json!({ "connector_id": null, "app_name": null, "invoke_type": null }),
        json!({ "connector_id": "a" }),
    ];
    let expected: Vec<_> = names.into_iter().map(|more| event("codex_app_mentioned", more)).collect();
    let fact = json!({ "app_mentioned": { "tracking": tracking, "mentions": mentions } });
    assert_eq!(session.fact(fact), (expected, vec![]));
    let used = json!({ "app_used": { "tracking": tracking, "app": unnamed } });
    let expected = json!({ "connector_id": null, "app_name": null, "invoke_type": null });
    assert_eq!(session.one(used), event("codex_app_used", expected));

    let plugin = |remote: Value| json!({ "plugin_name": "linear", "marketplace_name": "acme-market", "remote_plugin_id": remote });
    for (remote, id) in [(Value::Null, "linear@acme-market"), (json!("rp"), "rp")] {
        let unknown = json!({ "plugin_id": id, "has_skills": null, "mcp_server_count": null, "connector_ids": null });
        let used = json!({ "plugin_used": { "tracking": tracking, "plugin": plugin(remote.clone()) } });
        assert_eq!(session.one(used), event("codex_plugin_used", unknown.clone()));
        for state in ["installed", "uninstalled", "enabled", "disabled"] {
            let fact = json!({ "plugin_state_changed": { "plugin": plugin(remote.clone()), "state": state } });
            assert_eq!(session.one(fact), event(&format!("codex_plugin_{state}"), unknown.clone()));
        }
    }

    let skill = |name: &str, scope: &str, kind: &str| json!({ "skill_name": name, "skill_scope": scope, "plugin_id": "p@m", "invocation_type": kind });
    let skills =
        [("b", "user", "implicit"), ("a", "admin", "explicit"), ("c", "system", "implicit"), ("d", "repo", "explicit")];
    let invocations: Vec<_> = skills.iter().map(|(name, scope, kind)| skill(name, scope, kind)).collect();
    let fact = json!({ "skill_invoked": { "tracking": tracking, "invocations": invocations } });
    let expected = skills.iter().map(|(name, scope, kind)| {
        let mut event = event(
            "skill_invocation",
            json!({ "skill_scope": scope, "invoke_type": kind, "plugin_id": "p@m", "repo_url": null }),
        );
        event["skill_name"] = json!(name);
        // Nothing says where these skills lie.
        event["skill_id"] = Value::Null;
        event
    });
    assert_eq!(session.fact(fact), (expected.collect(), vec![]));

    let run = json!({ "tracking": tracking, "event_name": "stop", "hook_source": "mdm", "status": "running" });
    let expected = json!({ "hook_name": "Stop", "hook_source": "mdm", "status": "failed" });
    assert_eq!(session.one(json!({ "hook_run": run })), changed("codex_hook_run", expected));
}
