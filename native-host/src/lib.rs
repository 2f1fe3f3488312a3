//! The native host of Turnledger: what a program on a real machine adds to the pure core.
//!
//! An app-server embeds a [`Ledger`]. Events wait in a [`store`] for their [`delivery`]. Other crates build on this one:
//! `turnledger-git` answers the core's questions and finds accepted lines in a repository again, `turnledger-intake`
//! stands beside an unmodified app-server and reads recorded sessions, and `turnledger-cli` is the program. Tests of what
//! embeds a ledger use `turnledger-testing`.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod clock;
pub mod delivery;
pub mod ledger;
pub mod lines;
pub mod private_file;
pub mod store;

pub use clock::now;
pub use ledger::Ledger;
pub use secrecy;
pub use turnledger_core::digest::Sha2;
