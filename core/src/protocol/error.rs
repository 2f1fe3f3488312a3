//! Errors on the wire: of turns (contract `wire.md` 1.8, 1.9) and of requests (4.3).

use alloc::string::String;

use super::enums::NonSteerableTurnKind;
use crate::id::Id;
use crate::private::{is_word, redact_free_text};
use crate::read::{Failed, Read, Reader, Text};
use crate::schema::json_schemas;
use crate::write::Write;

/// What kind of failure ended a turn, in the wire's own form.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodexErrorInfo {
    /// A plain kind, such as `contextWindowExceeded`.
    Plain(Id),
    /// A kind with an HTTP status, such as `responseStreamDisconnected`.
    Http {
        /// The kind.
        kind: Id,
        /// The status, where there was one.
        http_status_code: Option<u16>,
    },
    /// The running turn refuses a steer.
    ActiveTurnNotSteerable {
        /// What kind of turn it is.
        turn_kind: NonSteerableTurnKind,
    },
    /// A form that this version does not know; events say null.
    Unknown,
}

const HTTP_KINDS: [&str; 4] = [
    "httpConnectionFailed",
    "responseStreamConnectionFailed",
    "responseStreamDisconnected",
    "responseTooManyFailedAttempts",
];
const NOT_STEERABLE: &str = "activeTurnNotSteerable";

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
        if reader.peek()? != b'{' {
            let text = reader.string()?;
            return Ok(if is_word(&text) { Self::Plain((*text).into()) } else { Self::Unknown });
        }
        let mut info = Self::Unknown;
        reader.members(&mut |reader, name| {
            if HTTP_KINDS.contains(&&*name) {
                info = Self::Http { kind: (*name).into(), http_status_code: Http::read(reader)?.status };
            } else if name == NOT_STEERABLE {
                info = Self::ActiveTurnNotSteerable { turn_kind: NotSteerable::read(reader)?.kind };
            } else {
                reader.skip()?;
            }
            Ok(())
        })?;
        Ok(info)
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
            "properties": { "httpStatusCode": { "type": ["integer", "null"], "minimum": 0, "maximum": 65535 } },
            "required": ["httpStatusCode"]
        });
        schemars::json_schema!({ "anyOf": [
            { "type": "string", "pattern": "^[A-Za-z0-9_]{1,64}$" },
            { "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false, "properties": {
                (HTTP_KINDS[0]): http.clone(), (HTTP_KINDS[1]): http.clone(), (HTTP_KINDS[2]): http.clone(), (HTTP_KINDS[3]): http,
                (NOT_STEERABLE): {
                    "type": "object",
                    "properties": { "turnKind": { "enum": ["review", "compact", "unknown"] } },
                    "required": ["turnKind"]
                }
            } },
            { "type": "null" }
        ] })
    }
}

const REMOTE_COMPACTION: &str = "Error running remote compact task: ";
const MAX_ERROR_TEXT: usize = 500;

/// An error's text, without the prefix that the server puts before compaction failures and without
/// anything that may be a path, a URL or a quotation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write)]
#[serde(transparent)]
pub struct ErrorText(String);

impl ErrorText {
    /// Reads an error's text as far as it can leave the machine. What it makes of a text it makes of itself, too: a
    /// recorded fact is read again.
    pub fn new(mut text: &str) -> Self {
        while let Some(rest) = text.strip_prefix(REMOTE_COMPACTION) {
            text = rest;
        }
        let mut text = redact_free_text(&text[..end_of(text)]);
        // What stands for a word may be longer than the word. Half a word may look like something else.
        let end = end_of(&text);
        if end < text.len() {
            text.truncate(text[..end].rfind(' ').unwrap_or_default());
        }
        Self(text)
    }

    /// The text that is left.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a text has its greatest length.
fn end_of(text: &str) -> usize {
    text.char_indices().nth(MAX_ERROR_TEXT).map_or(text.len(), |(end, _)| end)
}

impl Read<'_> for ErrorText {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        reader.string().map(|text| Self::new(&text))
    }
}

json_schemas! {
    ErrorText: { "type": "string" },
}

/// Why a turn failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct TurnError {
    /// The message, as far as it can leave the machine.
    pub message: ErrorText,
    /// The kind of failure.
    pub codex_error_info: Option<CodexErrorInfo>,
}

/// Why the server refused a `turn/start` or `turn/steer` (contract `facts.md` 1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JsonRpcErrorType {
    /// A steer of a thread without a running turn.
    NoActiveTurn,
    /// A steer of another turn than the running one.
    ExpectedTurnMismatch,
    /// A steer of a running review.
    NonSteerableReview,
    /// A steer of a running compaction.
    NonSteerableCompact,
    /// No input at all.
    EmptyInput,
    /// More text than the server takes.
    InputTooLarge,
}

/// The error answer to a request, reduced to what tells its kind (contract `wire.md` 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RpcError {
    /// The kind, where the contract names one.
    pub error_type: Option<JsonRpcErrorType>,
    /// Whether the server refused the request before it dispatched or recorded it.
    pub unrecorded: bool,
}

impl Read<'_> for RpcError {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        #[derive(Read)]
        struct Wire<'a> {
            code: i64,
            message: Text<'a>,
            #[serde(default)]
            data: Option<Data>,
        }
        #[derive(Read)]
        struct Data {
            input_error_code: Option<InputErrorCode>,
            #[serde(rename = "codexErrorInfo")]
            codex_error_info: Option<CodexErrorInfo>,
        }
        #[derive(Read)]
        #[serde(rename_all = "snake_case")]
        enum InputErrorCode {
            InputTooLarge,
            #[serde(other)]
            Other,
        }
        const INVALID_REQUEST: i64 = -32600;
        const INVALID_PARAMS: i64 = -32602;

        let wire = Wire::read(reader)?;
        let message = &*wire.message.0;
        let error_type = match (wire.code, &wire.data) {
            (INVALID_PARAMS, Some(Data { input_error_code: Some(InputErrorCode::InputTooLarge), .. })) => {
                Some(JsonRpcErrorType::InputTooLarge)
            }
            (
                INVALID_REQUEST,
                Some(Data { codex_error_info: Some(CodexErrorInfo::ActiveTurnNotSteerable { turn_kind }), .. }),
            ) => match turn_kind {
                NonSteerableTurnKind::Review => Some(JsonRpcErrorType::NonSteerableReview),
                NonSteerableTurnKind::Compact => Some(JsonRpcErrorType::NonSteerableCompact),
                NonSteerableTurnKind::Unknown => None,
            },
            (INVALID_REQUEST, None) if message == "no active turn to steer" => Some(JsonRpcErrorType::NoActiveTurn),
            (INVALID_REQUEST, None) if message.starts_with("expected active turn id `") => {
                Some(JsonRpcErrorType::ExpectedTurnMismatch)
            }
            (INVALID_REQUEST, None) if message == "input must not be empty" => Some(JsonRpcErrorType::EmptyInput),
            _ => None,
        };
        let unrecorded = wire.code == INVALID_REQUEST
            && (message == "expectedTurnId must not be empty"
                || message == "Not initialized"
                || message.starts_with("Invalid request")
                || message.contains("requires experimentalApi capability"));
        Ok(Self { error_type, unrecorded })
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::{CodexErrorInfo, ErrorText, JsonRpcErrorType, RpcError};

    #[test]
    fn error_infos_keep_their_form() {
        for json in [
            "\"contextWindowExceeded\"",
            "\"aKindOfANewerVersion\"",
            r#"{"responseStreamDisconnected":{"httpStatusCode":502}}"#,
            r#"{"httpConnectionFailed":{"httpStatusCode":null}}"#,
            r#"{"activeTurnNotSteerable":{"turnKind":"compact"}}"#,
        ] {
            let info: CodexErrorInfo = crate::read::from_str(json).unwrap();
            assert_eq!(crate::write::to_string(&info), json);
        }
        for json in ["\"free text\"", "\"\"", r#"{"newer":{"secret":1}}"#] {
            assert_eq!(crate::read::from_str::<CodexErrorInfo>(json).unwrap(), CodexErrorInfo::Unknown, "{json}");
        }
    }

    /// Every row of contract `wire.md` 4.3.
    #[test]
    fn request_errors_by_class() {
        for (json, expected) in [
            (
                r#"{"code":-32602,"message":"x","data":{"input_error_code":"input_too_large","max_chars":1}}"#,
                Some(JsonRpcErrorType::InputTooLarge),
            ),
            (
                r#"{"code":-32600,"message":"x","data":{"message":"x","codexErrorInfo":{"activeTurnNotSteerable":{"turnKind":"review"}}}}"#,
                Some(JsonRpcErrorType::NonSteerableReview),
            ),
            (
                r#"{"code":-32600,"message":"x","data":{"codexErrorInfo":{"activeTurnNotSteerable":{"turnKind":"compact"}}}}"#,
                Some(JsonRpcErrorType::NonSteerableCompact),
            ),
            (r#"{"code":-32600,"message":"no active turn to steer"}"#, Some(JsonRpcErrorType::NoActiveTurn)),
            (
                r#"{"code":-32600,"message":"expected active turn id `a` but found `b`"}"#,
                Some(JsonRpcErrorType::ExpectedTurnMismatch),
            ),
            (r#"{"code":-32600,"message":"input must not be empty"}"#, Some(JsonRpcErrorType::EmptyInput)),
            (r#"{"code":-32600,"message":"thread not found"}"#, None),
            (r#"{"code":-32603,"message":"no active turn to steer"}"#, None),
            (r#"{"code":-32602,"message":"x","data":{"input_error_code":"other"}}"#, None),
        ] {
            let error: RpcError = crate::read::from_str(json).unwrap();
            assert_eq!(error, RpcError { error_type: expected, unrecorded: false }, "{json}");
        }
        for message in [
            "expectedTurnId must not be empty",
            "Not initialized",
            "Invalid request: missing field",
            "turn/start.x requires experimentalApi capability",
        ] {
            let json = serde_json::json!({ "code": -32600, "message": message });
            let error: RpcError = crate::read::from_str(&json.to_string()).unwrap();
            assert_eq!(error, RpcError { error_type: None, unrecorded: true }, "{message}");
        }
    }

    #[test]
    fn error_texts_lose_their_prefix_and_what_may_be_private() {
        assert_eq!(
            ErrorText::new("Error running remote compact task: no luck at https://x.test/y.").as_str(),
            "no luck at …"
        );
        assert_eq!(ErrorText::new(&"é".repeat(501)).as_str(), "é".repeat(500));
        for text in [
            "Error running remote compact task: Error running remote compact task: x",
            &("\"".to_string() + &" ".repeat(600)),
            &"don't say it's over ".repeat(40),
            &"a/b c \"d e\" ".repeat(60),
        ] {
            let read = ErrorText::new(text);
            assert!(read.as_str().chars().count() <= 500, "{text}");
            assert_eq!(ErrorText::new(read.as_str()), read, "{text}");
        }
    }
}
