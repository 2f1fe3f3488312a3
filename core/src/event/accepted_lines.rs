//! `codex_accepted_line_fingerprints` (`docs/contract/events.md`).

use alloc::vec::Vec;

use super::common::{EventSource, event_structs};
use crate::digest::{DigestValue, Scheme};
use crate::id::Id;

event_structs! {
    /// One accepted line: where it is and what it says, as hashes.
    #[derive(Copy, Eq, Hash)]
    #[non_exhaustive]
    LineFingerprint {
        /// The hash of the file's path. Source: the header of the file in the diff.
        path_hash: DigestValue,
        /// The hash of the line's normal form. Source: the added line.
        line_hash: DigestValue,
    }

    /// The lines that a turn left accepted, or a chunk of them.
    #[non_exhaustive]
    AcceptedLineFingerprints {
        /// Always `codex.accepted_line_fingerprints`, with dots. Source: a constant.
        event_type: InnerEventType,
        /// The turn. Source: `turn.id`.
        turn_id: Id,
        /// The turn's thread. Source: the notification.
        thread_id: Id,
        /// Always `codex`. Source: a constant.
        product_surface: ProductSurface,
        /// The turn's model. Null when it is unknown. Source: `turn_resolved_config.model`.
        model_slug: Option<Id>,
        /// When the turn's event was made, by the host's clock. Unix seconds. Source: the time of the last fact.
        completed_at: u64,
        /// The hash of the canonical address of the repository's remote.
        /// Null without a remote or an answer. Source: `repository_answered.remote_url`.
        repo_hash: Option<DigestValue>,
        /// Number of lines that the turn's diff adds; 0 in every chunk but the first. Source: `turn/diff/updated`.
        accepted_added_lines: u64,
        /// Number of lines that the turn's diff deletes; 0 in every chunk but the first. Source: `turn/diff/updated`.
        accepted_deleted_lines: u64,
        /// The added lines that say something, in the diff's order; empty if there are none. Source:
        /// `turn/diff/updated`.
        line_fingerprints: Vec<LineFingerprint>,
        /// The algorithm and the key's id behind the hashes; Codex has no such member.
        /// Null only where another program wrote the event. Source: the host's digest.
        #[serde(default)]
        fingerprint_scheme: Option<Scheme>,
        /// What the event is made from. Null is left out: for traffic, and for facts of a host. Source: the kind of file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<EventSource>,
    }
}

impl LineFingerprint {
    /// A line, by the hashes of its file's path and of its normal form.
    pub const fn new(path_hash: DigestValue, line_hash: DigestValue) -> Self {
        Self { path_hash, line_hash }
    }
}

impl AcceptedLineFingerprints {
    /// The event of a change that a turn made, at `completed_at` in Unix seconds, with hashes of this scheme. It has no
    /// lines, model and repository, unless the caller sets them.
    pub fn new(thread_id: impl Into<Id>, turn_id: impl Into<Id>, completed_at: u64, scheme: Scheme) -> Self {
        Self {
            event_type: InnerEventType::default(),
            turn_id: turn_id.into(),
            thread_id: thread_id.into(),
            product_surface: ProductSurface::default(),
            model_slug: None,
            completed_at,
            repo_hash: None,
            accepted_added_lines: 0,
            accepted_deleted_lines: 0,
            line_fingerprints: Vec::new(),
            fingerprint_scheme: Some(scheme),
            source: None,
        }
    }
}

/// The constant that repeats the event's type inside its parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, crate::json::write::Write, crate::json::read::Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum InnerEventType {
    /// `codex.accepted_line_fingerprints`
    #[default]
    #[serde(rename = "codex.accepted_line_fingerprints")]
    AcceptedLineFingerprints,
}

/// The constant that says which product accepted the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, crate::json::write::Write, crate::json::read::Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProductSurface {
    /// `codex`
    #[default]
    Codex,
}
