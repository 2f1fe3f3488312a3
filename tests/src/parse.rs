//! What it takes only to parse: a session's messages by `serde_json` to the same members that the observer reads, in one
//! pass, with nothing copied. The limit for whoever does something with them.

#![allow(dead_code, reason = "it is parsed, and that is all")]

use serde::Deserialize;
use serde::de::IgnoredAny;

/// A message, with the members of every kind that a [session](crate::mix) has.
#[derive(Debug, Deserialize)]
pub struct Message<'m> {
    id: Option<Number>,
    method: Option<&'m str>,
    #[serde(borrow)]
    params: Option<Params<'m>>,
    #[serde(borrow)]
    result: Option<Outcome<'m>>,
}

type Number = i64;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params<'m> {
    thread_id: Option<&'m str>,
    turn_id: Option<&'m str>,
    item_id: Option<&'m str>,
    started_at_ms: Option<i64>,
    completed_at_ms: Option<i64>,
    #[serde(borrow)]
    item: Option<Item<'m>>,
    #[serde(borrow)]
    turn: Option<Turn<'m>>,
    token_usage: Option<TokenUsage>,
    diff: Option<String>,
    // A request for a turn.
    #[serde(borrow)]
    input: Option<Vec<Typed<'m>>>,
    model: Option<&'m str>,
    effort: Option<&'m str>,
    approval_policy: Option<&'m str>,
    // A request for approval.
    approval_id: Option<IgnoredAny>,
    network_approval_context: Option<IgnoredAny>,
    additional_permissions: Option<IgnoredAny>,
    grant_root: Option<IgnoredAny>,
    // The first request.
    #[serde(borrow)]
    client_info: Option<ClientInfo<'m>>,
}

#[derive(Debug, Deserialize)]
struct ClientInfo<'m> {
    name: &'m str,
    version: &'m str,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item<'m> {
    r#type: &'m str,
    id: &'m str,
    status: Option<&'m str>,
    source: Option<&'m str>,
    #[serde(borrow)]
    command_actions: Option<Vec<Typed<'m>>>,
    exit_code: Option<i32>,
    duration_ms: Option<i64>,
    #[serde(borrow)]
    changes: Option<Vec<Change<'m>>>,
    server: Option<&'m str>,
    tool: Option<&'m str>,
    error: Option<IgnoredAny>,
    #[serde(borrow)]
    action: Option<Typed<'m>>,
}

#[derive(Debug, Deserialize)]
struct Typed<'m> {
    r#type: &'m str,
}

#[derive(Debug, Deserialize)]
struct Change<'m> {
    #[serde(borrow)]
    kind: Typed<'m>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Turn<'m> {
    id: &'m str,
    status: Option<&'m str>,
    error: Option<IgnoredAny>,
    started_at: Option<i64>,
    completed_at: Option<i64>,
    duration_ms: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct TokenUsage {
    total: Tokens,
    last: Tokens,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tokens {
    total_tokens: i64,
    input_tokens: i64,
    cached_input_tokens: i64,
    output_tokens: i64,
    reasoning_output_tokens: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'m> {
    user_agent: Option<&'m str>,
    decision: Option<&'m str>,
    #[serde(borrow)]
    turn: Option<Turn<'m>>,
    #[serde(borrow)]
    thread: Option<Thread<'m>>,
    model: Option<&'m str>,
    model_provider: Option<&'m str>,
    cwd: Option<&'m str>,
    approval_policy: Option<&'m str>,
    #[serde(borrow)]
    sandbox: Option<Typed<'m>>,
    reasoning_effort: Option<&'m str>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Thread<'m> {
    id: &'m str,
    ephemeral: bool,
    created_at: i64,
    source: Option<&'m str>,
    thread_source: Option<&'m str>,
    forked_from_id: Option<&'m str>,
    preview: Option<&'m str>,
}

/// Parses a message.
///
/// # Errors
///
/// If it is none of a session.
pub fn parse(text: &[u8]) -> serde_json::Result<Message<'_>> {
    serde_json::from_slice(text)
}
