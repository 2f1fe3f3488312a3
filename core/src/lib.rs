//! The pure core of Turnledger: what a coding agent's app-server says to its clients goes in,
//! privacy-safe analytics events come out.
//!
//! It is synchronous and has no I/O, no clock, no randomness, no threads and no global state; time,
//! hashing and everything outside are the host's. The two types to start with are [`Observer`],
//! which turns JSON-RPC messages into [`Fact`]s, and [`Reducer`], which turns facts into
//! [`Event`]s. [`Pipeline`] is both in a row, and [`Batcher`] turns events into request bodies.
//!
//! # Words
//!
//! *message*: one JSON-RPC request, response, error or notification. *connection*: one client of
//! the app-server. *thread*: a conversation; *turn*: one user request and the work that follows;
//! *item*: one step of it. *fact*: a typed input. *event*: a typed output. *review*: one approval
//! decision by the user or the guardian. *question*: what the core asks of its host. *host*: what
//! supplies clock, hashing, upload and answers. *discard*: what yielded no event, and why.
//!
//! The docs name the files of the contract (`wire.md`, `facts.md`, `events.md`, `rules.md`,
//! `derived.md`) where a rule comes from.

#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod accepted_lines;
pub mod batch;
mod capped;
pub mod digest;
pub mod discard;
pub mod event;
pub mod fact;
pub mod git_remote;
mod id;
pub mod observer;
mod output;
mod pipeline;
mod private;
pub mod protocol;
pub mod question;
mod read;
pub mod reducer;
mod scan;
mod schema;
mod serde_traits;
mod sharing;
mod snapshot;
mod time;
mod write;

pub use batch::{Batch, BatchLimits, Batcher};
pub use capped::Cap;
pub use digest::{Digest, DigestValue};
pub use discard::{Discard, Stats};
pub use event::Event;
pub use fact::{Fact, FactKind};
pub use id::{ConnectionId, Id, RequestId};
pub use observer::Observer;
pub use output::Output;
pub use pipeline::{Limits, Pipeline};
pub use private::{DiffText, HostPath, NonBlank, Presence, RedactedPath};
pub use protocol::Direction;
pub use question::{Question, QuestionId, QuestionKind};
pub use read::ReadError;
pub use reducer::Reducer;
pub use snapshot::RestoreError;
pub use time::UnixMillis;
