//! Reading JSON text into this crate's types: one reader for all of them, without serde's derived code.
//!
//! Two things are asked of it that serde cannot give at once: little code, because the two hundred types of the
//! protocol are most of a WebAssembly module otherwise, and speed, because every message of a session is read.
//! The text is at hand as a whole, so that a member which comes too late to decide how another is read costs a step
//! back, and no copy.
//!
//! The shape of the JSON is serde's: `#[derive(Read)]` follows serde's own attributes. What it takes for JSON (RFC 8259),
//! and for a value of the standard library's types, is what `serde_json` takes, which property tests hold it to. A
//! struct is an object here, though, and never an array.

mod error;
mod names;
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
pub(crate) use names::Names;
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
    // In these words `serde_json` finds the column.
    from_str(raw.get())
        .map_err(|ReadError { problem, column }| D::Error::custom(format_args!("{problem} at line 1 column {column}")))
}
