//! What was found, as data.

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use turnledger_core::Id;

use super::ChangedFile;
use crate::repository::{CommitId, StepKind, Unread};

/// How many lines there are, and how many of them match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Added lines.
    pub added: u64,
    /// Those of them that can be compared: more than three bytes, with a word character.
    pub effective: u64,
    /// Lines that match one that was accepted at the same path.
    pub matched: u64,
    /// Lines that match one that was accepted at another path.
    pub moved: u64,
}

impl Counts {
    /// Of so many added lines, so many that can be compared, and so many of those that match here and elsewhere.
    pub const fn new(added: u64, effective: u64, matched: u64, moved: u64) -> Self {
        Self { added, effective, matched, moved }
    }

    /// The part of the effective lines that matches, from 0 to 1; `None` if there is no such line.
    pub fn share(&self) -> Option<f64> {
        #[allow(clippy::cast_precision_loss, reason = "no change has 2^52 lines")]
        let share = (self.matched + self.moved) as f64 / self.effective as f64;
        (self.effective > 0).then_some(share)
    }

    /// Whether more than `percent` of the effective lines match.
    #[allow(clippy::cast_precision_loss, reason = "no change has 2^52 lines")]
    pub fn exceeds(&self, percent: f64) -> bool {
        (self.matched + self.moved) as f64 * 100.0 > percent * self.effective as f64
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.effective += other.effective;
        self.matched += other.matched;
        self.moved += other.moved;
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut counts = serializer.serialize_struct("Counts", 5)?;
        counts.serialize_field("added", &self.added)?;
        counts.serialize_field("effective", &self.effective)?;
        counts.serialize_field("matched", &self.matched)?;
        counts.serialize_field("moved", &self.moved)?;
        counts.serialize_field("share", &self.share())?;
        counts.end()
    }
}

/// What was found in a history or a diff.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Of all steps.
    pub total: Counts,
    /// How many commits are missing from it, because what they changed is unknown. Absent if it is 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub unknown_commits: u64,
    /// Step by step, oldest first.
    pub steps: Vec<StepReport>,
    /// By the thread and the model that accepted the lines. The lines to match are those of all steps.
    pub threads: Vec<ThreadReport>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What was found in a step.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct StepReport {
    /// What it is.
    pub kind: StepKind,
    /// The commit, if it is one.
    pub commit: Option<CommitId>,
    /// Whether its changes are unknown, because it stands at the end of a shallow clone.
    pub is_cut_off: bool,
    /// The ids of the other commits of the range that a merge brings, oldest first. Absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<String>,
    /// The ids of those commits, the step's own too, whose date cannot be true: their lines match events of
    /// any time. Absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wrong_dates: Vec<String>,
    /// The ids of those commits that cannot be read: their lines are unknown. Absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
    /// How many added lines of a merge none of its parents has.
    pub in_no_parent: u64,
    /// Of all its files.
    #[serde(flatten)]
    pub counts: Counts,
    /// Its files, by path.
    pub files: Vec<FileReport>,
}

/// What was found in a file.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct FileReport {
    /// The file's path.
    pub path: String,
    /// Its former path, if it was renamed.
    pub renamed_from: Option<String>,
    /// Its lines.
    #[serde(flatten)]
    pub counts: Counts,
    /// Why it was not read, if it was not.
    pub unread: Option<Unread>,
}

impl FileReport {
    pub(super) fn unmatched(file: &ChangedFile) -> Self {
        let counts = Counts { added: file.added, effective: file.lines.len() as u64, ..Counts::default() };
        Self { path: file.path.clone(), renamed_from: file.renamed_from.clone(), counts, unread: file.unread }
    }
}

/// What a thread and a model have of the lines.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ThreadReport {
    /// The thread.
    pub thread_id: Id,
    /// The model, if it is known.
    pub model_slug: Option<Id>,
    /// All lines, and those that it accepted.
    #[serde(flatten)]
    pub counts: Counts,
}

/// A line of a whole file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BlameLine {
    /// Its number, from 1.
    pub line: usize,
    /// Whether it can be compared.
    pub is_effective: bool,
    /// Whether it matches.
    #[serde(rename = "match")]
    pub found: Option<Match>,
    /// The thread that accepted it.
    pub thread_id: Option<Id>,
    /// The model of that thread's turn.
    pub model_slug: Option<Id>,
}

/// How a line matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Match {
    /// It was accepted at the same path.
    Matched,
    /// It was accepted at another path.
    Moved,
}
