//! How facts are joined to turns and steers (`docs/contract/rules.md` 3, 4, 7): what each fact changes,
//! in every order, and what uses a request up.

use crate::support::{
    Session, changed, client, completed, config, discarded, error, initialize, item, item_completed, nothing,
    notification, started, steer, steer_response, subagent, thread, tokens, turn_start, turn_start_response, with,
};
use serde_json::{Value, json};
use turnledger_core::discard::{Reason, Subject};

const IMAGE: &str = r#"[{"type":"image","url":"u"}]"#;

fn input(text: &str) -> Value {
    serde_json::from_str(text).expect("an input")
}

/// The example's event without what other tests count.
fn turn_event(more: Value) -> Value {
    let none = json!({ "steer_count": 0, "total_tool_call_count": 0, "shell_command_count": 0, "file_change_count": 0, "mcp_tool_call_count": 0 });
    changed("codex_turn_event", with(none, more))
}

fn permutations(facts: &[Value]) -> Vec<Vec<Value>> {
    if facts.is_empty() {
        return vec![vec![]];
    }
    let mut all = Vec::new();
    for first in 0..facts.len() {
        let mut rest = facts.to_vec();
        let fact = rest.remove(first);
        all.extend(permutations(&rest).into_iter().map(|mut rest| {
            rest.insert(0, fact.clone());
            rest
        }));
    }
    all
}

/// `docs/contract/rules.md` 4.1, 4.2: whatever comes first, the last thing that is needed brings the one event.
#[test]
fn a_turn_is_joined_in_any_order() {
    let facts = [
        turn_start_response(1, 4, "turn-77"),
        config("T1", "turn-77"),
        completed("T1", "turn-77"),
        // Neither of these is waited for.
        tokens("T1", "turn-77"),
        started("T1", "turn-77"),
    ];
    for order in permutations(&facts) {
        let mut session = Session::new();
        assert_eq!(session.fact(turn_start(1, 4, "T1", input(IMAGE))), nothing());
        let position = |fact: &Value| order.iter().position(|other| other == fact);
        let emits_at = facts[..3].iter().map(position).max().flatten();
        let mut expected = json!({});
        if position(&facts[3]) > emits_at {
            for name in
                ["input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens", "total_tokens"]
            {
                expected[name] = Value::Null;
            }
        }
        if position(&facts[4]) > emits_at {
            expected["started_at"] = Value::Null;
        }
        for (index, fact) in order.iter().enumerate() {
            let events = if Some(index) == emits_at { vec![turn_event(expected.clone())] } else { vec![] };
            assert_eq!(session.fact(fact.clone()), (events, vec![]), "{index} of {order:?}");
        }
    }
}

/// `docs/contract/rules.md` 4.2: a missing thread or connection holds the event back, and a later fact completes it.
#[test]
fn a_turn_waits_for_its_thread_and_its_connection() {
    let facts = || {
        [
            turn_start(1, 4, "T1", input(IMAGE)),
            turn_start_response(1, 4, "turn-77"),
            config("T1", "turn-77"),
            started("T1", "turn-77"),
            completed("T1", "turn-77"),
        ]
    };
    let mut session = Session::empty();
    session.fact(initialize(1));
    for fact in facts() {
        assert_eq!(session.fact(fact), nothing(), "the thread is not known");
    }
    session.fact(thread(1, "resume", "T1"));
    assert_eq!(session.one(tokens("T1", "turn-77")), turn_event(json!({ "initialization_mode": "resumed" })));

    let mut session = Session::empty();
    session.fact(subagent("T1", Value::Null, json!("review")));
    for fact in facts() {
        assert_eq!(session.fact(fact), nothing(), "the connection is not known");
    }
    session.fact(initialize(1));
    let lineage = json!({ "thread_source": "subagent", "subagent_source": "review" });
    assert_eq!(session.one(tokens("T1", "turn-77")), turn_event(lineage));
}

/// `docs/contract/rules.md` 4.4: the client is the one that asked, the lineage is the thread's when the event comes.
#[test]
fn the_connection_that_asked_and_the_lineage_at_the_end() {
    let mut session = Session::new();
    session.fact(initialize(2));
    session.fact(turn_start(2, 4, "T1", input(IMAGE)));
    session.fact(turn_start_response(2, 4, "turn-77"));
    session.fact(started("T1", "turn-77"));
    session.fact(config("T1", "turn-77"));
    session.fact(tokens("T1", "turn-77"));
    session.fact(thread(1, "fork", "T1"));
    let expected = json!({ "app_server_client": client(2), "initialization_mode": "forked" });
    assert_eq!(session.one(completed("T1", "turn-77")), turn_event(expected));
}

/// A turn that no client asked for is its thread's, unless a request may still turn out to be its.
#[test]
fn turns_without_a_request() {
    let end = |session: &mut Session, thread: &str| {
        session.fact(started(thread, "turn-77"));
        session.fact(config(thread, "turn-77"));
        session.fact(tokens(thread, "turn-77"));
        session.fact(completed(thread, "turn-77"))
    };
    let mut session = Session::new();
    assert_eq!(end(&mut session, "T1"), (vec![turn_event(json!({}))], vec![]));

    let spawn = json!({ "thread_spawn": { "parent_thread_id": "T1" } });
    session.fact(subagent("T2", Value::Null, spawn));
    let lineage = json!({ "thread_id": "T2", "thread_source": "subagent", "subagent_source": "thread_spawn", "parent_thread_id": "T1" });
    assert_eq!(end(&mut session, "T2"), (vec![turn_event(lineage.clone())], vec![]), "by the parent's connection");

    // An open request of another thread says nothing about this one.
    session.fact(initialize(2));
    session.fact(turn_start(2, 4, "T1", input("[]")));
    assert_eq!(end(&mut session, "T2"), (vec![turn_event(lineage)], vec![]));
    assert_eq!(end(&mut session, "T1"), nothing(), "the request may have started it");
    let asked = turn_event(json!({ "app_server_client": client(2), "num_input_images": 0 }));
    assert_eq!(session.one(turn_start_response(2, 4, "turn-77")), asked);

    // Once the request has failed, nothing is waited for.
    session.fact(turn_start(2, 5, "T1", input("[]")));
    session.fact(error(2, 5, Value::Null));
    assert_eq!(end(&mut session, "T1"), (vec![turn_event(json!({}))], vec![]));
}

/// One id in two threads: two turns, each with its own counts.
#[test]
fn the_same_turn_id_in_two_threads() {
    let mut session = Session::new();
    session.fact(thread(1, "start", "T2"));
    for thread in ["T1", "T2"] {
        session.fact(started(thread, "turn-77"));
        session.fact(config(thread, "turn-77"));
        session.fact(tokens(thread, "turn-77"));
    }
    session.fact(item_completed("T2", "turn-77", 1, &item("webSearch")));
    assert_eq!(session.one(completed("T1", "turn-77")), turn_event(json!({})));
    let second = json!({ "thread_id": "T2", "total_tool_call_count": 1, "web_search_count": 1 });
    assert_eq!(session.one(completed("T2", "turn-77")), turn_event(second));
}

/// What only 0.169 and later report changes nothing for a server of 0.131, and begins no turn that is over.
#[test]
fn what_newer_versions_report_of_a_turn() {
    let interrupted = json!({ "turn_interrupted": { "turn_id": "turn-77", "thread_id": "T1", "requested_at_ms": 1_771_000_329_000_u64 } });
    let dictated = |mut config: Value| {
        config["turn_resolved_config"]["used_dictation"] = json!(true);
        config
    };
    let mut session = Session::new();
    session.fact(started("T1", "turn-77"));
    session.fact(dictated(config("T1", "turn-77")));
    session.fact(tokens("T1", "turn-77"));
    assert_eq!(session.fact(interrupted.clone()), nothing());
    assert_eq!(session.one(completed("T1", "turn-77")), turn_event(json!({})));
    assert_eq!(session.fact(interrupted), nothing());
    let late = item_completed("T1", "turn-77", 1, &item("webSearch"));
    assert_eq!(session.fact(late), discarded(Subject::Item, Reason::UnknownTurn));
}

/// `docs/contract/rules.md` 4.1: the later number of images wins, `turn/started` overwrites even with nothing.
#[test]
fn the_last_writer_wins() {
    let images = r#"[{"type":"image","url":"u"},{"type":"localImage","path":"p"},{"type":"text","text":"t"},{"type":"skill","name":"s","path":"p"}]"#;
    for (config_first, expected) in [(true, 2), (false, 1)] {
        let mut session = Session::running();
        session.fact(turn_start(1, 4, "T1", input(images)));
        let mut facts = [config("T1", "turn-77"), turn_start_response(1, 4, "turn-77")];
        if !config_first {
            facts.reverse();
        }
        for fact in facts {
            assert_eq!(session.fact(fact), nothing());
        }
        let turn = json!({ "id": "turn-77", "status": "inProgress", "startedAt": -1 });
        session.fact(notification("turn/started", json!({ "threadId": "T1", "turn": turn })));
        session.fact(tokens("T1", "turn-77"));
        let expected = json!({ "num_input_images": expected, "started_at": null });
        assert_eq!(session.one(completed("T1", "turn-77")), turn_event(expected));
    }
}

/// `docs/contract/rules.md` 4.3: what arrives after the event starts a state that never has one.
#[test]
fn nothing_follows_the_event() {
    let mut session = Session::running();
    session.fact(config("T1", "turn-77"));
    session.one(completed("T1", "turn-77"));
    for late in [tokens("T1", "turn-77"), completed("T1", "turn-77"), started("T1", "turn-77")] {
        assert_eq!(session.fact(late), nothing());
    }
}

/// `docs/contract/rules.md` 3.2, 3.4: every way in which a request is used up, and what is left for its own response.
#[test]
fn requests_and_responses() {
    let text = || input("[]");
    let turn = discarded(Subject::Turn, Reason::UnknownRequest);
    let steering = discarded(Subject::Steer, Reason::UnknownRequest);
    let requesting = discarded(Subject::Request, Reason::UnknownRequest);

    let mut session = Session::new();
    assert_eq!(session.fact(turn_start_response(1, 4, "turn-77")), turn, "never asked");
    assert_eq!(session.fact(steer_response(1, 4, "turn-77")), steering, "never asked");
    assert_eq!(session.fact(error(1, 4, Value::Null)), requesting, "never asked");

    // A response of the wrong kind takes the request with it.
    session.fact(steer(1, 4, "T1", text()));
    assert_eq!(session.fact(turn_start_response(1, 4, "turn-77")), turn);
    assert_eq!(session.fact(steer_response(1, 4, "turn-77")), steering);
    session.fact(turn_start(1, 5, "T1", text()));
    assert_eq!(session.fact(steer_response(1, 5, "turn-77")), steering);
    assert_eq!(session.fact(turn_start_response(1, 5, "turn-77")), turn);

    // An error ends a turn/start without a word.
    session.fact(turn_start(1, 6, "T1", text()));
    assert_eq!(session.fact(error(1, 6, json!("input_too_large"))), nothing());
    assert_eq!(session.fact(turn_start_response(1, 6, "turn-77")), turn);

    // Another connection, and the same number as a text, are other requests.
    session.fact(initialize(2));
    session.fact(turn_start(1, 7, "T1", text()));
    assert_eq!(session.fact(turn_start_response(2, 7, "turn-77")), turn);
    let as_text = crate::support::response(1, "7", "turn/start", json!({ "turn": { "id": "turn-77" } }));
    assert_eq!(session.fact(as_text), turn);
    assert_eq!(session.fact(turn_start_response(1, 7, "turn-77")), nothing());

    // A later request with the same id takes the place of the earlier one.
    session.fact(turn_start(1, 8, "T1", text()));
    session.fact(steer(1, 8, "T1", text()));
    assert_eq!(session.fact(steer_response(1, 8, "turn-77")).0.len(), 1);
}

/// `docs/contract/rules.md` 7: every reason, the client that asked, and the clock of the request.
#[test]
fn steers() {
    for reason in [
        json!("no_active_turn"),
        json!("expected_turn_mismatch"),
        json!("non_steerable_review"),
        json!("non_steerable_compact"),
        json!("empty_input"),
        json!("input_too_large"),
        Value::Null,
    ] {
        let mut session = Session::new();
        session.fact(initialize(2));
        session.at(1_771_000_400).fact(steer(2, 5, "T1", input(IMAGE)));
        let expected = json!({ "app_server_client": client(2), "num_input_images": 1, "created_at": 1_771_000_400, "rejection_reason": reason });
        let event = session.at(1_771_000_500).one(error(2, 5, reason));
        assert_eq!(event, changed("codex_turn_steer_event", expected));
    }
    let mut session = Session::new();
    session.at(1_771_000_320).fact(steer(1, 5, "T1", input("[]")));
    let expected = json!({ "accepted_turn_id": "turn-78", "result": "accepted", "rejection_reason": null });
    assert_eq!(session.one(steer_response(1, 5, "turn-78")), changed("codex_turn_steer_event", expected));

    // First the connection is missed, then the thread.
    for (connection, thread, reason) in
        [(2, "T1", Reason::UnknownConnection), (2, "T2", Reason::UnknownConnection), (1, "T2", Reason::UnknownThread)]
    {
        session.fact(steer(connection, 6, thread, input("[]")));
        let steered = session.fact(steer_response(connection, 6, "turn-77"));
        assert_eq!(steered, discarded(Subject::Steer, reason));
    }
}

/// `docs/contract/rules.md` 4.1, 7: an accepted steer counts on the turn it names, even if it has no event itself.
#[test]
fn steers_that_count() {
    let mut session = Session::new();
    session.fact(steer(1, 5, "T1", input("[]")));
    session.fact(steer_response(1, 5, "turn-77"));
    assert_eq!(session.fact(completed("T1", "turn-77")), nothing(), "no turn to count on yet");

    session.fact(started("T1", "turn-77"));
    for id in 6..8 {
        session.fact(steer(1, id, "T1", input("[]")));
        session.fact(steer_response(1, id, "turn-77"));
    }
    session.fact(steer(2, 8, "T1", input("[]")));
    let unknown = discarded(Subject::Steer, Reason::UnknownConnection);
    assert_eq!(session.fact(steer_response(2, 8, "turn-77")), unknown);
    session.fact(steer(1, 9, "T1", input("[]")));
    session.fact(error(1, 9, json!("empty_input")));
    session.fact(tokens("T1", "turn-77"));
    let expected = turn_event(json!({ "steer_count": 3 }));
    assert_eq!(session.one(config("T1", "turn-77")), expected);
}

/// `docs/contract/rules.md` 9.3, `docs/contract/events.md`: every value of each setting, in otherwise the same event.
#[test]
fn settings() {
    let none = Value::Null;
    let mut rows = vec![
        ("reasoning_effort", none.clone(), none.clone()),
        ("reasoning_summary", none.clone(), none.clone()),
        ("reasoning_summary", json!("none"), none.clone()),
        ("personality", none.clone(), none.clone()),
        ("personality", json!("none"), none.clone()),
        ("service_tier", none.clone(), json!("default")),
        ("approval_policy", json!({ "granular": { "rules": false } }), json!("granular")),
        ("submission_type", none.clone(), none),
    ];
    let same: [(&str, &[&str]); 7] = [
        ("reasoning_effort", &["none", "minimal", "low", "medium", "high", "xhigh"]),
        ("reasoning_summary", &["auto", "concise", "detailed"]),
        ("personality", &["friendly", "pragmatic"]),
        ("service_tier", &["fast", "flex"]),
        ("approval_policy", &["untrusted", "on-failure", "on-request", "never"]),
        ("approvals_reviewer", &["user", "guardian_subagent"]),
        ("submission_type", &["default", "queued"]),
    ];
    rows.extend(same.iter().flat_map(|(name, values)| values.iter().map(|value| (*name, json!(value), json!(value)))));
    for mode in ["plan", "default", "pair_programming", "execute"] {
        let expected = if mode == "plan" { "plan" } else { "default" };
        rows.push(("collaboration_mode", json!(mode), json!(expected)));
    }
    for name in ["ephemeral", "sandbox_network_access", "is_first_turn"] {
        rows.extend([false, true].map(|value| (name, json!(value), json!(value))));
    }
    for (name, value, expected) in rows {
        let mut session = Session::running();
        let mut fact = config("T1", "turn-77");
        fact["turn_resolved_config"][name] = value.clone();
        session.fact(fact);
        session.fact(tokens("T1", "turn-77"));
        let event = session.one(completed("T1", "turn-77"));
        assert_eq!(event, turn_event(json!({ name: expected })), "{name} {value}");
    }
}

/// `docs/contract/rules.md` 8.5: the repository is the turn's own, if it has one, and else its thread's.
#[test]
fn the_repository_of_a_turn() {
    let hash_of = |of_thread: Option<&str>, of_turn: Option<&str>| {
        let mut session = Session::empty();
        session.fact(initialize(1));
        let mut opened = thread(1, "start", "T1");
        opened["client_response"]["response"]["result"]["cwd"] = json!(of_thread.map(|_| "/thread"));
        session.fact(opened);
        let mut settings = config("T1", "turn-77");
        settings["turn_resolved_config"]["permission_profile_cwd"] = json!(of_turn.map(|_| "/turn"));
        session.fact(settings);
        for (question, remote) in [of_thread, of_turn].into_iter().flatten().enumerate() {
            let answer = json!({ "repository_answered": { "question": question, "remote_url": remote } });
            assert_eq!(session.fact(answer), nothing());
        }
        let diff = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -0,0 +1 @@\n+    let value = 1;\n";
        session.fact(notification("turn/diff/updated", json!({ "threadId": "T1", "turnId": "turn-77", "diff": diff })));
        let (events, discards) = session.fact(completed("T1", "turn-77"));
        assert_eq!((events.len(), discards), (2, vec![]));
        events[1]["event_params"]["repo_hash"].clone()
    };
    let (one, other) = ("https://github.com/acme/one", "https://github.com/acme/other");
    assert!(hash_of(Some(one), None).is_string());
    assert_eq!(hash_of(None, None), Value::Null);
    assert_ne!(hash_of(Some(one), None), hash_of(Some(other), None));
    assert_eq!(hash_of(Some(one), Some(other)), hash_of(Some(other), None));
    assert_eq!(hash_of(None, Some(other)), hash_of(Some(other), None));
}
