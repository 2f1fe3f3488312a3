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
pub use sniff::is_surely_irrelevant;
