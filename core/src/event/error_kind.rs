//! The kinds of errors that 0.169 and later report (`docs/contract/events.md`).

use super::common::{event_enums, event_groups};
use crate::protocol::error::{CodexErrorInfo, ErrorText};

event_enums! {
    /// What kind of error ended a turn or a compaction.
    CodexErrorKind {
        /// The turn was aborted.
        TurnAborted,
        /// The session's budget is used up.
        SessionBudgetExceeded,
        /// The stream of a response ended too early.
        Stream,
        /// The context is larger than the model's window.
        ContextWindowExceeded,
        /// The model's provider knows no such model.
        ModelNotFound,
        /// The user's limit is reached.
        UsageLimitReached,
        /// The account's quota is used up.
        QuotaExceeded,
        /// The account's plan does not include the use.
        UsageNotIncluded,
        /// Too many requests in too short a time.
        RateLimitExceeded,
        /// The model's provider is overloaded.
        ServerOverloaded,
        /// The model's provider failed.
        InternalServerError,
        /// The last attempt failed, too.
        RetryLimit,
        /// The model's provider answered with an unexpected status.
        UnexpectedStatus,
        /// The model's provider could not be reached.
        ConnectionFailed,
        /// The stream of a response could not be opened.
        ResponseStreamFailed,
        /// The response is not complete.
        ResponseIncomplete,
        /// The request is wrong.
        InvalidRequest,
        /// An image of the request is wrong.
        InvalidImageRequest,
        /// The prompt is refused.
        InvalidPrompt,
        /// The content is refused by a filter.
        ContentFilter,
        /// The content is against a policy.
        ContentPolicyViolation,
        /// The request is against the policy on cyber attacks.
        CyberPolicy,
        /// The request is against the policy on biology.
        BioPolicy,
        /// The request is against the policy on misalignment.
        MisalignmentPolicyViolation,
        /// No capacity is left to check the request against a policy.
        PolicyCapacityUnavailable,
        /// A hook denied the request to the model.
        InferenceHookDenied,
        /// The sandbox failed.
        Sandbox,
        /// A program could not be started.
        Spawn,
        /// Something took too long.
        Timeout,
        /// A request took too long.
        RequestTimeout,
        /// Something was interrupted.
        Interrupted,
        /// The tokens of the login could not be renewed.
        RefreshTokenFailed,
        /// The server does not do this.
        UnsupportedOperation,
        /// There is no such thread.
        ThreadNotFound,
        /// Too many agents.
        AgentLimitReached,
        /// An agent inside the server died.
        InternalAgentDied,
        /// A fatal error.
        Fatal,
        /// Reading or writing failed.
        Io,
        /// Some JSON is wrong.
        Json,
    }
}

event_groups! {
    /// The kind of an error (0.169 and later).
    #[derive(Copy, Default)]
    #[expect(clippy::exhaustive_structs, reason = "a fact has it, whose literal ends in `..Default::default()`")]
    ErrorKind {
        /// The kind of error. Null without an error, and when traffic does not tell kinds apart.
        /// Source: `codexErrorInfo` or else a known text of the error, or a host's own fact.
        codex_error_kind: Option<CodexErrorKind>,
        /// The HTTP status of the error. Null without one. Source: `codexErrorInfo` or else a known text of the error, or a
        /// host's own fact.
        codex_error_http_status_code: Option<u16>,
        /// The window of the limit that was reached. Minutes. Null from traffic, and for other errors.
        /// Source: a host's own fact.
        usage_limit_window_minutes: Option<u16>,
    }
}

impl ErrorKind {
    /// What the protocol's error says of its kind.
    pub(crate) fn of(error: Option<&CodexErrorInfo>) -> Self {
        let (codex_error_kind, codex_error_http_status_code) = error.map(CodexErrorKind::of).unwrap_or_default();
        Self { codex_error_kind, codex_error_http_status_code, usage_limit_window_minutes: None }
    }
}

/// The kinds that the sentences of released servers stand for, by how these begin. A status may follow.
const SENTENCES: [(&str, CodexErrorKind); 12] = [
    ("We", CodexErrorKind::InternalServerError),
    ("Codex ran out of room", CodexErrorKind::ContextWindowExceeded),
    ("Selected model is at capacity", CodexErrorKind::ServerOverloaded),
    ("Quota exceeded", CodexErrorKind::QuotaExceeded),
    ("You", CodexErrorKind::UsageLimitReached),
    ("Fatal error", CodexErrorKind::Fatal),
    ("stream disconnected before completion", CodexErrorKind::Stream),
    ("Incomplete response returned", CodexErrorKind::ResponseIncomplete),
    ("exceeded retry limit, last status: ", CodexErrorKind::RetryLimit),
    ("unexpected status ", CodexErrorKind::UnexpectedStatus),
    ("timeout waiting for child process to exit", CodexErrorKind::Timeout),
    ("request timed out", CodexErrorKind::RequestTimeout),
];

impl ErrorKind {
    /// What an error's text says of its kind: a known sentence, or the protocol's word for it.
    pub(crate) fn of_text(text: &ErrorText) -> Self {
        let text = text.as_str();
        let Some((start, kind)) = SENTENCES.iter().find(|(start, _)| text.starts_with(start)) else {
            return Self::of(Some(&CodexErrorInfo::from(text)));
        };
        let status = text[start.len()..].get(..3).and_then(|digits| digits.parse().ok());
        Self {
            codex_error_kind: Some(*kind),
            codex_error_http_status_code: status.filter(|_| start.ends_with(' ')),
            usage_limit_window_minutes: None,
        }
    }

    /// What is known of it, and else what `other` says.
    pub(crate) fn or(self, other: impl FnOnce() -> Option<Self>) -> Self {
        if self.codex_error_kind.is_some() { self } else { other().unwrap_or(self) }
    }
}

impl CodexErrorKind {
    /// The kind that the protocol's error stands for, and its HTTP status; nothing where it may be one of several.
    pub(crate) fn of(error: &CodexErrorInfo) -> (Option<Self>, Option<u16>) {
        let kind = error.kind().and_then(|kind| {
            Some(match kind {
                "contextWindowExceeded" => Self::ContextWindowExceeded,
                "sessionBudgetExceeded" => Self::SessionBudgetExceeded,
                "usageLimitExceeded" => Self::UsageLimitReached,
                "rateLimitExceeded" => Self::RateLimitExceeded,
                "serverOverloaded" => Self::ServerOverloaded,
                "modelNotFound" => Self::ModelNotFound,
                "policyCapacityUnavailable" => Self::PolicyCapacityUnavailable,
                "cyberPolicy" => Self::CyberPolicy,
                "misalignmentPolicyViolation" => Self::MisalignmentPolicyViolation,
                "internalServerError" => Self::InternalServerError,
                "inferenceHookDenied" => Self::InferenceHookDenied,
                "responseTooManyFailedAttempts" => Self::RetryLimit,
                _ => return None,
            })
        });
        let status = match error {
            CodexErrorInfo::Http { http_status_code, .. } => *http_status_code,
            _ if kind == Some(Self::ModelNotFound) => Some(404),
            _ => None,
        };
        (kind, status)
    }
}

#[cfg(test)]
mod tests {
    use super::{CodexErrorKind, ErrorKind};
    use crate::protocol::error::{CodexErrorInfo, ErrorText};

    #[test]
    fn kinds_of_texts() {
        for (text, kind, status) in [
            (
                "We’re currently experiencing high demand, which may cause temporary errors.",
                CodexErrorKind::InternalServerError,
                None,
            ),
            ("Incomplete response returned, reason: max_output_tokens", CodexErrorKind::ResponseIncomplete, None),
            ("exceeded retry limit, last status: 429 Too Many Requests", CodexErrorKind::RetryLimit, Some(429)),
            ("unexpected status 500 Internal Server Error: secret", CodexErrorKind::UnexpectedStatus, Some(500)),
            ("modelNotFound", CodexErrorKind::ModelNotFound, Some(404)),
        ] {
            let text = ErrorText::of(text).unwrap();
            let expected = ErrorKind {
                codex_error_kind: Some(kind),
                codex_error_http_status_code: status,
                usage_limit_window_minutes: None,
            };
            assert_eq!(ErrorKind::of_text(&text), expected, "{text:?}");
        }
    }

    #[test]
    fn kinds_of_the_protocols_errors() {
        for (error, kind, status) in [
            (CodexErrorInfo::from("usageLimitExceeded"), Some(CodexErrorKind::UsageLimitReached), None),
            (CodexErrorInfo::from("modelNotFound"), Some(CodexErrorKind::ModelNotFound), Some(404)),
            (
                CodexErrorInfo::with_status("responseTooManyFailedAttempts", Some(429)),
                Some(CodexErrorKind::RetryLimit),
                Some(429),
            ),
            (CodexErrorInfo::with_status("httpConnectionFailed", Some(503)), None, Some(503)),
            (CodexErrorInfo::from("other"), None, None),
            (CodexErrorInfo::Unknown, None, None),
        ] {
            assert_eq!(CodexErrorKind::of(&error), (kind, status), "{error:?}");
        }
    }
}
