//! The slice of the app-server protocol that analytics reads, and nothing more (contract `wire.md`).
//!
//! A type here has no field for a prompt, a command line, a path, a tool's output, a URL or a
//! rationale: what is not in the type is not parsed into memory. Unknown members, methods, item
//! kinds and enum values are tolerated everywhere.

pub mod approval;
pub(crate) mod catalog;
pub mod enums;
pub mod error;
pub mod input;
pub mod item;
pub(crate) mod message;
pub mod notification;
pub mod policy;
mod recorded;
pub mod request;
mod sniff;
pub(crate) mod tagged;
pub mod thread;
pub mod turn;

pub use message::Direction;

use crate::read::deserialize_by_reading;
use crate::write::serialize_by_writing;
pub use sniff::is_surely_irrelevant;

// What an app-server has as JSON or as types of its own.
deserialize_by_reading! {
    request::InitializeParams, request::ClientRequest, request::ClientResponse, request::TurnStartResponse,
    request::TurnSteerResponse, approval::ServerRequest, approval::ServerResponse, thread::ThreadResponse,
    thread::Thread, turn::TurnStartParams, turn::TurnSteerParams, turn::Turn, item::Item, input::UserInput,
}
serialize_by_writing! {
    request::InitializeParams, request::ClientRequest, request::ClientResponse, request::TurnStartResponse,
    request::TurnSteerResponse, approval::ServerRequest, approval::ServerResponse, thread::ThreadResponse,
    thread::Thread, turn::TurnStartParams, turn::TurnSteerParams, turn::Turn, item::Item, input::UserInput,
}
