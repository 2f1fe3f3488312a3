//! What the versions of Codex do differently. No other file compares a version; which members events have by version stands in
//! `event/since.rs`.
//!
//! A rule asks its connection's dialect, and never a version. A new version is another [`NEWEST`], a row for each member
//! that is new, and a method for each rule that is.

use crate::event::compaction::{CompactionImplementation, CompactionReason};
use crate::event::since::ERROR_KIND_OF_COMPACTIONS;
use crate::event::turn::ApprovalsReviewer;
use crate::event::{Group, Versioned};

/// The newest version that was looked at, all of it.
pub(crate) const NEWEST: (u16, u16) = (0, 171);

/// The contract's own version, and what one that cannot be read is taken for.
const CONTRACT: u16 = 131;

/// All versions before 0.129 are alike, as far as it is known.
const OLDEST: u16 = 128;

/// A version of Codex, as far as it matters: the second number, from 128 to the newest known one.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Dialect(u16);

/// How many there are.
const COUNT: usize = 44;

static DIALECTS: [Dialect; COUNT] = {
    let mut dialects = [const { Dialect(OLDEST) }; COUNT];
    let mut at = 1;
    while at < COUNT {
        dialects[at] = Dialect(dialects[at - 1].0 + 1);
        at += 1;
    }
    assert!(dialects[COUNT - 1].0 == NEWEST.1, "one dialect a version");
    dialects
};

impl Dialect {
    /// The dialect of a version of Codex; the contract's where the version is not known.
    pub(crate) fn of(version: &str) -> &'static Self {
        let [major, minor, _] = numbers(version);
        let minor = match (major, u16::try_from(minor)) {
            (0, Ok(0)) => CONTRACT,
            (0, Ok(minor)) => minor.clamp(OLDEST, NEWEST.1),
            _ => NEWEST.1,
        };
        &DIALECTS[usize::from(minor - OLDEST)]
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
        (is_release && (major, minor) > (NEWEST.0.into(), NEWEST.1.into())).then_some(numbers)
    }

    /// Whether a rollout has a line for the end of a search, and always for that of a patch.
    pub(crate) fn files_tell_searches(&self) -> bool {
        self.0 >= 129
    }

    /// Whether a turn's context in a rollout says which summary and which tone were asked for, rather than what came of it.
    pub(crate) fn files_tell_style(&self) -> bool {
        self.0 <= CONTRACT
    }

    /// Whether a command that was refused ends twice.
    pub(crate) fn refused_commands_end_twice(&self) -> bool {
        self.0 <= CONTRACT
    }

    /// Whether a rollout says that a turn failed, and why.
    pub(crate) fn files_tell_failures(&self) -> bool {
        self.0 >= 155
    }

    /// Whether events have members that those of 0.131 lack, so that they are looked for.
    pub(crate) fn reports_more(&self) -> bool {
        self.0 >= 135
    }

    /// The members of a group that events of this version have.
    pub(crate) fn members<G: Group>(&self, members: impl FnOnce() -> G) -> Versioned<G> {
        Versioned::of(self.0, members)
    }

    /// The same, of an event that has the group later than others.
    pub(crate) fn members_since<G: Group>(&self, since: u16, members: impl FnOnce() -> G) -> Versioned<G> {
        if self.0 >= since { Versioned::of(self.0, members) } else { Versioned::ABSENT }
    }

    /// The text of a compaction's error, which later versions no longer have.
    pub(crate) fn compaction_error<G: Group>(&self, members: impl FnOnce() -> G) -> Versioned<G> {
        if self.0 < ERROR_KIND_OF_COMPACTIONS { Versioned::of(self.0, members) } else { Versioned::ABSENT }
    }

    /// A skill's repository, which later versions no longer have.
    pub(crate) fn skill_repository<G: Group>(&self, members: impl FnOnce() -> G) -> Versioned<G> {
        if self.0 < 155 { Versioned::of(self.0, members) } else { Versioned::ABSENT }
    }

    /// What `guardian_subagent` is called in events.
    pub(crate) fn guardian(&self) -> ApprovalsReviewer {
        if self.0 >= 139 { ApprovalsReviewer::AutoReview } else { ApprovalsReviewer::GuardianSubagent }
    }

    /// How a server compacts for a user who is signed in without an API key.
    pub(crate) fn remote_compaction(&self) -> CompactionImplementation {
        if self.0 >= 140 {
            CompactionImplementation::ResponsesCompactionV2
        } else {
            CompactionImplementation::ResponsesCompact
        }
    }

    /// Why a context is compacted before a turn of another model.
    pub(crate) fn model_changed(&self) -> CompactionReason {
        if self.0 >= 144 { CompactionReason::CompHashChanged } else { CompactionReason::ModelDownshift }
    }

    /// Whether turns that no client asked for have events: of spawned threads, of goals, of the queue.
    pub(crate) fn reports_turns_of_nobody(&self) -> bool {
        self.0 >= 140
    }

    /// Whether goals have events.
    pub(crate) fn reports_goals(&self) -> bool {
        self.0 >= 140
    }

    /// Whether imports from other agents and plugins that could not be installed have events.
    pub(crate) fn reports_imports(&self) -> bool {
        self.0 >= 142
    }

    /// Whether an agent of the second version is known to have its parent's history, and threads have an originator.
    pub(crate) fn knows_forks_of_agents(&self) -> bool {
        self.0 >= 143
    }

    /// Whether an item that ends after its turn has an event, and a thread that is archived.
    pub(crate) fn reports_late_items(&self) -> bool {
        self.0 >= 148
    }

    /// Whether control tools have events, and count.
    pub(crate) fn reports_control_tools(&self) -> bool {
        self.0 >= 149
    }

    /// Whether a tool of collaboration ran for as long as its item was open, and the news of an agent has an event.
    pub(crate) fn reports_news_of_agents(&self) -> bool {
        self.0 >= 150
    }

    /// Whether `turn/start` has a tier for its turn alone.
    pub(crate) fn has_tiers_of_turns(&self) -> bool {
        self.0 >= 151
    }

    /// Whether the details of a review leave out the program of a part of a command, and the files that are asked for.
    pub(crate) fn says_less_of_reviews(&self) -> bool {
        self.0 >= 159
    }

    /// Whether a thread's parent is named beside its source, and a child without a client has no event.
    pub(crate) fn names_parents(&self) -> bool {
        self.0 >= 159
    }

    /// Whether the events of tools say what began their turn.
    pub(crate) fn says_triggers_of_tools(&self) -> bool {
        self.0 >= 169
    }

    /// Whether turns say that their input was dictated.
    pub(crate) fn reports_dictation(&self) -> bool {
        self.0 >= 171
    }

    /// The dialect where no connection says one.
    pub(crate) fn unknown() -> &'static Self {
        &DIALECTS[(CONTRACT - OLDEST) as usize]
    }
}

/// The first three numbers of a version. A part that is no number counts as 0.
fn numbers(version: &str) -> [u64; 3] {
    let mut numbers = version.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use crate::event::compaction::CompactionError;
    use crate::event::skill::SkillRepository;

    use super::{ApprovalsReviewer, CompactionImplementation, CompactionReason, DIALECTS, Dialect};

    #[test]
    fn versions() {
        for (version, minor) in [
            ("0.131.0", 131),
            ("0.131.9-alpha.1", 131),
            ("0.104.0", 128),
            ("0.129.0", 129),
            ("0.132.0", 132),
            ("0.168.9", 168),
            ("0.171.0", 171),
            ("0.180.0", 171),
            ("1.0.0", 171),
            ("unknown", 131),
        ] {
            assert_eq!(Dialect::of(version), &Dialect(minor), "{version}");
        }
    }

    /// Where each rule begins (`docs/contract/versions.md`).
    #[test]
    fn rules_begin() {
        type Rule = fn(&Dialect) -> bool;
        let last = |rule: Rule| DIALECTS.iter().rfind(|dialect| rule(dialect)).map(|dialect| dialect.0);
        let first = |rule: Rule| DIALECTS.iter().find(|dialect| rule(dialect)).map(|dialect| dialect.0);
        let error = |dialect: &Dialect| dialect.compaction_error(CompactionError::default).get().is_some();
        let repository = |dialect: &Dialect| dialect.skill_repository(SkillRepository::default).get().is_some();
        assert_eq!((last(error), last(repository)), (Some(139), Some(154)));
        let rules: [(Rule, u16); 20] = [
            (Dialect::files_tell_searches, 129),
            (|dialect| !dialect.files_tell_style(), 132),
            (|dialect| !dialect.refused_commands_end_twice(), 132),
            (Dialect::reports_more, 135),
            (|dialect| dialect.guardian() == ApprovalsReviewer::AutoReview, 139),
            (|dialect| dialect.remote_compaction() == CompactionImplementation::ResponsesCompactionV2, 140),
            (Dialect::reports_turns_of_nobody, 140),
            (Dialect::reports_goals, 140),
            (Dialect::reports_imports, 142),
            (Dialect::knows_forks_of_agents, 143),
            (|dialect| dialect.model_changed() == CompactionReason::CompHashChanged, 144),
            (Dialect::reports_late_items, 148),
            (Dialect::reports_control_tools, 149),
            (Dialect::reports_news_of_agents, 150),
            (Dialect::has_tiers_of_turns, 151),
            (Dialect::files_tell_failures, 155),
            (Dialect::says_less_of_reviews, 159),
            (Dialect::names_parents, 159),
            (Dialect::says_triggers_of_tools, 169),
            (Dialect::reports_dictation, 171),
        ];
        for (at, (rule, since)) in rules.into_iter().enumerate() {
            assert_eq!(first(rule), Some(since), "rule {at}");
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
