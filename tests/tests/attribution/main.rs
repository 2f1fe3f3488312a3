//! Which lines of a commit came from an agent, in real repositories.

mod commits;
mod copies;
mod fingerprint;
mod git;
mod input;
mod ranges;
mod repositories;
mod standing;
mod text;
mod time;
mod truth;
