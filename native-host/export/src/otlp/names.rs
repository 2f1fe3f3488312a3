//! The names of attributes: those of the semantic conventions for generative AI where they have one, else `turnledger.…`.

#![expect(
    deprecated,
    reason = "the conventions for generative AI have a repository of their own now, of which there is no release for Rust"
)]

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_semantic_conventions::attribute as convention;

use super::seen::{Kind, Seen};
use super::value::{Scalar, attribute};

/// An attribute of log records and spans.
#[derive(Debug)]
#[non_exhaustive]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// What it is, as `docs/opentelemetry.md` says it.
    pub doc: &'static str,
    value: for<'a> fn(&'a Seen<'_>) -> Option<Scalar<'a>>,
}

/// What an event says, by its names.
pub(super) fn attributes(seen: &Seen<'_>) -> Vec<KeyValue> {
    let said = ATTRIBUTES.iter().filter_map(|name| Some(attribute(name.name, (name.value)(seen)?)));
    said.collect()
}

pub(super) const OPERATION: &str = convention::GEN_AI_OPERATION_NAME;
pub(super) const PROVIDER: &str = convention::GEN_AI_PROVIDER_NAME;
pub(super) const MODEL: &str = convention::GEN_AI_REQUEST_MODEL;
pub(super) const TOKEN_TYPE: &str = convention::GEN_AI_TOKEN_TYPE;
pub(super) const TOOL: &str = convention::GEN_AI_TOOL_NAME;
pub(super) const UID: &str = convention::LOG_RECORD_UID;
pub(super) const STATUS: &str = "turnledger.status";
pub(super) const CLIENT: &str = "turnledger.client";
pub(super) const TOOL_KIND: &str = "turnledger.tool.kind";
pub(super) const REVIEWER: &str = "turnledger.reviewer";
pub(super) const LINES: &str = "turnledger.lines.type";
pub(super) const NAME: &str = "turnledger.name";

/// A text.
fn text(value: Option<&str>) -> Option<Scalar<'_>> {
    value.map(Scalar::Text)
}

/// A number.
fn whole<'a>(value: Option<i64>) -> Option<Scalar<'a>> {
    value.map(Scalar::Whole)
}

/// A text of a call alone.
fn of_call<'a>(seen: &Seen<'_>, value: Option<&'a str>) -> Option<Scalar<'a>> {
    text(value.filter(|_| matches!(seen.kind, Kind::Call(_))))
}

macro_rules! attributes {
    ($($name:expr, |$seen:ident| $value:expr, $doc:literal;)+) => {
        /// The attributes of log records and spans. An event has those that it says something of.
        pub const ATTRIBUTES: &[Attribute] = &[$(Attribute { name: $name, doc: $doc, value: |$seen| $value }),+];
    };
}

attributes! {
    convention::GEN_AI_CONVERSATION_ID, |seen| text(seen.columns.thread_id.as_deref()), "the thread";
    OPERATION, |seen| text(seen.operation()), "`invoke_agent` of a turn, `execute_tool` of a call";
    PROVIDER, |seen| text(seen.param("model_provider")), "`model_provider` of a turn";
    MODEL, |seen| text(seen.columns.model.as_deref()), "`model` or `model_slug`";
    TOOL, |seen| of_call(seen, seen.columns.name.as_deref()), "the tool of a call";
    convention::GEN_AI_TOOL_CALL_ID, |seen| of_call(seen, seen.columns.item_id.as_deref()), "the item of a call";
    convention::GEN_AI_USAGE_INPUT_TOKENS, |seen| whole(seen.columns.input_tokens),
        "what the model read, with what was cached";
    convention::GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, |seen| whole(seen.columns.cached_input_tokens),
        "the part of the input that was cached";
    convention::GEN_AI_USAGE_OUTPUT_TOKENS, |seen| whole(seen.columns.output_tokens),
        "what the model wrote, with its reasoning";
    convention::GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, |seen| whole(seen.columns.reasoning_output_tokens),
        "the part of the output that is reasoning";
    "turnledger.session.id", |seen| text(seen.param("session_id")), "`session_id`";
    "turnledger.turn.id", |seen| text(seen.columns.turn_id.as_deref()), "the turn";
    "turnledger.item.id", |seen| text(seen.columns.item_id.as_deref()), "the item";
    "turnledger.review.id", |seen| text(seen.columns.review_id.as_deref()), "the review";
    CLIENT, |seen| text(seen.columns.client.as_deref()), "`product_client_id`";
    NAME, |seen| text(seen.columns.name.as_deref()), "the column `name` of [parquet.md](parquet.md#the-columns)";
    TOOL_KIND, |seen| text(seen.kind.of_tool()),
        "what a call is of: `command`, `file_change`, `mcp`, `client`, `agent`, `web_search`, `image` or `control`";
    STATUS, |seen| text(seen.columns.status.as_deref()), "the column `status`: how it ended";
    "turnledger.duration_ms", |seen| whole(seen.columns.duration_ms), "how long it took, in milliseconds";
    REVIEWER, |seen| text(seen.columns.reviewer.as_deref()), "`user` or `guardian`";
    "turnledger.lines.added", |seen| whole(seen.columns.added_lines), "accepted lines";
    "turnledger.lines.deleted", |seen| whole(seen.columns.deleted_lines), "lines that the turn's diff deletes";
    "turnledger.source", |seen| text(seen.columns.is_read.then_some("rollout")), "`rollout` if a file told it";
}
