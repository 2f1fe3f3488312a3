//! What may leave the machine of an error's text: a known sentence, or the kind of the error.
//!
//! A server's error may repeat the words of a model, a proxy or a tool. Private words cannot be recognised, so only
//! sentences of released servers pass.

use alloc::string::String;

use super::failure::CodexErrorInfo;
use crate::json::read::{Failed, Read, Reader};
use crate::json::schema::json_schemas;
use crate::json::write::Write;

/// What a server puts before the failure of a compaction.
const REMOTE_COMPACTION: &str = "Error running remote compact task: ";

/// The sentences of released servers: `%` stands for a number, and a rest that `*` stands for is left out.
const SENTENCES: [&str; 15] = [
    "We're currently experiencing high demand, which may cause temporary errors.",
    "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying.",
    "Selected model is at capacity. Please try a different model.",
    "Quota exceeded. Check your plan and billing details.",
    "You've hit your usage limit.*",
    "Fatal error: remote compaction v2 expected exactly one compaction output item, got % from % output items",
    "stream disconnected before completion: stream closed before response.completed",
    "stream disconnected before completion: idle timeout waiting for SSE",
    "stream disconnected before completion*",
    "Incomplete response returned, reason: max_output_tokens",
    "Incomplete response returned, reason: content_filter",
    "exceeded retry limit, last status: %*",
    "unexpected status %*",
    "timeout waiting for child process to exit",
    "request timed out",
];

/// What may follow the number of an HTTP status.
const STATUS_WORDS: [&str; 11] = [
    " Bad Request",
    " Unauthorized",
    " Forbidden",
    " Not Found",
    " Request Timeout",
    " Payload Too Large",
    " Too Many Requests",
    " Internal Server Error",
    " Bad Gateway",
    " Service Unavailable",
    " Gateway Timeout",
];

/// More digits than this are no count and no status.
const MAX_DIGITS: usize = 9;

/// The most bytes that an error's text takes: no sentence with its numbers is longer.
pub(crate) const MAX_ERROR_BYTES: usize = 256;

/// An error's text as far as it can leave the machine: a known sentence with its numbers, or the word for the error's
/// kind (`serverOverloaded`). Any other text is left out.
#[derive(Clone, Debug, PartialEq, Eq, Write)]
#[serde(transparent)]
pub struct ErrorText(String);

impl ErrorText {
    /// The known sentence at the beginning of a server's text, or nothing. What it makes of a text it makes of itself,
    /// too: a recorded fact is read again.
    pub fn of(text: &str) -> Option<Self> {
        let mut rest = text;
        while let Some(after) = rest.strip_prefix(REMOTE_COMPACTION) {
            rest = after;
        }
        let known = SENTENCES.iter().find_map(|sentence| known_part(sentence, rest));
        let kind = || CodexErrorInfo::is_kind(rest).then_some(rest);
        known.or_else(kind).map(|text| Self(text.into()))
    }

    /// The word for an error's kind.
    pub(crate) fn of_kind(info: &CodexErrorInfo) -> Option<Self> {
        info.kind().map(|kind| Self(kind.into()))
    }

    /// The sentence or the word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The part of `text` that `sentence` knows, if it is this sentence.
fn known_part<'t>(sentence: &str, text: &'t str) -> Option<&'t str> {
    let (sentence, is_open) = sentence.strip_suffix('*').map_or((sentence, false), |sentence| (sentence, true));
    let mut rest = text;
    for (index, literal) in sentence.split('%').enumerate() {
        if index > 0 {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 || digits > MAX_DIGITS {
                return None;
            }
            rest = &rest[digits..];
        }
        rest = after(literal, rest)?;
    }
    if is_open {
        rest = STATUS_WORDS.iter().find_map(|words| rest.strip_prefix(words)).unwrap_or(rest);
    }
    (is_open || rest.is_empty()).then(|| &text[..text.len() - rest.len()])
}

/// What follows a literal at the beginning of a text; newer servers write the other apostrophe.
fn after<'t>(literal: &str, text: &'t str) -> Option<&'t str> {
    let mut rest = text.chars();
    let is_there =
        literal.chars().all(|wanted| rest.next().is_some_and(|c| c == wanted || (c == '’' && wanted == '\'')));
    is_there.then_some(rest.as_str())
}

impl Read<'_> for ErrorText {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        Self::of(&reader.string()?).ok_or_else(|| reader.unknown())
    }

    fn read_nullable(reader: &mut Reader<'_>) -> Result<Option<Self>, Failed> {
        Ok(if reader.is_null()? { None } else { Self::of(&reader.string()?) })
    }
}

json_schemas! {
    ErrorText: { "type": "string" },
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::{ErrorText, MAX_DIGITS, MAX_ERROR_BYTES, REMOTE_COMPACTION, SENTENCES, STATUS_WORDS};

    #[test]
    fn no_sentence_is_longer_than_it_may_be() {
        let words = STATUS_WORDS.iter().map(|words| words.len()).max().unwrap_or_default();
        for sentence in SENTENCES {
            // An apostrophe may be three bytes.
            assert!(sentence.len() + 2 * MAX_DIGITS + words + 2 <= MAX_ERROR_BYTES, "{sentence}");
        }
    }

    fn known(text: &str) -> Option<alloc::string::String> {
        ErrorText::of(text).map(|text| text.0)
    }

    #[test]
    fn known_sentences_pass_with_their_numbers() {
        for (text, passes) in [
            (
                "Error running remote compact task: We’re currently experiencing high demand, which may cause temporary errors.",
                "We’re currently experiencing high demand, which may cause temporary errors.",
            ),
            (
                "Fatal error: remote compaction v2 expected exactly one compaction output item, got 0 from 12 output items",
                "Fatal error: remote compaction v2 expected exactly one compaction output item, got 0 from 12 output items",
            ),
            (
                "exceeded retry limit, last status: 429 Too Many Requests, request id: req_77",
                "exceeded retry limit, last status: 429 Too Many Requests",
            ),
            ("exceeded retry limit, last status: 599 Somebody's Words", "exceeded retry limit, last status: 599"),
            (
                "unexpected status 500 Internal Server Error: secret, url: https://x.test/a",
                "unexpected status 500 Internal Server Error",
            ),
            ("stream disconnected before completion: a secret", "stream disconnected before completion"),
            ("serverOverloaded", "serverOverloaded"),
        ] {
            assert_eq!(known(text).as_deref(), Some(passes), "{text}");
        }
    }

    #[test]
    fn any_other_text_is_none() {
        for text in [
            "",
            "the user asked to fire Bob, password hunter2",
            "hunter2",
            "We're currently experiencing high demand, which may cause temporary errors. hunter2",
            "hunter2 Quota exceeded. Check your plan and billing details.",
            "unexpected status hunter2",
            "unexpected status 4111111111111111",
            "Fatal error: remote compaction v2 expected exactly one compaction output item, got 0 from hunter2 output items",
            "Error running remote compact task: hunter2",
        ] {
            assert_eq!(known(text), None, "{text}");
        }
    }

    #[test]
    fn what_passes_passes_again() {
        for sentence in SENTENCES {
            let text = sentence.replace('%', "503");
            for end in STATUS_WORDS.into_iter().chain([""]) {
                let text = format!("{REMOTE_COMPACTION}{}", text.replace('*', &format!("{end}, secret")));
                let once = known(&text).unwrap_or_else(|| panic!("{text} is known"));
                assert!(!once.contains("secret"), "{once}");
                assert_eq!(known(&once), Some(once.clone()));
            }
        }
    }
}
