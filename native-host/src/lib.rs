//! The native host of Turnledger: what a program on a real machine adds to the pure core.
//!
//! [`recording`] reads recorded sessions, and [`replay`] runs them
//! through the core.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod attribution;
pub mod fingerprint;
pub mod git;
pub mod recording;
pub mod replay;
pub mod schema;

pub use turnledger_core::digest::Sha2;
