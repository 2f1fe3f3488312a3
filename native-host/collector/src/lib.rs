//! Turnledger's collector: a server that takes the events of a team's machines and keeps them in one store, each of them
//! once.
//!
//! A data folder has two files: `store.sqlite`, an ordinary store, and `accounts.sqlite`, who may send and who may look.
//! [`Collector`] is what all routes share, and [`router`] is the routes.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod accounts;
mod collector;
mod peer;
mod routes;
mod secret;

pub use collector::{Collector, CollectorError, Options};
pub use peer::Peer;
pub use routes::router;
pub use secret::Secret;
