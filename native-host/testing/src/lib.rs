//! For the tests of what embeds Turnledger: a [`Collector`] that records uploads.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod collector;
mod http;

pub use collector::{Answer, Collector, Received};
pub use http::Request;
