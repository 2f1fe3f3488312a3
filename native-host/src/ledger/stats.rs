//! What a ledger counts, and what it reports.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use turnledger_core::Stats;
use turnledger_core::delivery::Hold;

use crate::store::{Damage, Waiting};

/// How much went through a ledger, and what is still there.
///
/// Every event that the core made is in exactly one of: delivered, waiting, refused, evicted, vetoed, without account,
/// not for the backend, or on its way through a hook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LedgerStats {
    /// What the core counted: facts, events, discards by reason.
    pub core: Stats,
    /// Facts and messages in the queue now.
    pub queued: u64,
    /// Facts and messages that were dropped because the queue was full.
    pub dropped: u64,
    /// Facts and messages that came after the end.
    pub late: u64,
    /// Irrelevant messages and repeated uses, which were not queued.
    pub filtered: u64,
    /// Events that `before_send` held back, and events that were held back because it panicked or was too slow.
    pub vetoed: u64,
    /// Events that were dropped because there is neither a server nor a spool.
    pub unkept: u64,
    /// Events that the [policy](super::LedgerBuilder::policy) withholds.
    pub withheld: u64,
    /// Events that were dropped because nobody was logged in when they were made.
    pub no_account: u64,
    /// Events that were not sent because the user's login (an API key) does not use the backend.
    pub not_backend: u64,
    /// Events that the server took.
    pub delivered: u64,
    /// Events that were dropped because too much waited, or for too long.
    pub evicted: u64,
    /// Events that wait, with their bytes, and events that the server refused: on disk and in memory, including those
    /// of other processes that share the spool.
    pub waiting: Waiting,
    /// Of those, the events that are only in this process's memory.
    pub in_memory: Waiting,
    /// Events that the server refused for good, by status.
    pub refused: BTreeMap<u16, u64>,
    /// Why delivery is held up, if it is.
    pub held: Option<Hold>,
    /// Requests that the server took.
    pub requests_delivered: u64,
    /// Requests that failed and are tried again.
    pub requests_failed: u64,
    /// Requests that the server refused for good.
    pub requests_refused: u64,
    /// Bytes of bodies that the server took, before compression.
    pub bytes_delivered: u64,
    /// What is wrong with the spool now, if anything: events wait in memory meanwhile.
    pub spool_problem: Option<String>,
    /// What could not be read in the spool. How many events that was is not known: they are in none of the other counts.
    pub spool_damage: Damage,
    /// Panics of the host's own code that were caught: of hooks, of the provider of credentials.
    pub panics: u64,
}

/// Something that a person should know, reported when it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// Delivery is held up. Nothing is lost by that.
    Held {
        /// Why.
        hold: Hold,
        /// The network's error, if there was one.
        problem: Option<String>,
    },
    /// The server refused events for good.
    Refused {
        /// The status.
        status: u16,
        /// How many.
        events: u64,
    },
    /// The spool cannot be used: events wait in memory, and the disk is tried again.
    Spool {
        /// What is wrong.
        problem: String,
        /// Whether the file is damaged, and stays so until it is set aside.
        is_damaged: bool,
    },
    /// A part of the spool cannot be read and was set aside. The events around it are kept, and the spool is in use.
    SpoolDamage {
        /// How much.
        damage: Damage,
        /// The spool's folder; its file `damaged` has what could not be read.
        spool: PathBuf,
    },
    /// The spool can be used again, and has what waited in memory.
    SpoolIsBack,
    /// The host's own code panicked.
    Panicked {
        /// Which: the name of the hook or the provider.
        what: &'static str,
    },
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { hold, problem } => {
                write!(formatter, "{hold}")?;
                if let Some(problem) = problem {
                    write!(formatter, " ({problem})")?;
                }
                let advice = match hold {
                    Hold::Address { .. } => "; check the URL and the account; events wait",
                    Hold::Credentials { .. } => "; check the credentials; events wait",
                    _ => "; events wait and are sent later",
                };
                formatter.write_str(advice)
            }
            Self::Refused { status, events } => {
                let (s, are) = if *events == 1 { ("", "is") } else { ("s", "are") };
                write!(formatter, "the server refused {events} event{s} for good (status {status}); they {are} kept")
            }
            Self::Spool { problem, is_damaged } => {
                write!(formatter, "{problem}; events wait in memory")?;
                let advice = if *is_damaged {
                    "; `turnledger spool set-aside` renames it, and a new one takes its place"
                } else {
                    ""
                };
                formatter.write_str(advice)
            }
            Self::SpoolDamage { damage, spool } => write!(formatter, "{}: {damage}", spool.display()),
            Self::SpoolIsBack => formatter.write_str("the spool works again and has the events that waited in memory"),
            Self::Panicked { what } => write!(formatter, "{what} panicked"),
        }
    }
}

/// What came of a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flushed {
    /// The ledger does nothing.
    Nothing,
    /// Everything is reduced and stored. Some events were delivered by this flush, others wait.
    Stored {
        /// Events that were delivered meanwhile.
        delivered: u64,
        /// Events that still wait. [`LedgerStats::in_memory`] says how many of them are lost with the process.
        waiting: u64,
    },
    /// There was not enough time to reduce and store everything.
    TimedOut,
    /// The ledger had ended before.
    Ended,
}

impl Flushed {
    /// Whether everything is reduced and stored.
    pub const fn is_complete(self) -> bool {
        matches!(self, Self::Stored { .. })
    }
}
