//! `codex_accepted_line_fingerprints` (contract `events.md` 9).

use alloc::vec::Vec;

use super::common::event_structs;
use crate::digest::{DigestValue, Scheme};
use crate::id::Id;

event_structs! {
    /// One accepted line: where it is and what it says, as hashes.
    #[derive(Copy, Eq, Hash)]
    LineFingerprint {
        path_hash: DigestValue,
        line_hash: DigestValue,
    }

    /// The lines that a turn left accepted, or a chunk of them.
    AcceptedLineFingerprints {
        /// Always `codex.accepted_line_fingerprints`, with dots.
        event_type: InnerEventType,
        turn_id: Id,
        thread_id: Id,
        product_surface: ProductSurface,
        model_slug: Option<Id>,
        /// When the turn's event was made, in Unix seconds.
        completed_at: u64,
        repo_hash: Option<DigestValue>,
        /// The turn's total in its first chunk, 0 in later ones.
        accepted_added_lines: u64,
        /// The turn's total in its first chunk, 0 in later ones.
        accepted_deleted_lines: u64,
        line_fingerprints: Vec<LineFingerprint>,
        /// Which algorithm and key made the hashes; beyond the contract. Null only where who wrote the
        /// event does not say it.
        #[serde(default)]
        fingerprint_scheme: Option<Scheme>,
    }
}

/// The constant that repeats the event's type inside its parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, crate::write::Write, crate::read::Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum InnerEventType {
    /// `codex.accepted_line_fingerprints`
    #[default]
    #[serde(rename = "codex.accepted_line_fingerprints")]
    AcceptedLineFingerprints,
}

/// The constant that says which product accepted the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, crate::write::Write, crate::read::Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProductSurface {
    /// `codex`
    #[default]
    Codex,
}
