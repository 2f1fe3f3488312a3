//! Enum values as events show them.

use alloc::string::String;

use crate::json::read::{Failed, Read, Reader};
use crate::json::write::Write;

/// An enum of the wire, with a value for what this version does not know.
pub trait WireEnum {
    /// Whether this is that value.
    fn is_unknown(&self) -> bool;
}

/// A text that is no word of the enum that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no word of this enumeration")]
#[non_exhaustive]
pub struct UnknownWord;

/// An enum value in a nullable field of an event. It is null if the message had none, or one that this version does
/// not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known<T>(Option<T>);

impl<T> Known<T> {
    /// The value, if it is known.
    pub fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: WireEnum> From<Option<T>> for Known<T> {
    fn from(value: Option<T>) -> Self {
        Self(value.filter(|value| !value.is_unknown()))
    }
}

impl<T: WireEnum> From<T> for Known<T> {
    fn from(value: T) -> Self {
        Some(value).into()
    }
}

impl<T: Write> Write for Known<T> {
    fn write(&self, text: &mut String) {
        self.0.write(text);
    }
}

impl<'text, T: Read<'text> + WireEnum> Read<'text> for Known<T> {
    fn read(reader: &mut Reader<'text>) -> Result<Self, Failed> {
        Option::read(reader).map(Self::from)
    }

    fn absent() -> Option<Self> {
        Some(Self(None))
    }
}

/// How a schema describes the value for what is not known.
#[cfg(feature = "schema")]
pub(crate) const UNKNOWN_VALUE: &str = "A value that this version does not know.";

/// The enum's own values, and null.
#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> schemars::JsonSchema for Known<T> {
    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> alloc::borrow::Cow<'static, str> {
        alloc::format!("known {}", T::schema_id()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        use serde_json::Value;

        let mut schema = T::json_schema(generator);
        if let Some(Value::Array(values)) = schema.get_mut("oneOf") {
            values.retain(|value| value["description"] != UNKNOWN_VALUE);
        }
        schemars::json_schema!({ "anyOf": [schema, { "type": "null" }] })
    }
}

#[cfg(test)]
mod tests {
    use super::Known;
    use crate::json::{read, write};
    use crate::protocol::enums::{ReasoningEffort, UserAuthorization};

    #[test]
    fn unknown_values_are_null() {
        for (json, written) in [
            ("\"high\"", "\"high\""),
            ("\"of_a_newer_version\"", "null"),
            ("\"unknown\"", "null"),
            ("\"\"", "null"),
            ("null", "null"),
        ] {
            let effort: Known<ReasoningEffort> = read::from_str(json).unwrap();
            assert_eq!(write::to_string(&effort), written, "{json}");
            assert_eq!(read::from_str::<Known<ReasoningEffort>>(written), Ok(effort));
        }
        // The reviewer's own word.
        assert_eq!(Known::from(UserAuthorization::Unknown).get(), Some(&UserAuthorization::Unknown));
        assert_eq!(read::from_str("\"of_a_newer_version\""), Ok(Known::<UserAuthorization>::default()));
    }
}
