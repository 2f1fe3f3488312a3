//! The native host of Turnledger: what a program on a real machine adds to the pure core.
//!
//! An app-server embeds a [`Ledger`]; [`tap`] is one beside an unmodified app-server. Events wait in a
//! [`store`] for their [`delivery`]. [`recording`] reads recorded sessions, and [`replay`] runs them
//! through the core. [`fingerprint`] makes accepted-line events of other diffs, and [`attribution`] finds
//! accepted lines in a [`git`] repository again.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod attribution;
mod clock;
pub mod delivery;
pub mod fingerprint;
pub mod git;
pub mod ledger;
pub mod recording;
pub mod replay;
pub mod schema;
pub mod store;
pub mod tap;

pub use clock::now;
pub use ledger::Ledger;
pub use secrecy;
pub use turnledger_core::digest::Sha2;
