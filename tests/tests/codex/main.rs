//! The real Codex behind the tap.

mod sessions;
mod terminal;
