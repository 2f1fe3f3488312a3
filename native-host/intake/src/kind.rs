//! What a file is, by its content.

use std::fmt;
use std::io::{self, BufRead};

use crate::recording::Source;

/// What a file is, by its first lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A recording: messages with their time, connection and direction.
    Recording,
    /// A rollout, as Codex writes it.
    Rollout,
    /// Events, one a line.
    Events,
    /// Request bodies with events, one a line.
    Batches,
    /// Messages of JSON-RPC alone.
    Messages,
    /// Nothing: there is no line.
    Empty,
    /// Anything else.
    Other,
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Recording => "a recording",
            Self::Rollout => "a rollout",
            Self::Events => "events",
            Self::Batches => "request bodies",
            Self::Messages => "messages without time and direction",
            Self::Empty => "empty",
            Self::Other => "neither a recording nor a rollout, events, or request bodies",
        })
    }
}

impl Kind {
    /// Which command of the program reads it, if one does.
    pub const fn hint(self) -> Option<&'static str> {
        match self {
            Self::Recording => Some("`turnledger replay` makes events of it"),
            Self::Rollout => Some("`turnledger import` makes events of it"),
            Self::Events | Self::Batches => Some("`turnledger attribute --events` and `turnledger upload` read them"),
            Self::Messages => Some("`turnledger tap --record` records both"),
            Self::Empty | Self::Other => None,
        }
    }

    /// What a file is. It is read no further than its first bytes. [`Other`](Self::Other) stands for what cannot be read
    /// twice: standard input, or a pipe.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn of(source: &Source) -> io::Result<Self> {
        match source {
            Source::File(path) if path.metadata()?.is_file() => {
                Ok(Self::of_text(source.open(|reader| reader)?.fill_buf()?))
            }
            _ => Ok(Self::Other),
        }
    }

    /// What a text is, by its beginning; a last line may be cut.
    pub fn of_text(text: &[u8]) -> Self {
        let mut is_empty = true;
        for line in text.split(|byte| *byte == b'\n') {
            let line = line.trim_ascii();
            is_empty &= line.is_empty();
            let names = names(line);
            let has = |wanted: &[&str]| wanted.iter().all(|name| names.contains(&name.as_bytes()));
            let kind = if has(&["at_ms", "message"]) {
                Self::Recording
            } else if has(&["event_type"]) {
                Self::Events
            } else if has(&["events"]) {
                Self::Batches
            } else if has(&["method"]) || (has(&["id"]) && (has(&["result"]) || has(&["error"]))) {
                Self::Messages
            } else if has(&["type", "payload"]) || has(&["id", "timestamp"]) {
                Self::Rollout
            } else {
                // A line that is broken may come before those that are not.
                continue;
            };
            return kind;
        }
        if is_empty { Self::Empty } else { Self::Other }
    }
}

/// The names of an object's own members, as far as the text goes.
fn names(text: &[u8]) -> Vec<&[u8]> {
    let mut names = Vec::new();
    if text.first() != Some(&b'{') {
        return names;
    }
    let (mut depth, mut at, mut is_name) = (0_u32, 0, false);
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'"' => {
                let start = at;
                while text.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if text[at] == b'\\' { 2 } else { 1 };
                }
                if depth == 1 && is_name {
                    names.extend(text.get(start..at));
                }
                at += 1;
            }
            b'{' | b'[' => {
                depth += 1;
                is_name = *byte == b'{';
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => is_name = true,
            b':' => is_name = false,
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn kinds() {
        for (text, kind) in [
            (
                r#"{"at_ms":1,"connection_id":1,"direction":"client_to_server","message":{"method":"x"}}"#,
                Kind::Recording,
            ),
            (
                r#"{"timestamp":"x","type":"session_meta","payload":{"id":"x","base_instructions":{"text":"cut"#,
                Kind::Rollout,
            ),
            ("{\"id\":\"x\",\"timestamp\":\"2025\",\"instructions\":null}\n{\"type\":\"message\"}", Kind::Rollout),
            (r#"{"event_type":"codex_turn_event","event_params":{"payload":1}}"#, Kind::Events),
            (r#"{"events":[{"event_type":"x"}]}"#, Kind::Batches),
            (r#"{"id":1,"method":"initialize","params":{}}"#, Kind::Messages),
            (r#"{"id":1,"result":{"events":1}}"#, Kind::Messages),
            ("\n  not JSON\n[1]\n{\"event_type\":1}\n", Kind::Events),
            (r#"{"a":{"event_type":1},"b":["events","method"],"c":"\"event_type\""}"#, Kind::Other),
            ("", Kind::Empty),
            (" \r\n\n", Kind::Empty),
            ("\"{", Kind::Other),
            ("{\"\\", Kind::Other),
        ] {
            assert_eq!(Kind::of_text(text.as_bytes()), kind, "{text}");
        }
    }
}
