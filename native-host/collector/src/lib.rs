//! Turnledger's collector: a server that takes the events of a team's machines and keeps them in one store, each of them
//! once.
//!
//! A data folder has two files: `store.sqlite`, an ordinary store, and `accounts.sqlite`, who may send and who may look.
//! [`Collector`] is what all routes share, [`router`] is the routes, and [`run`] serves them until it is told to
//! end.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod accounts;
mod collector;
mod dashboard;
mod forward;
mod health;
mod ingest;
mod limits;
mod metrics;
mod peer;
mod refusal;
mod routes;
mod secret;
mod serve;

use std::error::Error;

pub use collector::{Collector, CollectorError, Options};
pub use forward::{Forward, Forwarded, Receiver};
pub use limits::Limits;
pub use peer::Peer;
pub use routes::router;
pub use secret::Secret;
pub use serve::{Addresses, Place, ServeError, TlsError, run};

/// An error and its causes in one line.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let more = error.to_string();
        // Some say their cause themselves.
        if !text.ends_with(&more) {
            text = [&text, ": ", &more].concat();
        }
        next = error.source();
    }
    text
}
