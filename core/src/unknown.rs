//! What was seen and is not known to this version: counted by name, so that a new release of an agent shows at once what
//! analytics miss.
//!
//! A name comes from the wire. Only one that can be a name of a protocol is kept as it is: no prose, no path, no id, no
//! secret of a usual form. Any other is counted as `(other)`.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::dialect::NEWEST;
use crate::json::read::{Failed, Read, Reader};
use crate::json::write::Write;

/// What counts names that are not kept: those that look like none, and those that are too many.
const OTHER: &str = "(other)";

/// How many names are kept.
const MAX_NAMES: usize = 128;

/// The longest name.
const MAX_NAME: usize = 64;

/// How many digits a name has at most: ids and keys have more.
const MAX_DIGITS: usize = 4;

/// What is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Write, Read)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UnknownKind {
    /// A version of Codex that is newer than the newest known one; counted once a connection.
    Version,
    /// A method.
    Method,
    /// A kind of item.
    Item,
    /// A word of an enumeration, as `Enumeration.word`.
    Value,
    /// A member of an object whose members are known, as `Object.member`.
    Member,
}

impl fmt::Display for UnknownKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Version => "version",
            Self::Method => "method",
            Self::Item => "item",
            Self::Value => "value",
            Self::Member => "member",
        })
    }
}

/// How often what is not known was seen, by its kind and name.
///
/// A name is a word of ASCII letters, of at most four digits, and of `_`, `-` and `$`, at most 64 bytes long; a method is
/// several, joined by `/`. A text of any other form, and each name after the 128th, counts as `(other)`.
///
/// Members are looked for in the first 128 messages of a session, and in every 256th after these.
///
/// It is shown as a sentence: ``seen, not understood: method `thread/new` 12, item `newTool` 3``.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unknown(BTreeMap<(UnknownKind, Cow<'static, str>), u64>);

impl Unknown {
    /// Whether everything was known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each kind and name, and how often it was seen.
    pub fn iter(&self) -> impl Iterator<Item = (UnknownKind, &str, u64)> {
        self.0.iter().map(|((kind, name), count)| (*kind, &**name, *count))
    }

    /// Adds what another session counted.
    pub fn add(&mut self, other: &Self) {
        for ((kind, name), count) in &other.0 {
            self.count(*kind, name, *count);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Counts a name, if it can be one.
    pub(crate) fn count(&mut self, kind: UnknownKind, name: &str, count: u64) {
        if is_name(kind, name) {
            self.count_as(kind, Cow::Owned(name.into()), count);
        } else {
            self.count_as(kind, Cow::Borrowed(OTHER), count);
        }
    }

    /// Counts a name within a type of this program's.
    pub(crate) fn count_of(&mut self, kind: UnknownKind, of: &'static str, name: &str) {
        self.count(kind, &format!("{of}.{name}"), 1);
    }

    fn count_as(&mut self, kind: UnknownKind, name: Cow<'static, str>, count: u64) {
        let mut key = (kind, name);
        // What counts the others has room beyond the names.
        if self.0.len() >= MAX_NAMES && !self.0.contains_key(&key) {
            key.1 = Cow::Borrowed(OTHER);
        }
        let counted = self.0.entry(key).or_default();
        *counted = counted.saturating_add(count);
    }
}

/// Whether a text can be a name of its kind.
fn is_name(kind: UnknownKind, text: &str) -> bool {
    let is_word = |word: &str| {
        (1..=MAX_NAME).contains(&word.len())
            && word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '$')
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$'))
            && word.bytes().filter(u8::is_ascii_digit).count() <= MAX_DIGITS
    };
    match kind {
        UnknownKind::Version => {
            text.len() <= MAX_NAME && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        }
        UnknownKind::Method => text.len() <= MAX_NAME && text.split('/').all(is_word),
        UnknownKind::Item => is_word(text),
        UnknownKind::Value | UnknownKind::Member => {
            text.split_once('.').is_some_and(|(of, name)| is_word(of) && is_word(name))
        }
    }
}

/// How many names a sentence has.
const MAX_SHOWN: usize = 16;

impl fmt::Display for Unknown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (versions, mut names): (Vec<_>, Vec<_>) = self.iter().partition(|(kind, ..)| *kind == UnknownKind::Version);
        let (major, minor) = NEWEST;
        let mut parts: Vec<String> = versions
            .into_iter()
            .map(|(_, version, _)| {
                format!("Codex {version} is newer than the newest known one ({major}.{minor}): read as that")
            })
            .collect();
        names.sort_by_key(|(.., count)| core::cmp::Reverse(*count));
        let more = names.len().saturating_sub(MAX_SHOWN);
        names.truncate(MAX_SHOWN);
        let mut shown: Vec<_> = names.iter().map(|(kind, name, count)| format!("{kind} `{name}` {count}")).collect();
        if more > 0 {
            shown.push(format!("and {more} more"));
        }
        if !shown.is_empty() {
            parts.push(format!("seen, not understood: {}", shown.join(", ")));
        }
        formatter.write_str(&parts.join("; "))
    }
}

/// JSON has no maps with pairs for keys: an array of kind, name and count.
impl Write for Unknown {
    fn write(&self, text: &mut String) {
        self.0.iter().map(|((kind, name), count)| (*kind, name.clone(), *count)).collect::<Vec<_>>().write(text);
    }
}

impl Read<'_> for Unknown {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        let mut unknown = Self::default();
        for (kind, name, count) in Vec::<(UnknownKind, String, u64)>::read(reader)? {
            unknown.count(kind, &name, count);
        }
        Ok(unknown)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;

    use super::{MAX_NAMES, OTHER, Unknown, UnknownKind};
    use crate::json::{read, write};

    #[test]
    fn only_names_are_kept() {
        use UnknownKind::{Item, Member, Method, Value, Version};
        for (kind, name) in [
            (Version, "0.180.2"),
            (Method, "thread/goal/updated"),
            (Method, "$/cancelRequest"),
            (Method, "error"),
            (Item, "imageView"),
            (Value, "NetworkProtocol.socks5-tcp_2"),
            (Member, "Turn.newMember"),
        ] {
            let mut unknown = Unknown::default();
            unknown.count(kind, name, 1);
            assert_eq!(unknown.iter().collect::<Vec<_>>(), [(kind, name, 1)]);
        }
        let long = "a".repeat(65);
        for (kind, name) in [
            (Version, "0.180.2-secret"),
            (Method, ""),
            (Method, "/home/dev/secret"),
            (Method, "src/main.rs"),
            (Method, "a//b"),
            (Method, "delete the secret"),
            (Method, "2/secret"),
            (Method, &long),
            (Item, "a/b"),
            (Item, "a.b"),
            (Item, "sk-1a2b3c4d5e"),
            (Item, "geheimnis\u{e4}"),
            (Value, "secret"),
            (Value, "Turn."),
            (Value, "Turn.a.b"),
            (Member, "Turn.src/main"),
            (Member, "Turn.two words"),
        ] {
            let mut unknown = Unknown::default();
            unknown.count(kind, name, 1);
            assert_eq!(unknown.iter().collect::<Vec<_>>(), [(kind, OTHER, 1)], "{name}");
        }
    }

    #[test]
    fn names_are_few() {
        let mut unknown = Unknown::default();
        let letters =
            |number: usize| ["a", "b", "c", "d"].map(|letter| letter.repeat(number / 4 + 1))[number % 4].clone();
        for number in 0..MAX_NAMES + 10 {
            unknown.count(UnknownKind::Method, &letters(number), 1);
            unknown.count(UnknownKind::Method, "aa", 1);
        }
        assert_eq!(unknown.0.len(), MAX_NAMES + 1);
        let counts = |name| unknown.iter().find(|counted| counted.1 == name).map(|counted| counted.2);
        // One of them came twice.
        assert_eq!((counts(OTHER), counts("aa")), (Some(10), Some(MAX_NAMES as u64 + 11)));
        assert_eq!(unknown.iter().map(|counted| counted.2).sum::<u64>(), 2 * (MAX_NAMES as u64 + 10));

        unknown.count(UnknownKind::Item, "tooLate", 1);
        assert_eq!(unknown.iter().last(), Some((UnknownKind::Item, OTHER, 1)));
    }

    #[test]
    fn shown_and_saved() {
        let mut unknown = Unknown::default();
        assert_eq!((unknown.is_empty(), unknown.to_string()), (true, String::new()));
        unknown.count(UnknownKind::Method, "thread/goal/updated", 12);
        unknown.count(UnknownKind::Item, "imageView", 3);
        unknown.count_of(UnknownKind::Member, "Turn", "newMember");
        let mut sum = unknown.clone();
        sum.count(UnknownKind::Version, "0.180.0", 2);
        sum.add(&unknown);
        assert_eq!(
            sum.to_string(),
            "Codex 0.180.0 is newer than the newest known one (0.171): read as that; seen, not understood: \
             method `thread/goal/updated` 24, item `imageView` 6, member `Turn.newMember` 2"
        );
        let json = write::to_string(&sum);
        assert_eq!(
            json,
            r#"[["version","0.180.0",2],["method","thread/goal/updated",24],["item","imageView",6],["member","Turn.newMember",2]]"#
        );
        assert_eq!(read::from_str(&json), Ok(sum));
        // A saved state is not trusted, either.
        let mut other = Unknown::default();
        other.count(UnknownKind::Item, "", 7);
        assert_eq!(read::from_str(r#"[["item","a secret",7]]"#), Ok(other));
        for number in 0..20 {
            unknown.count(UnknownKind::Item, &"i".repeat(number + 1), 1);
        }
        assert!(unknown.to_string().ends_with("and 7 more"), "{unknown}");
    }
}
