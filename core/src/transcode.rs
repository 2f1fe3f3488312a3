//! JSON values on their way between this crate's own text and any other self-describing format of serde's.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};

use crate::json::read::{self, Read, ReadError};
use crate::json::write::{self, Write};

/// The name by which `serde_json` hands over the text of a value as it stands. Where it is not known, the value is read
/// as that of any other format.
const AS_TEXT: &str = "$serde_json::private::RawValue";

/// Reads a value of any self-describing format.
pub(crate) fn deserialize<'de, T: for<'text> Read<'text>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    match deserializer.deserialize_newtype_struct(AS_TEXT, Taken)? {
        // In these words `serde_json` finds the column.
        Value::Text(text) => read::from_str(&text).map_err(|ReadError { problem, column }| {
            de::Error::custom(format_args!("{problem} at line 1 column {column}"))
        }),
        value => {
            let mut text = String::new();
            value.write(&mut text);
            read::from_str(&text).map_err(|error| de::Error::custom(error.problem))
        }
    }
}

/// Writes a value in any format, with the members in the order of its JSON text.
pub(crate) fn serialize<S: Serializer>(value: &impl Write, serializer: S) -> Result<S::Ok, S::Error> {
    let value: Value = serde_json::from_str(&write::to_string(value)).map_err(S::Error::custom)?;
    value.serialize(serializer)
}

/// A JSON value, with its members in order.
enum Value {
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    String(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
    /// A value as `serde_json` has it in its text.
    Text(String),
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Taken)
    }
}

struct Taken;

impl<'de> Visitor<'de> for Taken {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value that JSON has, too")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Signed(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Unsigned(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element()? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Vec::new();
        while let Some(name) = members.next_key::<String>()? {
            if name == AS_TEXT {
                return members.next_value().map(Value::Text);
            }
            object.push((name, members.next_value()?));
        }
        Ok(Value::Object(object))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Signed(value) => serializer.serialize_i64(*value),
            Self::Unsigned(value) => serializer.serialize_u64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::String(value) | Self::Text(value) => serializer.serialize_str(value),
            Self::Array(elements) => serializer.collect_seq(elements),
            Self::Object(members) => serializer.collect_map(members.iter().map(|(name, value)| (name, value))),
        }
    }
}

impl Value {
    fn write(&self, text: &mut String) {
        match self {
            Self::Null => text.push_str("null"),
            Self::Bool(value) => value.write(text),
            Self::Signed(value) => value.write(text),
            Self::Unsigned(value) => value.write(text),
            // JSON has neither infinity nor NaN.
            Self::Float(value) if !value.is_finite() => text.push_str("null"),
            // Writing to a string does not fail.
            Self::Float(value) => _ = fmt::Write::write_fmt(text, format_args!("{value:?}")),
            Self::String(value) => value.as_str().write(text),
            Self::Text(value) => text.push_str(value),
            Self::Array(elements) => {
                text.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    element.write(text);
                }
                text.push(']');
            }
            Self::Object(members) => {
                text.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    name.as_str().write(text);
                    text.push(':');
                    value.write(text);
                }
                text.push('}');
            }
        }
    }
}
