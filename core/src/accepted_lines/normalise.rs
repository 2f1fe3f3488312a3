//! The form in which lines are compared (contract `rules.md` 8.4).

use alloc::string::String;

/// Collapses white space, and rejects lines that are too short or have no word character.
pub(super) fn normalise<'a>(line: &str, buffer: &'a mut String) -> Option<&'a str> {
    buffer.clear();
    for word in line.split_whitespace() {
        if !buffer.is_empty() {
            buffer.push(' ');
        }
        buffer.push_str(word);
    }
    let counts = buffer.len() > 3 && buffer.chars().any(|c| c.is_alphanumeric() || c == '_');
    counts.then_some(buffer.as_str())
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::normalise;

    /// Every row of the table in contract `rules.md` 8.4.
    #[test]
    fn table() {
        for (line, expected) in [
            ("    return  x;", Some("return x;")),
            ("}", None),
            ("abc", None),
            ("a b", None),
            (" ", None),
            ("abcd", Some("abcd")),
            ("----", None),
            ("{}();", None),
            ("____", Some("____")),
            ("éé", Some("éé")),
            ("½½", Some("½½")),
            ("a\u{a0}\u{3000}b\tcd", Some("a b cd")),
            ("one two\rthree", Some("one two three")),
        ] {
            assert_eq!(normalise(line, &mut String::new()), expected, "{line:?}");
        }
    }
}
