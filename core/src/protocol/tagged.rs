//! Objects whose `type` member says which other members count.
//!
//! serde's internally tagged enums copy the whole object, prompts and outputs included, before they read
//! the tag. Here the tag decides what is read at all, wherever it stands.

use crate::json::read::{Failed, Reader};

/// A type that a tagged object is read into.
pub(crate) trait Tagged: Sized {
    /// Reads the members that `tag` makes relevant.
    fn from_members(tag: &str, members: &mut Reader<'_>) -> Result<Self, Failed>;
}

/// Makes [`Tagged`] types readable.
macro_rules! read_tagged {
    ($($name:ty),+) => {$(
        impl crate::json::read::Read<'_> for $name {
            fn read(reader: &mut crate::json::read::Reader<'_>) -> Result<Self, crate::json::read::Failed> {
                let tag = reader.tag("type")?;
                <Self as $crate::protocol::tagged::Tagged>::from_members(&tag, reader)
            }
        }
    )+};
}

pub(crate) use read_tagged;
