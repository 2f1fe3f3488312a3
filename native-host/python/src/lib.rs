//! The native part of the Python package `turnledger`: sessions in, events out, as texts, dicts or Arrow batches.
//!
//! `turnledger/__init__.pyi` says what each function and class is for; `docs/python.md` has examples. Whatever reads or
//! reduces does so without Python's lock.

#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![allow(clippy::needless_pass_by_value, reason = "Python hands over what a function is given")]

mod attribute;
mod error;
mod events;
mod options;
mod parts;
mod session;

/// The native module; the package has its names.
#[pyo3::pymodule]
pub mod _native {
    #[pymodule_export]
    use crate::attribute::attribute;
    #[pymodule_export]
    use crate::error::Error;
    #[pymodule_export]
    use crate::events::{Events, schema_object};
    #[pymodule_export]
    use crate::parts::{Parts, import_rollout, replay};
    #[pymodule_export]
    use crate::session::Session;

    /// The version of the program and of the package: one for all.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
}
