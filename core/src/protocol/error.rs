//! Errors on the wire: of turns (`docs/contract/wire.md` 1.8, 1.9) and of requests (4.3).

use super::enums::NonSteerableTurnKind;
pub use super::failure::CodexErrorInfo;
pub use super::sentence::ErrorText;
use crate::json::read::{Failed, Read, Reader, Text};
use crate::json::write::Write;

/// Why a turn failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct TurnError {
    /// The message, where it is a sentence that is known.
    pub message: Option<ErrorText>,
    /// The kind of failure.
    pub codex_error_info: Option<CodexErrorInfo>,
}

impl TurnError {
    /// What can be said of the error: its known sentence, or else its kind.
    pub(crate) fn text(&self) -> Option<ErrorText> {
        self.message.clone().or_else(|| ErrorText::of_kind(self.codex_error_info.as_ref()?))
    }
}

/// Why the server refused a `turn/start` or `turn/steer` (`docs/contract/facts.md` 1.1).
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

/// The error answer to a request, reduced to what tells its kind (`docs/contract/wire.md` 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RpcError {
    /// The kind, where the contract names one.
    pub error_type: Option<JsonRpcErrorType>,
    /// Whether the server refused the request before it dispatched or recorded it.
    pub unrecorded: bool,
    /// Why a plugin could not be installed, where the message is a known one.
    pub install_error: Option<&'static str>,
}

/// The kind of error that the server's message about a plugin's installation tells.
fn install_error(message: &str) -> Option<&'static str> {
    (message == "missing plugin.json").then_some("store_invalid")
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
        Ok(Self { error_type, unrecorded, install_error: install_error(message) })
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::{CodexErrorInfo, JsonRpcErrorType, RpcError};

    #[test]
    fn error_infos_keep_their_form() {
        for json in [
            "\"contextWindowExceeded\"",
            r#"{"responseStreamDisconnected":{"httpStatusCode":502}}"#,
            r#"{"httpConnectionFailed":{"httpStatusCode":null}}"#,
            r#"{"activeTurnNotSteerable":{"turnKind":"compact"}}"#,
        ] {
            let info: CodexErrorInfo = crate::json::read::from_str(json).unwrap();
            assert_eq!(crate::json::write::to_string(&info), json);
        }
        for (made, json) in [
            (CodexErrorInfo::from("contextWindowExceeded"), "\"contextWindowExceeded\""),
            (CodexErrorInfo::from("httpConnectionFailed"), r#"{"httpConnectionFailed":{"httpStatusCode":null}}"#),
            (
                CodexErrorInfo::with_status("responseStreamDisconnected", Some(502)),
                r#"{"responseStreamDisconnected":{"httpStatusCode":502}}"#,
            ),
            (CodexErrorInfo::with_status("badRequest", Some(400)), "\"badRequest\""),
            (CodexErrorInfo::with_status("secret", Some(400)), "null"),
        ] {
            assert_eq!(crate::json::write::to_string(&made), json);
        }
        for json in ["\"aKindOfANewerVersion\"", "\"free text\"", "\"\"", r#"{"newer":{"secret":1}}"#] {
            assert_eq!(crate::json::read::from_str::<CodexErrorInfo>(json).unwrap(), CodexErrorInfo::Unknown, "{json}");
        }
    }

    /// Every row of `docs/contract/wire.md` 4.3.
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
            let error: RpcError = crate::json::read::from_str(json).unwrap();
            assert_eq!(error, RpcError { error_type: expected, unrecorded: false, install_error: None }, "{json}");
        }
        for message in [
            "expectedTurnId must not be empty",
            "Not initialized",
            "Invalid request: missing field",
            "turn/start.x requires experimentalApi capability",
        ] {
            let json = serde_json::json!({ "code": -32600, "message": message });
            let error: RpcError = crate::json::read::from_str(&json.to_string()).unwrap();
            assert_eq!(error, RpcError { error_type: None, unrecorded: true, install_error: None }, "{message}");
        }
    }
}
