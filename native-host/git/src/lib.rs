//! What Turnledger knows by Git: [`Answerer`] answers the core's questions about a [`repository`], [`fingerprint`] makes
//! accepted-line events of other diffs, and [`attribution`] finds accepted lines in a repository again.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod answers;
pub mod attribution;
pub mod fingerprint;
pub mod repository;

pub use answers::Answerer;
