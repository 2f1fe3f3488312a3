//! Types that keep what analytics must never see out of memory, logs and events.
//!
//! Most of them hold less than they read: only whether there is a text, or how many paths a list has.
//! When written, they write a stand-in of the same JSON type, so a recorded fact reads back to the same
//! value.

use alloc::string::String;
use core::fmt;

use crate::json::read::{Failed, Read, Reader};
use crate::json::schema::json_schemas;
use crate::json::write::Write;

const STAND_IN: &str = "[redacted]";

/// A path or working directory on its way into a [`Question`](crate::Question): handed over to the
/// host, never kept, and never shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Write, Read)]
#[serde(transparent)]
pub struct HostPath(String);

impl HostPath {
    /// The path, for the host that answers a question about it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for HostPath {
    fn from(path: &str) -> Self {
        Self(path.into())
    }
}

impl From<String> for HostPath {
    fn from(path: String) -> Self {
        Self(path)
    }
}

impl fmt::Debug for HostPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "HostPath({STAND_IN})")
    }
}

/// The latest unified diff of a running turn: held until the turn ends, then hashed and gone.
#[derive(Clone, Default, PartialEq, Eq, Write, Read)]
#[serde(transparent)]
pub struct DiffText(String);

impl DiffText {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for DiffText {
    fn from(diff: &str) -> Self {
        Self(diff.into())
    }
}

impl From<String> for DiffText {
    fn from(diff: String) -> Self {
        Self(diff)
    }
}

impl fmt::Debug for DiffText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DiffText({} bytes)", self.0.len())
    }
}

/// JSON text that holds what no event holds: a diff, paths, a remote's URL. Neither `Debug` nor a serialiser shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateJson(String);

impl PrivateJson {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for a place that is private to the user.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text itself, for such a place.
    pub fn into_exposed(self) -> String {
        self.0
    }
}

impl fmt::Debug for PrivateJson {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PrivateJson({} bytes)", self.0.len())
    }
}

/// Whether a member was there and not `null`; its value is never looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it says yes or no and nothing else")]
pub struct Presence(pub bool);

impl Write for Presence {
    fn write(&self, text: &mut String) {
        self.0.then_some(STAND_IN).write(text);
    }
}

impl Read<'_> for Presence {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        let is_null = reader.is_null()?;
        if !is_null {
            reader.skip()?;
        }
        Ok(Self(!is_null))
    }
}

/// Whether a text has a character that is not white space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it says yes or no and nothing else")]
pub struct NonBlank(pub bool);

impl Write for NonBlank {
    fn write(&self, text: &mut String) {
        (if self.0 { STAND_IN } else { "" }).write(text);
    }
}

impl Read<'_> for NonBlank {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        reader.string().map(|text| Self(!text.trim().is_empty()))
    }
}

/// One path of a list of paths: it counts, but its text is never kept and is written as `[path]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it must hold nothing")]
pub struct RedactedPath;

impl Write for RedactedPath {
    fn write(&self, text: &mut String) {
        "[path]".write(text);
    }
}

impl Read<'_> for RedactedPath {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        reader.skip().map(|()| Self)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for RedactedPath {
    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        "RedactedPath".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "const": "[path]" })
    }
}

/// A text known by a 64-bit hash alone: enough to tell whether two texts are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Write, Read)]
#[serde(transparent)]
pub(crate) struct TextKey(u64);

impl TextKey {
    /// FNV-1a: the same on every target and in every version, so that snapshots keep their meaning.
    pub(crate) fn of(text: &str) -> Self {
        Self::of_all(&[text])
    }

    pub(crate) fn of_all(texts: &[&str]) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for text in texts {
            // 0xff never occurs in UTF-8, so it ends each text unmistakably.
            for byte in text.bytes().chain([0xff]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        Self(hash)
    }
}

/// Whether a text can only be a word of a program: what an enumeration of a newer version adds.
pub(crate) fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Whether a text can only be a label, a version or a file's name: a word with `.`, `:`, `+` and `~`.
pub(crate) fn is_label(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:+~".contains(&byte))
}

json_schemas! {
    HostPath: { "type": "string" },
    DiffText: { "type": "string" },
    Presence: true,
    NonBlank: { "type": "string" },
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::{DiffText, HostPath, NonBlank, Presence, PrivateJson, RedactedPath, TextKey};

    #[test]
    fn debug_output_shows_no_content() {
        assert_eq!(format!("{:?}", HostPath::from("/secret")), "HostPath([redacted])");
        assert_eq!(format!("{:?}", DiffText::from("+secret")), "DiffText(7 bytes)");
        assert_eq!(format!("{:?}", PrivateJson::new("{\"diff\":1}".into())), "PrivateJson(10 bytes)");
    }

    #[test]
    fn presence_of_any_value() {
        for (json, present) in [
            ("null", false),
            ("\"secret\"", true),
            ("\"\"", true),
            ("false", true),
            ("-1", true),
            ("1", true),
            ("1.5", true),
            ("[1,[2]]", true),
            ("{\"a\":{}}", true),
        ] {
            let presence: Presence = crate::json::read::from_str(json).unwrap();
            assert_eq!(presence, Presence(present), "{json}");
            let written = crate::json::write::to_string(&presence);
            assert_eq!(crate::json::read::from_str::<Presence>(&written).unwrap(), presence);
        }
    }

    #[test]
    fn blank_texts_are_told_from_others() {
        for (json, non_blank) in [("\"\"", false), ("\" \\t\\u3000\"", false), ("\" x\"", true)] {
            assert_eq!(crate::json::read::from_str::<NonBlank>(json).unwrap(), NonBlank(non_blank), "{json}");
        }
    }

    #[test]
    fn paths_keep_only_their_number() {
        let paths: alloc::vec::Vec<RedactedPath> = crate::json::read::from_str(r#"["/a","/b"]"#).unwrap();
        assert_eq!(crate::json::write::to_string(&paths), r#"["[path]","[path]"]"#);
    }

    #[test]
    fn text_keys_tell_texts_and_their_borders_apart() {
        assert_eq!(TextKey::of("a"), TextKey::of("a"));
        assert_ne!(TextKey::of_all(&["ab", "c"]), TextKey::of_all(&["a", "bc"]));
    }
}
