//! The real Codex behind the tap.

mod recorder;
mod sessions;
mod terminal;
