//! Identifiers: opaque texts shared by reference count, and the two kinds of request id.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;

use crate::capped::Equivalent;
use crate::read::{Failed, Read, Reader};
use crate::schema::json_schemas;
use crate::write::Write;

/// An opaque identifier or name (of a thread, a turn, an item, a model, …).
///
/// Cloning one copies a pointer, so that events share their texts with the reducer's state.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Arc<str>);

impl Id {
    /// The identifier's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Id {
    fn default() -> Self {
        Self::from("")
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl From<String> for Id {
    fn from(text: String) -> Self {
        Self(Arc::from(text))
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
        // One allocation, unlike the way through `String`.
        reader.string().map(|text| Self::from(&*text))
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
}

/// One client of the app-server, by a number of the host's choice.
pub type ConnectionId = u64;

/// The id of a JSON-RPC request: `7` and `"7"` are different ids (contract `wire.md` 0).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
pub enum RequestId {
    /// An integer id.
    Number(i64),
    /// A text id.
    Text(Id),
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

    use super::{Id, RequestId};

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
        let parse = |json| crate::read::from_str::<RequestId>(json).unwrap();
        assert_eq!(parse("7"), RequestId::Number(7));
        assert_eq!(parse("\"7\""), RequestId::from("7"));
        assert_ne!(parse("7"), parse("\"7\""));
        assert_eq!([parse("-7").to_string(), parse("\"abc\"").to_string()], ["-7", "abc"]);
        for bad in ["1.5", "18446744073709551615", "null", "[1]"] {
            assert!(crate::read::from_str::<RequestId>(bad).is_err(), "{bad}");
        }
    }
}
