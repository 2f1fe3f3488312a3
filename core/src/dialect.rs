//! What the versions of Codex do differently. No other file compares a version.
//!
//! A rule asks its connection's dialect, and never a version. A new version is a constant here, a line in
//! [`Dialect::of`], and a member for each rule that differs for the first time.

use crate::event::Versioned;
use crate::event::compaction::{CompactionImplementation, CompactionReason};
use crate::event::turn::ApprovalsReviewer;

/// The newest version that was looked at, all of it.
pub(crate) const NEWEST: (u64, u64) = (0, 171);

/// Which members events have: those of a recorded version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Contract {
    V131,
    V169,
}

/// What some versions of Codex have in common.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Which members events have.
    contract: Contract,
    /// Whether an item that ends after its turn has an event.
    pub(crate) reports_late_items: bool,
    /// Whether a turn that another thread started has an event.
    pub(crate) reports_turns_of_subagents: bool,
    /// Whether a tool of collaboration ran for as long as its item was open; it has no time of its own.
    pub(crate) collaboration_runs_throughout: bool,
    /// What `guardian_subagent` is called in events.
    pub(crate) guardian: ApprovalsReviewer,
    /// Why a context is compacted before a turn of another model.
    pub(crate) model_changed: CompactionReason,
    /// Whether a rollout says that a turn failed, and why.
    pub(crate) files_tell_failures: bool,
    /// Whether a rollout has a line for the end of a search, and always for that of a patch (0.129 and later).
    pub(crate) files_tell_searches: bool,
    /// Whether a turn's context in a rollout says which summary and which tone were asked for, rather than what came of it.
    pub(crate) files_tell_style: bool,
    /// Whether a command that was refused ends twice.
    pub(crate) refused_commands_end_twice: bool,
    /// How a server compacts for a user who is signed in without an API key.
    pub(crate) remote_compaction: CompactionImplementation,
}

/// The contract's own version, 0.131, and those before it.
static CODEX_0_131: Dialect = Dialect {
    contract: Contract::V131,
    reports_late_items: false,
    reports_turns_of_subagents: false,
    collaboration_runs_throughout: false,
    files_tell_failures: false,
    files_tell_searches: true,
    files_tell_style: true,
    refused_commands_end_twice: true,
    guardian: ApprovalsReviewer::GuardianSubagent,
    model_changed: CompactionReason::ModelDownshift,
    remote_compaction: CompactionImplementation::ResponsesCompact,
};

/// What the contract's version is taken for, too, before 0.129: its rollouts say less.
static CODEX_0_128: Dialect = Dialect {
    contract: Contract::V131,
    reports_late_items: false,
    reports_turns_of_subagents: false,
    collaboration_runs_throughout: false,
    files_tell_failures: false,
    files_tell_searches: false,
    files_tell_style: true,
    refused_commands_end_twice: true,
    guardian: ApprovalsReviewer::GuardianSubagent,
    model_changed: CompactionReason::ModelDownshift,
    remote_compaction: CompactionImplementation::ResponsesCompact,
};

/// 0.132 and later. Those up to 0.168 were not recorded: their events have the contract's members.
static CODEX_0_132: Dialect = Dialect {
    contract: Contract::V131,
    reports_late_items: true,
    reports_turns_of_subagents: true,
    collaboration_runs_throughout: true,
    files_tell_failures: false,
    files_tell_searches: true,
    files_tell_style: false,
    refused_commands_end_twice: false,
    guardian: ApprovalsReviewer::AutoReview,
    model_changed: CompactionReason::CompHashChanged,
    remote_compaction: CompactionImplementation::ResponsesCompactionV2,
};

/// 0.169 and later.
static CODEX_0_169: Dialect = Dialect {
    contract: Contract::V169,
    reports_late_items: true,
    reports_turns_of_subagents: true,
    collaboration_runs_throughout: true,
    files_tell_failures: true,
    files_tell_searches: true,
    files_tell_style: false,
    refused_commands_end_twice: false,
    guardian: ApprovalsReviewer::AutoReview,
    model_changed: CompactionReason::CompHashChanged,
    remote_compaction: CompactionImplementation::ResponsesCompactionV2,
};

impl Dialect {
    /// The dialect of a version of Codex; the contract's where the version is not known.
    pub(crate) fn of(version: &str) -> &'static Self {
        let [major, minor, _] = numbers(version);
        match (major, minor) {
            (0, 1..=128) => &CODEX_0_128,
            (0, ..=131) => &CODEX_0_131,
            (0, ..=168) => &CODEX_0_132,
            _ => &CODEX_0_169,
        }
    }

    /// The numbers of a version that is newer than [`NEWEST`]. It is taken for that one. What only begins like a version is
    /// none.
    pub(crate) fn newer_than_known(version: &str) -> Option<[u64; 3]> {
        let release = version.split('-').next().unwrap_or_default();
        let is_release = release.split('.').count() == 3
            && release
                .split('.')
                .all(|part| matches!(part.len(), 1..=4) && part.bytes().all(|byte| byte.is_ascii_digit()));
        let numbers @ [major, minor, _] = numbers(release);
        (is_release && (major, minor) > NEWEST).then_some(numbers)
    }

    /// Whether events have the members of 0.169, so that they are looked for.
    pub(crate) fn reports_more(&self) -> bool {
        self.contract >= Contract::V169
    }

    /// Members that events have from 0.169 on.
    pub(crate) fn since_169<G>(&self, members: impl FnOnce() -> G) -> Versioned<G> {
        Versioned::when(self.reports_more(), members)
    }

    /// Members that 0.169 no longer has.
    pub(crate) fn until_169<G>(&self, members: impl FnOnce() -> G) -> Versioned<G> {
        Versioned::when(!self.reports_more(), members)
    }

    /// The dialect where no connection says one.
    pub(crate) fn unknown() -> &'static Self {
        &CODEX_0_131
    }
}

/// The numbers that a version begins with; 0 for what is no number.
fn numbers(version: &str) -> [u64; 3] {
    let mut numbers = version.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::{CODEX_0_128, CODEX_0_131, CODEX_0_132, CODEX_0_169, Dialect};

    #[test]
    fn versions() {
        for (version, dialect) in [
            ("0.104.0", &CODEX_0_128),
            ("0.128.9", &CODEX_0_128),
            ("0.129.0", &CODEX_0_131),
            ("0.131.0", &CODEX_0_131),
            ("0.131.9-alpha.1", &CODEX_0_131),
            ("0.132.0", &CODEX_0_132),
            ("0.168.9", &CODEX_0_132),
            ("0.169.0", &CODEX_0_169),
            ("1.0.0", &CODEX_0_169),
            ("unknown", &CODEX_0_131),
        ] {
            assert_eq!(Dialect::of(version), dialect, "{version}");
        }
    }

    #[test]
    fn versions_that_nobody_looked_at() {
        for (version, newer) in [
            ("unknown", None),
            ("0.131.0", None),
            ("0.171.9", None),
            ("0.172.0-alpha.3", Some([0, 172, 0])),
            ("0.180.2", Some([0, 180, 2])),
            ("1.0.0", Some([1, 0, 0])),
            ("1.0", None),
            ("1.0.0.1", None),
            ("1.x.0", None),
            ("1.0.12345", None),
            ("1a-2000-3", None),
        ] {
            assert_eq!(Dialect::newer_than_known(version), newer, "{version}");
        }
    }
}
