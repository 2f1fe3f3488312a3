//! Reading JSON text into this crate's types: one reader for all of them, without serde's derived code.
//!
//! Two things are asked of it that serde cannot give at once: little code, because the two hundred types of the
//! protocol are most of a WebAssembly module otherwise, and speed, because every message of a session is read.
//! The text is at hand as a whole, so that a member which comes too late to decide how another is read costs a step
//! back, and no copy.
//!
//! Serialising stays serde's, and so does the shape of the JSON: `#[derive(Read)]` follows serde's own attributes. What it
//! accepts is what `serde_json` accepts (RFC 8259), which property tests hold it to.

mod error;
mod reader;
mod scalars;
mod skip;
#[cfg(test)]
mod tests;
mod values;

use alloc::boxed::Box;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;

pub use error::ReadError;
pub(crate) use error::{Failed, Problem};
pub(crate) use reader::{Position, Reader};
pub(crate) use turnledger_derive::Read;
pub(crate) use values::{Raw, Text};

/// A type that is read from JSON text.
pub(crate) trait Read<'text>: Sized {
    /// Reads the value that comes next.
    fn read(reader: &mut Reader<'text>) -> Result<Self, Failed>;

    /// What an absent member of this type is; nothing where it must be there.
    fn absent() -> Option<Self> {
        None
    }
}

/// Reads a text that is one value.
pub(crate) fn from_str<'text, T: Read<'text>>(text: &'text str) -> Result<T, ReadError> {
    let mut reader = Reader::new(text);
    let value = T::read(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|Failed| reader.error())
}

/// Reads a value for a deserialiser of `serde_json`, the only kind there is for these types.
pub(crate) fn deserialize<'de, T: for<'text> Read<'text>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    from_str(raw.get()).map_err(D::Error::custom)
}

/// Gives types serde's `Deserialize`, for `serde_json`.
macro_rules! deserialize_by_reading {
    ($($name:ty),+ $(,)?) => {$(
        /// Reads with the deserialisers of `serde_json`, and with no other.
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::read::deserialize(deserializer)
            }
        }
    )+};
}

pub(crate) use deserialize_by_reading;
