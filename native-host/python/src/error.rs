//! The one exception.

use std::error::Error as StdError;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;

use crate::events::Events;

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

/// Says what was wrong with lines; `events` are what the good ones gave.
pub(crate) fn of_lines(py: Python<'_>, events: Events) -> PyErr {
    let error = said(events.first_note().unwrap_or_default());
    let set = Py::new(py, events).and_then(|events| error.value(py).setattr("events", events));
    set.map_or_else(|error| error, |()| error)
}
