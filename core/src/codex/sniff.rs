//! Recognises irrelevant messages by their first bytes, so that a host need not copy them.

use super::content::Direction;
use super::reviewed;

/// Whether a message is surely irrelevant to an observer: its method comes first, or after the id and the version, and
/// it is known that no event depends on it. `false` means that it is not known; most such messages are irrelevant as well.
///
/// It looks at no more than the message's first members, so that a long message costs no more than
/// a short one.
pub fn is_surely_irrelevant(direction: Direction, message: &[u8]) -> bool {
    method(message).is_some_and(|method| reviewed::is_irrelevant(direction, method))
}

/// The method, if it is among the first members.
fn method(message: &[u8]) -> Option<&str> {
    let mut rest = message.trim_ascii_start().strip_prefix(b"{")?;
    loop {
        let (key, after) = string(rest)?;
        rest = after.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        match key {
            "method" => return string(rest).map(|(method, _)| method),
            "id" | "jsonrpc" => rest = after_scalar(rest)?.trim_ascii_start().strip_prefix(b",")?,
            _ => return None,
        }
    }
}

/// A string without escapes, and what follows it.
fn string(text: &[u8]) -> Option<(&str, &[u8])> {
    let text = text.trim_ascii_start().strip_prefix(b"\"")?;
    let end = text.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    if text[end] == b'\\' {
        return None;
    }
    Some((core::str::from_utf8(&text[..end]).ok()?, &text[end + 1..]))
}

/// What follows a number or a string.
fn after_scalar(text: &[u8]) -> Option<&[u8]> {
    if text.starts_with(b"\"") {
        return string(text).map(|(_, rest)| rest);
    }
    let end = text.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'-'))?;
    (end > 0).then_some(&text[end..])
}

#[cfg(test)]
mod tests {
    use super::is_surely_irrelevant;
    use crate::codex::Direction;

    #[test]
    fn by_the_first_members() {
        let (to_server, to_client) = (Direction::ClientToServer, Direction::ServerToClient);
        for (direction, message) in [
            (to_client, r#"{"method":"item/agentMessage/delta","params":{"delta":"x"}}"#),
            (to_client, r#" { "jsonrpc" : "2.0" , "method" : "warning" }"#),
            (to_server, r#"{"id":1,"method":"modelProvider/list"}"#),
            (to_server, r#"{"id":"a","method":"modelProvider/list"}"#),
            (to_client, r#"{"method":"warning" and then no JSON"#),
        ] {
            assert!(is_surely_irrelevant(direction, message.as_bytes()), "{message}");
        }
        for (direction, message) in [
            (to_client, r#"{"method":"turn/started","params":{}}"#),
            (to_client, r#"{"method":"of/aNewerVersion","params":{}}"#),
            (to_server, r#"{"jsonrpc":"2.0","id":-1,"method":"turn/start"}"#),
            (to_client, r#"{"id":1,"result":{"method":"x"}}"#),
            (to_client, r#"{"params":{},"method":"warning"}"#),
            (to_client, r#"{"method":"turn\/started"}"#),
            (to_client, r#"{"id":1.5,"method":"warning"}"#),
            (to_client, r#"{"id":,"method":"warning"}"#),
            (to_client, r#"{"method""#),
            (to_client, r#"{"id":"#),
            (to_client, "[]"),
            (to_client, ""),
        ] {
            assert!(!is_surely_irrelevant(direction, message.as_bytes()), "{message}");
        }
    }
}
