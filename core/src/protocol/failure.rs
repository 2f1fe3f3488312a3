//! The kinds of failures that end a turn (`docs/contract/wire.md` 1.8).

use alloc::string::String;

use super::enums::NonSteerableTurnKind;
use super::known::WireEnum;
use crate::json::read::{Failed, Read, Reader};
use crate::json::write::Write;

/// What kind of failure ended a turn, in the wire's own form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodexErrorInfo {
    /// A plain kind, such as `contextWindowExceeded`: one of those that the protocol names.
    Plain(&'static str),
    /// A kind with an HTTP status, such as `responseStreamDisconnected`.
    Http {
        /// The kind.
        kind: &'static str,
        /// The status, where there was one.
        http_status_code: Option<u16>,
    },
    /// The running turn refuses a steer.
    ActiveTurnNotSteerable {
        /// What kind of turn it is.
        turn_kind: NonSteerableTurnKind,
    },
    /// A kind that this version does not know, which a newer server may fill with anything; events say null.
    Unknown,
}

/// The plain kinds of all versions up to 0.171.
const PLAIN_KINDS: [&str; 18] = [
    "contextWindowExceeded",
    "sessionBudgetExceeded",
    "usageLimitExceeded",
    "rateLimitExceeded",
    "flexUnavailable",
    "serverOverloaded",
    "modelNotFound",
    "policyCapacityUnavailable",
    "cyberPolicy",
    "misalignmentPolicyViolation",
    "tooManyDenials",
    "internalServerError",
    "unauthorized",
    "badRequest",
    "threadRollbackFailed",
    "sandboxError",
    "inferenceHookDenied",
    "other",
];
const HTTP_KINDS: [&str; 4] = [
    "httpConnectionFailed",
    "responseStreamConnectionFailed",
    "responseStreamDisconnected",
    "responseTooManyFailedAttempts",
];
const NOT_STEERABLE: &str = "activeTurnNotSteerable";

fn find(kinds: &[&'static str], text: &str) -> Option<&'static str> {
    kinds.iter().find(|kind| **kind == text).copied()
}

impl CodexErrorInfo {
    /// The kind's word.
    pub(crate) fn kind(&self) -> Option<&'static str> {
        match self {
            Self::Plain(kind) | Self::Http { kind, .. } => Some(kind),
            Self::ActiveTurnNotSteerable { .. } => Some(NOT_STEERABLE),
            Self::Unknown => None,
        }
    }

    /// A kind with the HTTP status of the answer that failed. The status counts with the four kinds that have one.
    pub fn with_status(kind: &str, status: Option<u16>) -> Self {
        find(&HTTP_KINDS, kind).map_or_else(|| Self::from(kind), |kind| Self::Http { kind, http_status_code: status })
    }

    /// Whether a text is the word for a kind.
    pub(crate) fn is_kind(text: &str) -> bool {
        find(&PLAIN_KINDS, text).or_else(|| find(&HTTP_KINDS, text)).is_some() || text == NOT_STEERABLE
    }
}

impl From<&str> for CodexErrorInfo {
    /// The kind of this word of the wire, without a status.
    fn from(kind: &str) -> Self {
        if let Some(kind) = find(&HTTP_KINDS, kind) {
            return Self::Http { kind, http_status_code: None };
        }
        if kind == NOT_STEERABLE {
            return Self::ActiveTurnNotSteerable { turn_kind: NonSteerableTurnKind::Unknown };
        }
        find(&PLAIN_KINDS, kind).map_or(Self::Unknown, Self::Plain)
    }
}

impl Read<'_> for CodexErrorInfo {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        #[derive(Read)]
        struct Http {
            #[serde(rename = "httpStatusCode")]
            status: Option<u16>,
        }
        #[derive(Read)]
        struct NotSteerable {
            #[serde(rename = "turnKind")]
            kind: NonSteerableTurnKind,
        }
        const KINDS: &str = "CodexErrorInfo";

        if reader.peek()? != b'{' {
            let kind = reader.string()?;
            if let Some(kind) = find(&PLAIN_KINDS, &kind) {
                return Ok(Self::Plain(kind));
            }
            reader.unread_word(KINDS, &kind);
            return Ok(Self::Unknown);
        }
        let mut info = Self::Unknown;
        reader.members(&mut |reader, name| {
            if let Some(kind) = find(&HTTP_KINDS, &name) {
                info = Self::Http { kind, http_status_code: Http::read(reader)?.status };
            } else if name == NOT_STEERABLE {
                info = Self::ActiveTurnNotSteerable { turn_kind: NotSteerable::read(reader)?.kind };
            } else {
                reader.unread_word(KINDS, &name);
                reader.skip()?;
            }
            Ok(())
        })?;
        Ok(info)
    }
}

impl WireEnum for CodexErrorInfo {
    fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

impl Write for CodexErrorInfo {
    fn write(&self, text: &mut String) {
        match self {
            Self::Plain(kind) => kind.write(text),
            Self::Http { kind, http_status_code: status } => {
                text.push('{');
                kind.write(text);
                text.push_str(":{\"httpStatusCode\":");
                status.write(text);
                text.push_str("}}");
            }
            Self::ActiveTurnNotSteerable { turn_kind: kind } => {
                text.push('{');
                NOT_STEERABLE.write(text);
                text.push_str(":{\"turnKind\":");
                kind.write(text);
                text.push_str("}}");
            }
            Self::Unknown => text.push_str("null"),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for CodexErrorInfo {
    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        "CodexErrorInfo".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let http = schemars::json_schema!({
            "type": "object",
            "properties": { "httpStatusCode": {
                "description": "The HTTP status. Null when there was none. Source: `codexErrorInfo`.",
                "type": ["integer", "null"], "minimum": 0, "maximum": 65535
            } },
            "required": ["httpStatusCode"]
        });
        let http = |doc: &str| {
            let mut kind = http.clone();
            kind.insert("description".into(), alloc::format!("{doc} Source: `codexErrorInfo`.").into());
            kind
        };
        schemars::json_schema!({ "anyOf": [
            { "enum": PLAIN_KINDS },
            { "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false, "properties": {
                (HTTP_KINDS[0]): http("No connection to the model's provider."),
                (HTTP_KINDS[1]): http("No connection for the stream of a response."),
                (HTTP_KINDS[2]): http("The stream of a response ended too early."),
                (HTTP_KINDS[3]): http("The last attempt failed, too."),
                (NOT_STEERABLE): {
                    "description": "The running turn takes no steer. Source: `codexErrorInfo`.",
                    "type": "object",
                    "properties": { "turnKind": {
                        "description": "What runs. Source: `codexErrorInfo`.", "enum": ["review", "compact", "unknown"]
                    } },
                    "required": ["turnKind"]
                }
            } },
            { "type": "null" }
        ] })
    }
}
