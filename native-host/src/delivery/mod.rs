//! Delivery: one request at a time to the analytics server.
//!
//! It blocks, for at most the timeout. When a request is due and what its answer means is the core's to say
//! ([`turnledger_core::delivery`]); who calls it owns the schedule. The request itself is sent by a [`Transport`]: the
//! host's HTTP client, or [`HttpClient`].

pub mod account;
pub mod auth;
mod courier;
mod endpoint;
#[cfg(feature = "upload")]
mod http;
mod reply;
#[cfg(feature = "upload")]
mod token_file;
mod transport;

pub use courier::{Courier, Sent};
pub use endpoint::{Endpoint, InvalidEndpoint};
#[cfg(feature = "upload")]
pub use http::{HttpClient, HttpClientError};
pub use reply::Reply;
#[cfg(feature = "upload")]
pub use token_file::TokenFile;
pub use transport::{SendError, Transport, UploadReply, UploadRequest, UploadResponse};
pub use turnledger_core::delivery::{Hold, RetryLimits};
