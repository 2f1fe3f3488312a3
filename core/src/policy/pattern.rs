//! Patterns of names, in which `*` stands for any characters.

use alloc::string::String;

/// A name, or a pattern of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(String);

impl Pattern {
    pub(super) fn new(text: String) -> Option<Self> {
        (!text.is_empty()).then_some(Self(text))
    }

    /// Whether it is a pattern of this name.
    pub(super) fn fits(&self, name: &str) -> bool {
        fits(&self.0, name)
    }

    /// Whether it names the end of this path. It is compared part by part, so that `*` stays within its part.
    pub(super) fn ends<'p>(&self, path: impl DoubleEndedIterator<Item = &'p str>) -> bool {
        let mut path = path.rev();
        self.0.rsplit('.').all(|part| path.next().is_some_and(|name| fits(part, name)))
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(first) else { return false };
    let Some((middle, last)) = rest.rsplit_once('*') else { return name.ends_with(rest) };
    for part in middle.split('*') {
        // The first place leaves the most for what comes behind.
        let Some(place) = name.find(part) else { return false };
        name = &name[place + part.len()..];
    }
    name.ends_with(last)
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use proptest::prelude::*;

    use super::{Pattern, fits};

    /// The definition: a star is nothing, or a character and the star again.
    fn by_definition(pattern: &[char], name: &[char]) -> bool {
        match (pattern, name) {
            ([], []) => true,
            (['*', rest @ ..], _) if by_definition(rest, name) => true,
            (['*', ..], [_, name @ ..]) => by_definition(pattern, name),
            ([expected, pattern @ ..], [first, name @ ..]) => expected == first && by_definition(pattern, name),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn stars(pattern in "[ab*]{0,8}", name in "[ab]{0,8}") {
            let chars = |text: &str| text.chars().collect::<alloc::vec::Vec<_>>();
            prop_assert_eq!(fits(&pattern, &name), by_definition(&chars(&pattern), &chars(&name)));
        }
    }

    #[test]
    fn ends_of_paths() {
        let path = ["codex_turn_event", "app_server_client", "client_name"];
        let ends = |pattern: &str| Pattern::new(String::from(pattern)).unwrap().ends(path.into_iter());
        for pattern in ["client_name", "client_*", "app_server_client.client_name", "*.client_name", "*_turn_*.*.*"] {
            assert!(ends(pattern), "{pattern}");
        }
        for pattern in
            ["client", "name", "app_server_client", "codex_turn_event.client_name", "*.*.*.*", "x.client_name"]
        {
            assert!(!ends(pattern), "{pattern}");
        }
    }
}
