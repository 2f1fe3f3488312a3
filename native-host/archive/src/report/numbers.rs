//! The numbers of a report: one list, from which every form of it is made.

use std::fmt;

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// Things.
    Count,
    /// Tokens of a model.
    Tokens,
    /// Lines of files.
    Lines,
    /// Milliseconds.
    Milliseconds,
    /// A part of a whole, from 0 to 1.
    Share,
    /// US dollars.
    Dollars,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Count => "count",
            Self::Tokens => "tokens",
            Self::Lines => "lines",
            Self::Milliseconds => "milliseconds",
            Self::Share => "share, from 0 to 1",
            Self::Dollars => "US dollars",
        })
    }
}

/// What a number is about; its rows by model, tool and so on have those numbers that their events tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// Threads and sessions.
    Sessions,
    /// Turns and what they used.
    Turns,
    /// Calls of tools.
    Calls,
    /// Decisions about approvals.
    Approvals,
    /// Everything else.
    Others,
}

/// Who does not tell a number's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Untold {
    /// Every event that there is tells.
    Nobody,
    /// Some events do not say this number.
    Events,
    /// The files that Codex writes have no such events.
    Files,
}

/// A number's value.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Amount {
    /// Of things, tokens, lines or milliseconds.
    Whole(u64),
    /// A share, or dollars.
    Real(f64),
}

impl Amount {
    /// The value of things that can be counted; `None` for a share and for dollars.
    pub const fn whole(self) -> Option<u64> {
        match self {
            Self::Whole(whole) => Some(whole),
            Self::Real(_) => None,
        }
    }

    /// The value, to be drawn or divided.
    #[expect(clippy::cast_precision_loss, reason = "nobody sees the difference")]
    pub const fn real(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Real(real) => real,
        }
    }
}

/// What a number leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// How many do not tell the number. A count; never 0.
    pub unknown: u64,
    /// Of how many.
    pub of: u64,
    /// Of what, in the plural: `turns`, `calls`, `reviews` or `sessions`.
    pub what: &'static str,
}

impl fmt::Display for Gap {
    /// `9 of 318 turns do not say`, or `30 of 42 sessions do not tell`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { unknown, of, what } = self;
        if *what == "sessions" {
            write!(f, "{unknown} of {of} sessions do not tell")
        } else {
            write!(f, "{unknown} of {of} {what} do not say")
        }
    }
}

struct Info {
    id: &'static str,
    label: &'static str,
    unit: Unit,
    subject: Subject,
    untold: Untold,
    definition: &'static str,
    why: Option<&'static str>,
}

macro_rules! numbers {
    ($($name:ident = $id:literal, $label:literal, $unit:ident, $subject:ident, $untold:ident, $definition:literal
        $(, $because:literal)?;)+) => {
        /// A number of a report.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Number { $(#[doc = $definition] $name,)+ }

        impl Number {
            /// All of them, in the order in which a report has them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            const fn info(self) -> &'static Info {
                match self {
                    $(Self::$name => &Info {
                        id: $id, label: $label, unit: Unit::$unit, subject: Subject::$subject, untold: Untold::$untold,
                        definition: $definition, why: numbers!(@why $($because)?),
                    },)+
                }
            }
        }
    };
    (@why) => { None };
    (@why $because:literal) => { Some($because) };
}

numbers! {
    Sessions = "sessions", "Sessions", Count, Sessions, Nobody,
        "Threads that a person or a program started, each with the threads that its agents started, of which anything happened.";
    Threads = "threads", "Threads", Count, Sessions, Nobody,
        "Threads of which anything happened, those that agents started among them.";
    SessionsOfFiles = "sessions_of_files", "Of files alone", Count, Sessions, Nobody,
        "Sessions that only the files tell which Codex writes: they say nothing of approvals, hooks, skills and refused steers.";
    Turns = "turns", "Turns", Count, Turns, Nobody,
        "Turns that ended, those of agents' threads among them. A turn that still runs is in no number of turns.";
    TurnsCompleted = "turns_completed", "Completed", Count, Turns, Nobody, "Turns that ended by themselves.";
    TurnsFailed = "turns_failed", "Failed", Count, Turns, Events,
        "Turns that failed, also those that failed before any request to a model. Where the server gave a turn no settings, \
         the turn has no event.",
        "A turn whose file ends before the turn does says nothing of how it ended.";
    TurnsInterrupted = "turns_interrupted", "Interrupts", Count, Turns, Events, "Turns that somebody interrupted.",
        "A turn whose file ends before the turn does says nothing of how it ended.";
    TurnTime = "turn_time_ms", "Time in turns", Milliseconds, Turns, Events,
        "How long the turns took, added up: waiting for approvals counts, and turns that ran at the same time count each.",
        "A turn whose server or file does not say how long it took adds nothing.";
    Tokens = "tokens", "Tokens", Tokens, Turns, Events,
        "Input and output of the turns. A turn counts if it says both.",
        "An interrupted turn, and one that failed at once, may say no tokens.";
    InputTokens = "input_tokens", "Input", Tokens, Turns, Events,
        "What the model read, with what was cached.",
        "An interrupted turn, and one that failed at once, may say no tokens.";
    CachedTokens = "cached_input_tokens", "Cached input", Tokens, Turns, Events,
        "The part of the input that was cached.",
        "An interrupted turn, and one that failed at once, may say no tokens.";
    OutputTokens = "output_tokens", "Output", Tokens, Turns, Events,
        "What the model wrote, with its reasoning.",
        "An interrupted turn, and one that failed at once, may say no tokens.";
    ReasoningTokens = "reasoning_output_tokens", "Reasoning", Tokens, Turns, Events,
        "The part of the output that is reasoning.",
        "An interrupted turn, and one that failed at once, may say no tokens.";
    Cost = "cost_usd", "Cost", Dollars, Turns, Events,
        "Tokens of the turns at the prices of the table that is given: input that was not cached, cached input, and output. \
         Without a table it is unknown. Cached input of a model without a price for it costs as much as other input.",
        "A turn without tokens, or of a model without a price, adds nothing; higher prices for large requests or for a tier \
         of service are not applied, since events do not say how large a request was.";
    Calls = "calls", "Tool calls", Count, Calls, Nobody,
        "Calls of tools that ended: commands, patches, MCP tools, clients' tools, agents, searches, images, plans.";
    CallsFailed = "calls_failed", "Failed calls", Count, Calls, Nobody, "Calls that failed: the tool said so.";
    CallsRejected = "calls_rejected", "Refused calls", Count, Calls, Nobody, "Calls that were not allowed.";
    CallsInterrupted = "calls_interrupted", "Interrupted calls", Count, Calls, Nobody, "Calls that were interrupted.";
    CallFailureRate = "call_failure_rate", "Failure rate", Share, Calls, Nobody,
        "Calls that failed, as a part of all calls. Null without calls.";
    CallTime = "call_time_ms", "Time in calls", Milliseconds, Calls, Events,
        "How long the calls took, added up: waiting for approvals counts.",
        "A call whose end or beginning is not known adds nothing.";
    Approvals = "approvals", "Approvals", Count, Approvals, Files,
        "Approvals that a person was asked for, however that ended.", "Codex's files have no approvals.";
    ApprovalsRefused = "approvals_refused", "Refused", Count, Approvals, Files, "Those of them that the person refused.",
        "Codex's files have no approvals.";
    ApprovalsAborted = "approvals_aborted", "Aborted", Count, Approvals, Files,
        "Those of them that were cancelled, or whose turn ended first.", "Codex's files have no approvals.";
    WaitMedian = "approval_wait_median_ms", "Wait, median", Milliseconds, Approvals, Files,
        "How long a person's approval was waited for: half of them took this long at most (nearest rank). Null without any.";
    WaitP95 = "approval_wait_p95_ms", "Wait, 95 %", Milliseconds, Approvals, Files,
        "How long a person's approval was waited for: 95 of 100 took this long at most (nearest rank). Null without any.";
    WaitTime = "approval_wait_ms", "Time waited", Milliseconds, Approvals, Files,
        "How long approvals of a person were waited for, added up.", "Codex's files have no approvals.";
    AutomaticReviews = "automatic_reviews", "Automatic reviews", Count, Approvals, Files,
        "Approvals that the automatic reviewer was asked for.", "Codex's files have no approvals.";
    AutomaticRefused = "automatic_reviews_refused", "Refused", Count, Approvals, Files,
        "Those of them that the automatic reviewer refused.", "Codex's files have no approvals.";
    AutomaticTokens = "automatic_review_tokens", "Reviewer's tokens", Tokens, Approvals, Files,
        "Input and output of the automatic reviews, which are in no turn's tokens.", "Codex's files have no approvals.";
    Steers = "steers", "Steers", Count, Others, Nobody, "Further input that a running turn took.";
    SteersRejected = "steers_rejected", "Refused steers", Count, Others, Files, "Further input that no turn took.",
        "Codex's files have no refused steers.";
    Compactions = "compactions", "Compactions", Count, Others, Nobody, "Compactions of a thread's context, however they ended.";
    CompactionsFailed = "compactions_failed", "Failed compactions", Count, Others, Nobody,
        "Compactions that failed. Codex's files have them from 0.145 on.";
    Hooks = "hooks", "Hooks", Count, Others, Files, "Runs of hooks.", "Codex's files have no hooks.";
    HooksFailed = "hooks_failed", "Failed hooks", Count, Others, Files, "Runs of hooks that failed, or had not ended.",
        "Codex's files have no hooks.";
    HooksBlocked = "hooks_blocked", "Blocking hooks", Count, Others, Files,
        "Runs of hooks that blocked what they were asked about, or stopped the turn.", "Codex's files have no hooks.";
    Skills = "skills", "Skills", Count, Others, Files, "Uses of skills.", "Codex's files have no uses of skills.";
    AddedLines = "added_lines", "Lines added", Lines, Others, Nobody, "Accepted lines: those that the turns' diffs add.";
    DeletedLines = "deleted_lines", "Lines deleted", Lines, Others, Nobody, "Lines that the turns' diffs delete.";
}

impl Number {
    /// The number's name in JSON and CSV, with its unit where it has one. It stays as it is.
    pub const fn id(self) -> &'static str {
        self.info().id
    }

    /// The number's name for people.
    pub const fn label(self) -> &'static str {
        self.info().label
    }

    /// What it counts.
    pub const fn unit(self) -> Unit {
        self.info().unit
    }

    /// What it is about.
    pub const fn subject(self) -> Subject {
        self.info().subject
    }

    /// What it is, in a sentence.
    pub const fn definition(self) -> &'static str {
        self.info().definition
    }

    /// Why it is a lower bound if it has a [`Gap`]; `None` if it is never one.
    pub const fn lower_bound(self) -> Option<&'static str> {
        self.info().why
    }

    pub(crate) const fn untold(self) -> Untold {
        self.info().untold
    }

    /// Whether that of a whole is the sum of those of its parts. A session may be in several parts, and a median or a rate
    /// is no sum.
    pub const fn is_additive(self) -> bool {
        !matches!(
            self,
            Self::Sessions
                | Self::Threads
                | Self::SessionsOfFiles
                | Self::CallFailureRate
                | Self::WaitMedian
                | Self::WaitP95
        )
    }

    /// The number with this id.
    pub fn of_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|number| number.id() == id)
    }
}
