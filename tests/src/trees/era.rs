//! What the files of an age say, and how.

use std::fmt;

/// An age of Codex, as far as its files tell it from others.
#[derive(PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "what is in a file, or is not")]
pub struct Era {
    /// A version of it.
    pub version: &'static str,
    /// Whether a fork says whose it is.
    pub names_forks: bool,
    /// Whether an event says that the history was compacted.
    pub tells_compactions: bool,
    /// Whether turns have ids.
    pub has_ids: bool,
    /// Whether the turns of agents are reported.
    pub reports_agents: bool,
    /// Whether lines have numbers, finished items have lines, and forks name their history.
    pub is_paginated: bool,
    /// Whether each response says what it used.
    pub has_records: bool,
}

const OLDEST: Era = Era {
    version: "0.50.0",
    names_forks: false,
    tells_compactions: false,
    has_ids: false,
    reports_agents: false,
    is_paginated: false,
    has_records: false,
};

/// The ages.
pub static ERAS: [Era; 7] = [
    OLDEST,
    Era { version: "0.77.0", tells_compactions: true, ..OLDEST },
    Era { version: "0.95.0", tells_compactions: true, names_forks: true, ..OLDEST },
    Era { version: "0.131.0", tells_compactions: true, names_forks: true, has_ids: true, ..OLDEST },
    Era {
        version: "0.142.0",
        tells_compactions: true,
        names_forks: true,
        has_ids: true,
        reports_agents: true,
        ..OLDEST
    },
    Era { version: "0.153.0", names_forks: true, has_ids: true, reports_agents: true, is_paginated: true, ..OLDEST },
    Era {
        version: "0.171.0",
        names_forks: true,
        has_ids: true,
        reports_agents: true,
        is_paginated: true,
        has_records: true,
        ..OLDEST
    },
];

impl fmt::Debug for Era {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.version)
    }
}

/// A time as files write it. It is of a day of 2026 that is not before the trees begin.
pub(crate) fn time(at: u64) -> String {
    let (days, millis) = (at / 86_400_000, at % 86_400_000);
    // Days since 2026-11-01.
    let (mut year, mut month, mut day) = (2026, 11, days - 20_758);
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    while day >= lengths[month - 1] {
        day -= lengths[month - 1];
        month += 1;
        if month > 12 {
            (year, month) = (year + 1, 1);
        }
    }
    let (seconds, millis) = (millis / 1000, millis % 1000);
    format!(
        "{year}-{month:02}-{:02}T{:02}:{:02}:{:02}.{millis:03}Z",
        day + 1,
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}
