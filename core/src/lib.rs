//! The pure core of Turnledger: messages between a coding agent's app-server and its clients go in,
//! privacy-safe analytics events come out.
//!
//! It is synchronous and has no I/O, no clock, no randomness, no threads and no global state. The host
//! supplies time, hashing and everything outside. Start with [`Pipeline`]. It is an [`Observer`], which turns
//! JSON-RPC messages into [`Fact`]s, and a [`Reducer`], which turns facts into [`Event`]s. [`Batcher`] turns
//! events into request bodies, and [`Delivery`] says when to send them and what an answer means.
//!
//! # Words
//!
//! *message*: one JSON-RPC request, response, error or notification. *connection*: one client of
//! the app-server. *thread*: a conversation; *turn*: one user request and the work that follows;
//! *item*: one step of it. *fact*: a typed input. *event*: a typed output. *review*: one approval
//! decision by the user or the guardian. *question*: what the core asks of its host. *host*: what
//! supplies clock, hashing, upload and answers. *discard*: what yielded no event, and why.
//!
//! `docs/contract` in the repository says what all this means. The docs name its page and section where a rule comes from.

#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod accepted_lines;
pub mod batch;
mod capped;
pub mod codex;
pub mod columns;
pub mod delivery;
mod dialect;
pub mod digest;
pub mod discard;
pub mod event;
pub mod fact;
pub mod git_remote;
mod id;
mod json;
mod limits;
mod output;
mod pipeline;
pub mod policy;
mod private;
pub mod protocol;
pub mod question;
pub mod reducer;
mod restore;
#[cfg(feature = "schema")]
pub mod schemas;
mod serde_traits;
mod sharing;
mod snapshot;
mod source;
mod time;
mod transcode;
mod unknown;

pub use batch::{Batch, BatchLimits, Batcher};
pub use capped::Cap;
pub use codex::observer::{self, Observer};
pub use codex::rollout::Rollout;
pub use codex::{Direction, is_surely_irrelevant};
pub use columns::Columns;
pub use delivery::Delivery;
pub use digest::{Digest, DigestValue};
pub use discard::{Discard, Stats};
pub use event::Event;
pub use fact::{Fact, FactKind};
pub use id::{ConnectionId, Id, MAX_ID_BYTES, MAX_NAME_BYTES, RequestId};
pub use json::read::ReadError;
pub use output::Output;
pub use pipeline::{Limits, Pipeline};
pub use policy::Policy;
pub use private::{DiffText, HostPath, NonBlank, Presence, PrivateJson, RedactedPath};
pub use protocol::UnknownWord;
pub use question::{Question, QuestionId, QuestionKind};
pub use reducer::Reducer;
pub use restore::RestoreError;
pub use source::{Observation, Source, Unreadable};
pub use time::UnixMillis;
pub use unknown::{Unknown, UnknownKind};
