//! How near our events come to those that a version uploaded, over all its recordings.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::protocol;
use super::vocabulary::{Changes, Names, Vocabulary};
use crate::compare::{Comparison, Row};
use crate::golden::{Recording, Sha1, recordings_in, replay, values};

/// The recordings of a version beside our events.
#[derive(Debug)]
pub struct Parity {
    /// The version.
    pub version: String,
    /// Its recordings.
    pub recordings: Vec<Recording>,
    /// How they compare.
    pub comparison: Comparison,
    /// How many messages there are.
    pub messages: usize,
    /// How many events we make of them.
    pub made: usize,
    /// What yielded no event, why, and how often.
    pub discards: BTreeMap<String, usize>,
    /// The types of its protocol.
    pub protocol: Names,
}

impl Parity {
    /// The parity of the recordings in a folder of a version's name; `None` if there are none.
    pub fn of(folder: &Path) -> Option<Self> {
        let version = folder.file_name()?.to_string_lossy().into_owned();
        let recordings = if folder.is_dir() { recordings_in(folder) } else { Vec::new() };
        if recordings.is_empty() {
            return None;
        }
        let comparison = Comparison::default();
        let protocol = protocol::read(folder);
        let mut parity = Self {
            version,
            recordings: Vec::new(),
            comparison,
            messages: 0,
            made: 0,
            discards: BTreeMap::new(),
            protocol,
        };
        for recording in &recordings {
            let messages = recording.messages();
            let output = replay(Sha1, &messages);
            let ours = values(&output.events);
            parity.messages += messages.len();
            parity.made += ours.len();
            for discard in &output.discards {
                *parity.discards.entry(format!("{}: {}", discard.subject, discard.reason)).or_default() += 1;
            }
            parity.comparison.add(&recording.name, &recording.traffic, &ours, &recording.uploaded);
        }
        parity.recordings = recordings;
        Some(parity)
    }

    /// What this version says that an earlier one did not, and the other way round; over the scenarios that both have.
    pub fn changes(&self, earlier: &Self) -> Changes {
        let common = |these: &Self, others: &Self| {
            let has = |name: &str| others.recordings.iter().any(|recording| recording.name == name);
            let said = Vocabulary::of(these.recordings.iter().filter(|recording| has(&recording.name)));
            Vocabulary { protocol: these.protocol.clone(), ..said }
        };
        common(self, earlier).changes(&common(earlier, self))
    }

    /// How many members of the events that both have are in the real ones alone, and in ours alone.
    pub fn members(&self) -> [usize; 2] {
        [0, 1].map(|only| self.comparison.members[only].len())
    }
}

/// Two versions side by side: the earlier one, and the one that is looked at.
#[derive(Debug)]
pub struct Beside<'p>(pub Option<&'p Parity>, pub &'p Parity);

impl fmt::Display for Beside<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(earlier, now) = *self;
        let sides: Vec<_> = earlier.into_iter().chain([now]).collect();
        let mut names: Vec<_> = sides.iter().flat_map(|side| side.comparison.rows.keys()).collect();
        names.sort();
        names.dedup();
        write!(formatter, "{:<48}", "")?;
        for side in &sides {
            write!(formatter, " | {:<34}", format!("Codex {}", side.version))?;
        }
        write!(formatter, "\n{:<48}", "event type")?;
        for _ in &sides {
            write!(formatter, " | {:>9} {:>6} {:>17}", "events", "extra", "equal fields")?;
        }
        writeln!(formatter)?;
        let row = |formatter: &mut fmt::Formatter<'_>, name: &str, of: &dyn Fn(&Parity) -> Option<Row>| {
            write!(formatter, "{name:<48}")?;
            for side in &sides {
                match of(side) {
                    Some(row) => {
                        let events = format!("{}/{}", row.matched, row.real);
                        let fields = format!("{}/{}", row.equal, row.compared);
                        write!(formatter, " | {events:>9} {:>6} {fields:>17}", row.extra)?;
                    }
                    None => write!(formatter, " | {:>34}", "–")?,
                }
            }
            writeln!(formatter)
        };
        for name in names {
            row(formatter, name, &|side| side.comparison.rows.get(name).copied())?;
        }
        row(formatter, "all", &|side| Some(side.comparison.total()))?;
        for (what, members) in
            [("only in the real events", &now.comparison.members[0]), ("only in ours", &now.comparison.members[1])]
        {
            if !members.is_empty() {
                writeln!(formatter, "members {what}:")?;
            }
            for of_one in members.iter().collect::<Vec<_>>().chunk_by(|one, other| one.0 == other.0) {
                let names: Vec<_> = of_one.iter().map(|(_, member)| member.as_str()).collect();
                writeln!(formatter, "  {}: {}", of_one[0].0, names.join(", "))?;
            }
        }
        for (what, count) in &now.discards {
            writeln!(formatter, "no event: {count} {what}")?;
        }
        // Of types that the version does not upload the table says enough.
        let unknown: Vec<_> =
            now.comparison.rows.iter().filter(|(_, row)| row.real == 0).map(|(name, _)| format!(": {name} ")).collect();
        let tells = |difference: &&String| !unknown.iter().any(|name| difference.contains(name));
        for difference in now.comparison.differences.iter().filter(tells) {
            writeln!(formatter, "{difference}")?;
        }
        if let Some(earlier) = earlier {
            let changes = now.changes(earlier).to_string();
            let changes = if changes.is_empty() { "no change\n" } else { &changes };
            write!(formatter, "\nCodex {} after {}\n{changes}", now.version, earlier.version)?;
        }
        Ok(())
    }
}
