//! What a reader leaves out because its type does not know it: words of enumerations, and members.

use alloc::string::String;
use alloc::vec::Vec;

/// How much of one text is kept.
const MOST: usize = 64;

/// What was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A word of an enumeration, or the tag of an object.
    Word,
    /// A member of an object.
    Member,
}

/// Something that was left out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unread {
    pub(crate) part: Part,
    /// The type that does not know it.
    pub(crate) of: &'static str,
    pub(crate) name: String,
}

/// Whether a part of a type, of this name, is to be reported.
pub(super) type IsReported = fn(Part, &str, &str) -> bool;

/// What is to be reported, and what was found.
pub(super) struct Review {
    pub(super) is_reported: Option<IsReported>,
    pub(super) found: Vec<Unread>,
}

impl Review {
    /// Nothing is to be reported.
    pub(super) const NOTHING: Self = Self { is_reported: None, found: Vec::new() };

    #[cold]
    pub(super) fn add(&mut self, part: Part, of: &'static str, name: &str) {
        if self.found.len() < MOST && self.is_reported.is_some_and(|is_reported| is_reported(part, of, name)) {
            self.found.push(Unread { part, of, name: name.into() });
        }
    }
}
