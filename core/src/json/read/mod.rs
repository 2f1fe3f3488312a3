//! Reading JSON text into this crate's types: one reader for all of them, without serde's derived code.
//!
//! It needs little code, because serde's code for the protocol's two hundred types would be most of the WebAssembly
//! module. It needs speed, because every message of a session is read. The whole text is in memory, so a deciding
//! member that comes late costs a step back and no copy.
//!
//! The shape of the JSON is serde's: `#[derive(Read)]` follows serde's attributes. It accepts the same JSON (RFC 8259)
//! and the same values of standard types as `serde_json`; property tests check this. One difference: a struct is always
//! an object, never an array.

mod error;
mod names;
mod reader;
mod scalars;
mod skip;
#[cfg(test)]
mod tests;
mod unread;
mod values;

pub use error::ReadError;
pub(crate) use error::{Failed, Problem};
pub(crate) use names::Names;
pub(crate) use reader::{Position, Reader};
pub(crate) use turnledger_derive::Read;
pub(crate) use unread::{Part, Unread};
pub(crate) use values::{Raw, Text};

/// A type that is read from JSON text.
pub(crate) trait Read<'text>: Sized {
    /// Reads the value that comes next.
    fn read(reader: &mut Reader<'text>) -> Result<Self, Failed>;

    /// Reads a value that may be null. A type whose unknown values become null overrides this.
    fn read_nullable(reader: &mut Reader<'text>) -> Result<Option<Self>, Failed> {
        if reader.is_null()? { Ok(None) } else { Self::read(reader).map(Some) }
    }

    /// The value of an absent member of this type; `None` if the member is required.
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
