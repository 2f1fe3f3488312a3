//! The native host of Turnledger: what a program on a real machine adds to the pure core.
//!
//! [`Sha2`] supplies the hashing, [`recording`] reads recorded sessions, and [`replay`] runs them
//! through the core.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod digest;
pub mod recording;
pub mod replay;
pub mod schema;

pub use digest::Sha2;
