//! Why a text could not be read.

/// Reading failed; the reader knows why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed;

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("no JSON")]
    Syntax,
    #[error("JSON that ends too early")]
    End,
    #[error("something other than {0}")]
    Type(&'static str),
    #[error("no member `{0}`")]
    Missing(&'static str),
    #[error("a member twice")]
    Repeated,
    #[error("a value that is not known")]
    Unknown,
    #[error("an id that is too long")]
    LongId,
}

/// Why a text could not be read. It says nothing of the text's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {column}")]
pub struct ReadError {
    pub(crate) problem: Problem,
    pub(crate) column: usize,
}

impl ReadError {
    /// The byte, counted from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The same, in a text that has so many bytes more before it.
    pub(crate) fn behind(self, bytes: usize) -> Self {
        Self { column: self.column + bytes, ..self }
    }
}
