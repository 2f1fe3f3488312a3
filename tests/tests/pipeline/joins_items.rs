//! The steps of a completed item (`docs/contract/rules.md` 6.1, 6.2), each by what it leaves behind.

use crate::support::{
    Session, answer, approval, ask, changed, completed, config, discarded, initialize, item, item_completed,
    item_started, nothing, started, thread, tokens, verdict, with,
};
use serde_json::{Value, json};
use turnledger_core::discard::{Reason, Subject};

/// Each tracked kind, its event and its counter on the turn.
const KINDS: [(&str, &str, &str); 7] = [
    ("commandExecution", "codex_command_execution_event", "shell_command_count"),
    ("fileChange", "codex_file_change_event", "file_change_count"),
    ("mcpToolCall", "codex_mcp_tool_call_event", "mcp_tool_call_count"),
    ("dynamicToolCall", "codex_dynamic_tool_call_event", "dynamic_tool_call_count"),
    ("collabAgentToolCall", "codex_collab_agent_tool_call_event", "subagent_tool_call_count"),
    ("webSearch", "codex_web_search_event", "web_search_count"),
    ("imageGeneration", "codex_image_generation_event", "image_generation_count"),
];

fn search() -> Value {
    item("webSearch")
}

/// The event of [`search`] from 10 to 30.
fn searched(more: Value) -> Value {
    let base = json!({ "item_id": "i", "started_at_ms": 10, "completed_at_ms": 30, "duration_ms": 20,
        "web_search_action": null, "query_present": true, "query_count": 1 });
    changed("codex_web_search_event", with(base, more))
}

fn start(session: &mut Session, at: i64) {
    assert_eq!(session.fact(item_started("T1", "turn-77", at, &search())), nothing());
}

fn complete(at: i64) -> Value {
    item_completed("T1", "turn-77", at, &search())
}

/// The turn's event, which shows what was counted.
fn finish(session: &mut Session) -> Value {
    session.fact(config("T1", "turn-77"));
    session.fact(tokens("T1", "turn-77"));
    session.one(completed("T1", "turn-77"))
}

fn turn_with(more: Value) -> Value {
    let none = json!({ "steer_count": 0, "total_tool_call_count": 0, "shell_command_count": 0, "file_change_count": 0, "mcp_tool_call_count": 0 });
    changed("codex_turn_event", with(none, more))
}

/// `docs/contract/rules.md` 6.2 step 3: each kind has its counter, whatever becomes of the item.
#[test]
fn every_kind_counts_and_has_its_event() {
    for (kind, event_type, counter) in KINDS {
        let mut session = Session::running();
        let item = item(kind);
        session.fact(item_started("T1", "turn-77", 10, &item));
        let event = session.one(item_completed("T1", "turn-77", 30, &item));
        assert_eq!(event["event_type"], event_type);
        assert_eq!(finish(&mut session), turn_with(json!({ "total_tool_call_count": 1, counter: 1 })), "{kind}");
    }
}

/// `docs/contract/rules.md` 6.2 step 3: the count comes before every check but that of the turn.
#[test]
fn items_without_an_event_count() {
    let mut session = Session::running();
    let command = |status: &str| with(item("commandExecution"), json!({ "status": status }));
    // Never started.
    let never = discarded(Subject::Item, Reason::NeverStarted);
    assert_eq!(session.fact(complete(30)), never);
    // Completed twice: the second time its start is gone.
    start(&mut session, 10);
    assert_eq!(session.one(complete(30)), searched(json!({})));
    assert_eq!(session.fact(complete(30)), never);
    // At a negative time, which uses its start up.
    start(&mut session, 10);
    assert_eq!(session.fact(complete(-1)), discarded(Subject::Item, Reason::NegativeTime));
    assert_eq!(session.fact(complete(30)), never);
    // In a status that is no end.
    session.fact(item_started("T1", "turn-77", 10, &command("inProgress")));
    let in_progress = session.fact(item_completed("T1", "turn-77", 30, &command("inProgress")));
    assert_eq!(in_progress, discarded(Subject::Item, Reason::NotFinal));
    let declined = command("declined");
    session.fact(item_started("T1", "turn-77", 10, &declined));
    session.one(item_completed("T1", "turn-77", 30, &declined));
    let counts = json!({ "total_tool_call_count": 7, "web_search_count": 5, "shell_command_count": 2 });
    assert_eq!(finish(&mut session), turn_with(counts));
}

/// `docs/contract/rules.md` 6.2 step 1: other items are none of this, even where nothing is known.
#[test]
fn other_items() {
    for kind in ["userMessage", "agentMessage", "reasoning", "plan", "contextCompaction", "enteredReviewMode", "newer"]
    {
        let other = json!({ "type": kind, "id": "i" });
        for mut session in [Session::empty(), Session::running()] {
            assert_eq!(session.fact(item_started("T1", "turn-77", -1, &other)), nothing(), "{kind}");
            assert_eq!(session.fact(item_completed("T1", "turn-77", 30, &other)), nothing(), "{kind}");
        }
    }
    let mut session = Session::running();
    session.fact(item_completed("T1", "turn-77", 30, &json!({ "type": "reasoning", "id": "i" })));
    assert_eq!(finish(&mut session), turn_with(json!({})));
}

/// `docs/contract/rules.md` 6.1, 6.2 steps 2 and 4: which start counts, and that none makes a turn.
#[test]
fn starts() {
    let mut session = Session::new();
    start(&mut session, 10);
    let unknown_turn = discarded(Subject::Item, Reason::UnknownTurn);
    assert_eq!(session.fact(complete(30)), unknown_turn, "a start makes no turn");
    assert_eq!(session.fact(complete(30)), unknown_turn, "nor does an end");
    session.fact(started("T1", "turn-77"));
    assert_eq!(session.one(complete(30)), searched(json!({})), "the start was kept");

    start(&mut session, 10);
    start(&mut session, 25);
    let later = json!({ "started_at_ms": 25, "duration_ms": 5 });
    assert_eq!(session.one(complete(30)), searched(later), "the later start overwrites");
    start(&mut session, 10);
    let negative = discarded(Subject::Item, Reason::NegativeTime);
    assert_eq!(session.fact(item_started("T1", "turn-77", -1, &search())), negative);
    assert_eq!(session.one(complete(30)), searched(json!({})), "a negative start is ignored");

    for (start_at, end_at, duration) in [(0, 0, json!(0)), (30, 30, json!(0)), (31, 30, Value::Null)] {
        start(&mut session, start_at);
        let times = json!({ "started_at_ms": start_at, "completed_at_ms": end_at, "duration_ms": duration });
        assert_eq!(session.one(complete(end_at)), searched(times));
    }
    // Four ended in the turn; the two that came before it did not count.
    assert_eq!(finish(&mut session), turn_with(json!({ "total_tool_call_count": 6, "web_search_count": 6 })));

    // Items are told apart by thread, turn and id.
    let mut session = Session::running();
    session.fact(thread(1, "start", "T2"));
    session.fact(started("T2", "turn-77"));
    session.fact(started("T1", "turn-78"));
    start(&mut session, 10);
    let another = with(search(), json!({ "id": "j" }));
    for elsewhere in [
        item_completed("T2", "turn-77", 30, &search()),
        item_completed("T1", "turn-78", 30, &search()),
        item_completed("T1", "turn-77", 30, &another),
    ] {
        assert_eq!(session.fact(elsewhere), discarded(Subject::Item, Reason::NeverStarted));
    }
    assert_eq!(session.one(complete(30)), searched(json!({})));
}

fn review(session: &mut Session) {
    session.fact(ask(1, "commandExecution", approval("i", json!({ "additionalPermissions": {} }))));
    session.fact(answer(1, json!({ "command_approval": "decline" })));
}

fn reviewed() -> Value {
    json!({ "review_count": 1, "user_review_count": 1, "final_approval_outcome": "user_denied", "requested_additional_permissions": true })
}

/// `docs/contract/rules.md` 6.2 steps 4 to 6: which ends use an item's reviews up.
#[test]
fn what_becomes_of_the_reviews() {
    let mut session = Session::running();
    review(&mut session);
    assert_eq!(session.fact(complete(30)), discarded(Subject::Item, Reason::NeverStarted));
    start(&mut session, 10);
    assert_eq!(session.fact(complete(-1)), discarded(Subject::Item, Reason::NegativeTime));
    start(&mut session, 10);
    assert_eq!(session.one(complete(30)), searched(reviewed()), "kept until there is an event");
    start(&mut session, 10);
    assert_eq!(session.one(complete(30)), searched(json!({})), "and gone afterwards");

    // An end that is none uses them up, too.
    let command = with(item("commandExecution"), json!({ "status": "inProgress" }));
    review(&mut session);
    session.fact(item_started("T1", "turn-77", 10, &command));
    session.fact(item_completed("T1", "turn-77", 30, &command));
    start(&mut session, 10);
    assert_eq!(session.one(complete(30)), searched(json!({})));

    // Without the thread's context they stay.
    let mut session = Session::empty();
    session.fact(started("T1", "turn-77"));
    review(&mut session);
    start(&mut session, 10);
    assert_eq!(session.fact(complete(30)), discarded(Subject::Item, Reason::UnknownThread));
    session.fact(initialize(1));
    session.fact(thread(1, "resume", "T1"));
    start(&mut session, 10);
    assert_eq!(session.one(complete(30)), searched(reviewed()));
}

/// `docs/contract/rules.md` 6.4: what was decided never changes how the item ended.
#[test]
fn reviews_do_not_change_the_ending() {
    for decision in ["accept", "acceptForSession", "decline", "cancel"] {
        for (status, terminal, failure) in [
            ("completed", "completed", Value::Null),
            ("failed", "failed", json!("tool_error")),
            ("declined", "rejected", json!("approval_denied")),
        ] {
            let mut session = Session::running();
            session.fact(ask(1, "fileChange", approval("i", json!({}))));
            session.fact(answer(1, json!({ "file_change_approval": decision })));
            let patch = with(item("fileChange"), json!({ "status": status }));
            session.fact(item_started("T1", "turn-77", 10, &patch));
            let event = session.one(item_completed("T1", "turn-77", 30, &patch));
            let params = &event["event_params"];
            assert_eq!((&params["terminal_status"], &params["failure_kind"]), (&json!(terminal), &failure));
            assert_eq!(params["review_count"], 1);
        }
    }
    // Nor does the automatic reviewer's.
    let mut session = Session::running();
    let patch = json!({ "type": "applyPatch" });
    session.fact(verdict(json!("i"), patch, json!({ "review": { "status": "denied" } })));
    start(&mut session, 10);
    let expected = json!({ "review_count": 1, "guardian_review_count": 1, "final_approval_outcome": "guardian_denied", "requested_additional_permissions": true });
    assert_eq!(session.one(complete(30)), searched(expected));
}
