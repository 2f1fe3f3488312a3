//! The slice of the app-server protocol that analytics reads, and nothing more (`docs/contract/wire.md`).
//!
//! No type here has a field for a prompt, a command line, a path, a tool's output, a URL or a
//! rationale. What has no field is never read into memory. Unknown members, methods, item kinds and
//! enum values are tolerated everywhere.

#![expect(
    clippy::exhaustive_structs,
    reason = "facts have them: literals end in `..default()` or `..new(…)`, which a new member leaves whole"
)]

mod activity;
pub mod approval;
pub mod enums;
pub mod error;
mod failure;
pub mod input;
pub mod item;
mod known;
pub mod notification;
pub mod policy;
pub mod request;
pub(crate) mod sentence;
pub(crate) mod tagged;
pub mod thread;
pub mod turn;

pub use known::{Known, UnknownWord, WireEnum};
