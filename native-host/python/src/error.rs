//! The one exception.

use std::error::Error as StdError;

use pyo3::PyErr;
use pyo3::exceptions::PyException;

pyo3::create_exception!(
    turnledger,
    Error,
    PyException,
    "Input that cannot be used: what is wrong, and where, in one line, and nothing of its content."
);

/// An error with its causes, in one line. No events came of it.
pub(crate) fn of(error: &dyn StdError) -> PyErr {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += ": ";
        text += &cause.to_string();
        source = cause.source();
    }
    said(text)
}

/// An error that says `text`.
pub(crate) fn said(text: impl Into<String>) -> PyErr {
    Error::new_err(text.into().replace('\n', " "))
}
