//! A session and what comes out of it.

use serde_json::Value;
use turnledger::Sha2;
use turnledger_core::{Output, Pipeline};
use turnledger_tests::golden::{Message, observe, pipeline};

/// Passes messages.
pub fn feed(session: &mut Pipeline<Sha2>, messages: &[Message], output: &mut Output) {
    for message in messages {
        observe(session, message, output);
    }
}

/// What a session yields, with its end.
pub fn whole(messages: &[Message]) -> Output {
    let (mut session, mut output) = (pipeline(Sha2::default()), Output::default());
    feed(&mut session, messages, &mut output);
    session.finish(messages.last().map(|message| message.at).unwrap_or_default(), &mut output);
    output
}

/// The events as they are written.
pub fn lines(output: &Output) -> Vec<String> {
    output.events.iter().map(ToString::to_string).collect()
}

/// Whether two things are the same.
pub fn same<T: PartialEq + std::fmt::Debug>(actual: &T, expected: &T) -> Result<(), String> {
    if actual == expected { Ok(()) } else { Err(format!("expected {expected:#?}\nactual {actual:#?}")) }
}

/// Whether the same events came out, and else the first difference.
pub fn same_lines(actual: &[String], expected: &[String]) -> Result<(), String> {
    let differs = |index: &usize| actual.get(*index) != expected.get(*index);
    match (0..actual.len().max(expected.len())).find(differs) {
        Some(index) => same(&(index, actual.get(index)), &(index, expected.get(index))),
        None => Ok(()),
    }
}

/// A message's JSON.
///
/// # Panics
///
/// If it has none.
pub fn read(message: &Message) -> Value {
    serde_json::from_str(&message.text).expect("a message is JSON")
}

/// Whether an item is a tool's: newer servers show what becomes of an agent instead of the call.
pub fn is_tool(item: &Value) -> bool {
    match item["type"].as_str().unwrap_or_default() {
        "commandExecution"
        | "fileChange"
        | "mcpToolCall"
        | "dynamicToolCall"
        | "collabAgentToolCall"
        | "webSearch"
        | "imageGeneration" => true,
        "subAgentActivity" => item["kind"] == "started" || is_silent_call(item),
        _ => false,
    }
}

/// Whether it is a call that counts, and has no event before 0.150.
pub fn is_silent_call(item: &Value) -> bool {
    item["type"] == "subAgentActivity" && (item["kind"] == "interacted" || item["kind"] == "interrupted")
}

/// Whether an event is of a tool item.
pub fn is_item(event: &Value) -> bool {
    event["event_params"].get("tool_name").is_some()
}
