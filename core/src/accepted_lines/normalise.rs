//! The form in which lines are compared (`docs/contract/rules.md` 8.4).

use alloc::string::String;
use core::fmt;

/// A buffer for a line's normal form, reused for the next line.
#[derive(Clone, Default)]
pub struct LineBuffer(String);

/// Shows no line.
impl fmt::Debug for LineBuffer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LineBuffer")
    }
}

/// Collapses white space, and rejects lines that are too short or have no word character. What is not
/// UTF-8 is replaced.
pub(super) fn normalise<'a>(line: &'a [u8], LineBuffer(buffer): &'a mut LineBuffer) -> Option<&'a str> {
    let line = line.trim_ascii();
    let normal = if line.is_ascii() && !has_more_than_single_spaces(line) {
        // ASCII is UTF-8.
        core::str::from_utf8(line).ok()?
    } else {
        buffer.clear();
        for word in String::from_utf8_lossy(line).split_whitespace() {
            if !buffer.is_empty() {
                buffer.push(' ');
            }
            buffer.push_str(word);
        }
        buffer.as_str()
    };
    let counts = normal.len() > 3 && normal.chars().any(|c| c.is_alphanumeric() || c == '_');
    counts.then_some(normal)
}

/// Whether an ASCII line that is not empty has white space other than one space at a time. Looks at
/// every byte whatever it finds, which lets the compiler look at many at once.
fn has_more_than_single_spaces(line: &[u8]) -> bool {
    let controls = line.iter().fold(0, |found, byte| found | u8::from(matches!(byte, b'\t'..=b'\r')));
    let pairs = line.iter().zip(line.iter().skip(1));
    let spaces = pairs.fold(0, |found, (one, next)| found | (u8::from(*one == b' ') & u8::from(*next == b' ')));
    controls | spaces != 0
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::{LineBuffer, normalise};

    /// The rows of the table in `docs/contract/rules.md` 8.4, and more.
    #[test]
    fn table() {
        for (line, expected) in [
            ("    return  x;", Some("return x;")),
            ("}", None),
            ("abc", None),
            ("a b", None),
            (" ", None),
            ("", None),
            ("abcd", Some("abcd")),
            ("----", None),
            ("{}();", None),
            ("____", Some("____")),
            ("éé", Some("éé")),
            ("½½", Some("½½")),
            ("a\u{a0}\u{3000}b\tcd", Some("a b cd")),
            ("one two\rthree", Some("one two three")),
            ("one\ttwo\tthree", Some("one two three")),
            ("one  two  three", Some("one two three")),
        ] {
            assert_eq!(normalise(line.as_bytes(), &mut LineBuffer::default()), expected, "{line:?}");
        }
        let mut buffer = LineBuffer::default();
        assert_eq!(normalise(b"caf\xe9 =  1", &mut buffer), Some("caf\u{fffd} = 1"));
        assert_eq!(alloc::format!("{buffer:?}"), "LineBuffer");
    }

    proptest! {
        /// The short way for ASCII gives what the rule's own words give.
        #[test]
        fn as_the_rule_says(line in "[ \t\r\u{b}\u{1c}\u{85}a-c_é½(]{0,12}") {
            let joined = line.split_whitespace().collect::<Vec<_>>().join(" ");
            let counts = joined.len() > 3 && joined.chars().any(|c| c.is_alphanumeric() || c == '_');
            let mut buffer = LineBuffer("left over".to_string());
            prop_assert_eq!(normalise(line.as_bytes(), &mut buffer), counts.then_some(joined.as_str()));
        }
    }
}
