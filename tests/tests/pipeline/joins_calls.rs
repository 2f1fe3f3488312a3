//! What made a tool's call, and calls that wait for the model's next response (`docs/contract/rules.md` 6.6).

use crate::support::{
    Session, completed, discarded, item, item_completed, item_started, newer_initialize, nothing, started, thread,
};
use serde_json::{Value, json};
use turnledger_core::discard::{Reason, Subject};

fn session() -> Session {
    let mut session = Session::empty();
    for fact in [newer_initialize(1), thread(1, "start", "T1"), started("T1", "turn-77")] {
        session.fact(fact);
    }
    session
}

fn responded(response: &str, calls: &[&str]) -> Value {
    json!({ "model_responded": { "thread_id": "T1", "turn_id": "turn-77", "response_id": response, "call_ids": calls } })
}

fn code_call(call: &str, role: &str) -> Value {
    json!({ "code_call": { "thread_id": "T1", "turn_id": "turn-77", "call_id": call, "cell_id": "cell-1", "role": role } })
}

/// A search with this id starts and ends; what comes of its end.
fn call(session: &mut Session, id: &str) -> (Vec<Value>, Vec<(Subject, Reason)>) {
    let mut search = item("webSearch");
    search["id"] = id.into();
    assert_eq!(session.fact(item_started("T1", "turn-77", 10, &search)), nothing());
    session.fact(item_completed("T1", "turn-77", 30, &search))
}

fn origin(event: &Value) -> Value {
    let params = &event["event_params"];
    json!([
        params["item_id"],
        params["cell_id"],
        params["parent_call_id"],
        params["originating_response_id"],
        params["subsequent_response_id"],
        params["tool_event_type"],
    ])
}

#[test]
fn a_call_without_such_facts_waits_for_nothing() {
    let mut session = session();
    let (events, _) = call(&mut session, "a");
    // A hosted search is nobody's call.
    assert_eq!(events.iter().map(origin).collect::<Vec<_>>(), [json!(["a", null, null, null, null, null])]);
}

#[test]
fn a_call_waits_for_another_response() {
    let mut session = session();
    assert_eq!(session.fact(responded("r1", &["a"])), nothing());
    assert_eq!(call(&mut session, "a"), nothing());
    // The same response is not the next one.
    assert_eq!(session.fact(responded("r1", &["b"])), nothing());
    let event = session.one(responded("r2", &[]));
    assert_eq!(origin(&event), json!(["a", null, null, "r1", "r2", "model_tool_call"]));
    assert_eq!(session.fact(responded("r3", &[])), nothing());
}

#[test]
fn a_call_of_code_has_its_cell_and_the_response_of_the_call_that_runs_it() {
    let mut session = session();
    session.fact(responded("r1", &["exec"]));
    session.fact(code_call("exec", "runs_cell"));
    session.fact(code_call("inner", "made_by_cell"));
    assert_eq!(call(&mut session, "inner"), nothing());
    assert_eq!(call(&mut session, "exec"), nothing());
    let (events, _) = session.fact(completed("T1", "turn-77"));
    assert_eq!(
        events.iter().map(origin).collect::<Vec<_>>(),
        [
            json!(["inner", "cell-1", "exec", "r1", null, "inner_tool_call"]),
            json!(["exec", "cell-1", null, "r1", null, "model_tool_call"]),
        ]
    );
}

#[test]
fn what_waits_in_the_end_has_its_event() {
    let mut session = session();
    session.fact(responded("r1", &["a"]));
    assert_eq!(call(&mut session, "a"), nothing());
    let (events, discards) = session.finish();
    assert_eq!(
        events.iter().map(origin).collect::<Vec<_>>(),
        [json!(["a", null, null, "r1", null, "model_tool_call"])]
    );
    assert_eq!(discards, discarded(Subject::Turn, Reason::NotCompleted).1);
}

#[test]
fn what_the_user_was_asked_stands_in_the_calls_event() {
    let mut session = session();
    let search = item("mcpToolCall");
    session.fact(item_started("T1", "turn-77", 10, &search));
    for kind in ["approval", "auth_or_link"] {
        let fact = json!({ "mcp_elicited": { "thread_id": "T1", "turn_id": "turn-77", "item_id": "i", "elicitation_type": kind } });
        assert_eq!(session.fact(fact), nothing());
    }
    let event = session.one(item_completed("T1", "turn-77", 30, &search));
    assert_eq!(event["event_params"]["elicitation_type"], "approval");
}

#[test]
fn measurements_by_their_rules() {
    let mut session = session();
    let row = |name: &str, dimensions: Value| json!({ "measurement_name": name, "number_value": 1.5, "dimensions": dimensions });
    let measured = |operation: &str, rows: Vec<Value>| {
        json!({ "plugin_measured": { "thread_id": "T1", "turn_id": "turn-77", "item_id": "i", "originator": "o",
            "model_slug": null, "reasoning_effort": null, "plugin_id": "p@m", "execution_id": "e", "operation": operation,
            "rows": rows } })
    };
    let (events, discards) = session.fact(measured(
        "render",
        vec![row("pages", json!({})), row("Not a word", Value::Null), row("size_2", json!({ "format": "pdf" }))],
    ));
    let said: Vec<_> = events
        .iter()
        .map(|event| json!([event["event_params"]["measurement_name"], event["event_params"]["dimensions"]]))
        .collect();
    assert_eq!(said, [json!(["pages", null]), json!(["size_2", { "format": "pdf" }])]);
    assert_eq!(discards, [(Subject::Plugin, Reason::WrongShape)]);
    for batch in [
        measured("render", vec![]),
        measured("/home", vec![row("pages", Value::Null)]),
        measured("render", vec![row("pages", Value::Null); 101]),
    ] {
        assert_eq!(session.fact(batch), discarded(Subject::Plugin, Reason::WrongShape));
    }
}
