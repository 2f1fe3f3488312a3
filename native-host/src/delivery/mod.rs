//! Delivery: one request at a time to the analytics server, and what its answer means.
//!
//! It blocks, for at most the timeout; whoever calls it owns the schedule.

pub mod auth;
mod courier;
mod http;
mod retry;

pub use courier::Courier;
pub use http::{Endpoint, HttpClient, InvalidEndpoint};
pub use retry::{Backoff, Outcome, RetryLimits};
