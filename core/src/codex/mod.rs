//! Codex: what it says to its clients becomes facts. Nothing else here knows a method's name.

pub(crate) mod catalog;
pub(crate) mod content;
mod directories;
mod goals;
pub(crate) mod message;
mod methods;
pub(crate) mod newer;
pub mod observer;
mod recorded;
mod reviewed;
pub(crate) mod rollout;
mod settings;
mod sniff;
mod tokens;

pub use content::Direction;
pub use sniff::is_surely_irrelevant;
