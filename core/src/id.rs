//! Identifiers: opaque texts shared by reference count, and the two kinds of request id.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;

use crate::capped::Equivalent;
use crate::json::read::{Failed, Read, Reader};
use crate::json::scan::cut;
use crate::json::schema::json_schemas;
use crate::json::write::Write;

/// The longest name, in bytes: of a client, a model, a provider, a server, a tool, a skill, a plugin, a hook, … A longer
/// one is cut there, or before the character that goes beyond.
pub const MAX_NAME_BYTES: usize = 256;

/// The longest id, in bytes: of a thread, a turn, an item, a request or a review. What bears a longer one is discarded
/// ([`LongId`](crate::discard::Reason::LongId)). It is below the longest name by more than a character, so that what
/// was cut is no id.
pub const MAX_ID_BYTES: usize = 250;

/// The most memory that the text of an [`Id`] takes, with its two counts and what an allocator adds.
pub(crate) const TEXT_BYTES: usize = MAX_NAME_BYTES + 2 * size_of::<usize>() + 16;

/// An opaque identifier or name (of a thread, a turn, an item, a model, …) of at most [`MAX_NAME_BYTES`]: a longer text is
/// cut when it is made one.
///
/// Cloning it copies a pointer, so events share their texts with the reducer's state.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Arc<str>);

impl Id {
    /// The identifier's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is longer than an id may be ([`MAX_ID_BYTES`]).
    pub fn is_too_long(&self) -> bool {
        self.0.len() > MAX_ID_BYTES
    }
}

impl Default for Id {
    fn default() -> Self {
        Self::from("")
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        Self(Arc::from(cut(text, MAX_NAME_BYTES)))
    }
}

impl From<String> for Id {
    fn from(text: String) -> Self {
        Self::from(&*text)
    }
}

impl Deref for Id {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, formatter)
    }
}

impl Write for Id {
    fn write(&self, text: &mut String) {
        (*self.0).write(text);
    }
}

impl Read<'_> for Id {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        // One allocation, in contrast to a `String`, and only of the text that is kept.
        reader.beginning(MAX_NAME_BYTES).map(|text| Self::from(&*text))
    }
}

/// A string, for any deserialiser.
impl<'de> serde::Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// A string, for any serialiser.
impl serde::Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

json_schemas! {
    Id: { "type": "string" },
    ConnectionId: { "type": "integer", "format": "uint64", "minimum": 0 },
}

/// One client of the app-server, by a number of the host's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Write, Read)]
#[serde(transparent)]
#[expect(clippy::exhaustive_structs, reason = "it is a number and nothing else")]
pub struct ConnectionId(pub u64);

impl From<u64> for ConnectionId {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A number, for any deserialiser.
impl<'de> serde::Deserialize<'de> for ConnectionId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Self)
    }
}

/// A number, for any serialiser.
impl serde::Serialize for ConnectionId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

/// The id of a JSON-RPC request: `7` and `"7"` are different ids (`docs/contract/wire.md` 0).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
#[expect(clippy::exhaustive_enums, reason = "JSON-RPC has no other ids that a request can have")]
pub enum RequestId {
    /// An integer id.
    Number(i64),
    /// A text id.
    Text(Id),
}

impl RequestId {
    /// Whether it is longer than an id may be ([`MAX_ID_BYTES`]).
    pub fn is_too_long(&self) -> bool {
        matches!(self, Self::Text(id) if id.is_too_long())
    }
}

impl Write for RequestId {
    fn write(&self, text: &mut String) {
        match self {
            Self::Number(number) => number.write(text),
            Self::Text(id) => id.write(text),
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(formatter),
            Self::Text(text) => text.fmt(formatter),
        }
    }
}

impl From<i64> for RequestId {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for RequestId {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl Read<'_> for RequestId {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        if reader.peek()? == b'"' {
            return Read::read(reader).map(Self::Text);
        }
        Read::read(reader).map(Self::Number)
    }
}

/// A turn, by its thread and its own id: equal turn ids of two threads are two turns.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Write, Read)]
pub(crate) struct TurnKey {
    pub(crate) thread: Id,
    pub(crate) turn: Id,
}

/// A borrowed [`TurnKey`].
#[derive(Hash)]
pub(crate) struct TurnRef<'a> {
    pub(crate) thread: &'a Id,
    pub(crate) turn: &'a Id,
}

impl TurnRef<'_> {
    pub(crate) fn to_owned(&self) -> TurnKey {
        TurnKey { thread: self.thread.clone(), turn: self.turn.clone() }
    }
}

impl Equivalent<TurnKey> for TurnRef<'_> {
    fn equivalent(&self, key: &TurnKey) -> bool {
        *self.turn == key.turn && *self.thread == key.thread
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::{Id, MAX_ID_BYTES, MAX_NAME_BYTES, RequestId};

    /// Read or made, with escapes or without, a text is cut between two characters, and shows that it was.
    #[test]
    fn long_texts_are_cut() {
        for (unit, json) in
            [("x", "x"), ("é", "é"), ("語", "語"), ("😀", "😀"), ("😀", "\\ud83d\\ude00"), ("\n", "\\n")]
        {
            for lead in ["", "a", "ab", "abc", "\t"] {
                for count in
                    [0, 1, 50, 62, 63, 64, 65, 84, 85, 86, 126, 127, 128, 249, 250, 251, 255, 256, 257, 2_000_000]
                {
                    let whole = alloc::format!("{lead}{}", unit.repeat(count));
                    let id = Id::from(&*whole);
                    assert!(whole.starts_with(&*id));
                    assert!(id.len() <= MAX_NAME_BYTES);
                    assert!(*id == *whole || id.len() > MAX_NAME_BYTES - unit.len());
                    assert_eq!(id.is_too_long(), whole.len() > MAX_ID_BYTES);
                    let lead = lead.replace('\t', "\\t");
                    let text = alloc::format!("\"{lead}{}\"", json.repeat(count));
                    assert_eq!(crate::json::read::from_str::<Id>(&text), Ok(id));
                }
            }
        }
    }

    #[test]
    fn ids_are_texts() {
        let id = Id::from("a\"b");
        assert_eq!((id.as_str(), &*id, id.to_string()), ("a\"b", "a\"b", "a\"b".to_string()));
        assert_eq!(alloc::format!("{id:?}"), r#""a\"b""#);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, r#""a\"b""#);
        assert_eq!(serde_json::from_str::<Id>(&json).unwrap(), id);
    }

    #[test]
    fn request_ids_keep_their_type() {
        let parse = |json| crate::json::read::from_str::<RequestId>(json).unwrap();
        assert_eq!(parse("7"), RequestId::Number(7));
        assert_eq!(parse("\"7\""), RequestId::from("7"));
        assert_ne!(parse("7"), parse("\"7\""));
        assert_eq!([parse("-7").to_string(), parse("\"abc\"").to_string()], ["-7", "abc"]);
        for bad in ["1.5", "18446744073709551615", "null", "[1]"] {
            assert!(crate::json::read::from_str::<RequestId>(bad).is_err(), "{bad}");
        }
    }
}
