//! Looking at a log, and acting on what it keeps.

use std::collections::BTreeMap;

use turnledger_core::UnixMillis;

use super::file::Texts;
use super::record::Record;
use super::{Log, SpoolError, sorted};
use crate::delivery::account::AccountKey;
use crate::store::{Clear, Listed, SpoolStatus, State};

impl Log {
    pub(in crate::store) fn status(&mut self) -> Result<SpoolStatus, SpoolError> {
        self.locked(|files| {
            let mut refused: BTreeMap<u16, u64> = BTreeMap::new();
            let mut accounts: BTreeMap<AccountKey, u64> = BTreeMap::new();
            let mut span: Option<(UnixMillis, UnixMillis)> = None;
            let mut in_batches = 0;
            for entry in files.state.events.values() {
                if let Some(status) = files.state.refused_with(entry) {
                    *refused.entry(status).or_default() += 1;
                    continue;
                }
                in_batches += u64::from(entry.batch != 0);
                *accounts.entry(entry.account).or_default() += 1;
                let (oldest, newest) = span.unwrap_or((entry.at, entry.at));
                span = Some((oldest.min(entry.at), newest.max(entry.at)));
            }
            Ok(SpoolStatus { waiting: files.state.waiting, in_batches, span, refused, accounts })
        })
    }

    pub(in crate::store) fn list(&self, mut see: impl FnMut(Listed) -> bool) -> Result<(), SpoolError> {
        let (log, entries) = self.locked(|files| {
            let entries = files.state.events.iter().map(|(number, entry)| {
                let state = match files.state.refused_with(entry) {
                    Some(status) => State::Refused { status },
                    None if entry.batch == 0 => State::Waiting,
                    None => State::InBatch,
                };
                (*number, *entry, state)
            });
            Ok((files.log()?, entries.collect::<Vec<_>>()))
        })?;
        // Whoever sees them may take their time: nobody waits for that.
        let mut texts = Texts::of(&log);
        for (number, entry, state) in entries {
            let json = texts.read(number, &entry).map_err(|source| self.error(source))?;
            // What is damaged is found when it is to be sent.
            let Some(json) = json else { continue };
            if !see(Listed { number, at: entry.at, state, json }) {
                break;
            }
        }
        Ok(())
    }

    pub(in crate::store) fn clear(&mut self, what: Clear) -> Result<u64, SpoolError> {
        self.change(true, |change| {
            let state = &change.files.state;
            let goes = state.events.iter().filter(|(_, entry)| match what {
                Clear::Refused => state.refused_with(entry).is_some(),
                Clear::Everything => true,
            });
            let numbers: Vec<u64> = goes.map(|(number, _)| *number).collect();
            let cleared = numbers.len() as u64;
            change.remove(numbers)?;
            Ok(cleared)
        })
    }

    pub(in crate::store) fn retry_refused(&mut self) -> Result<u64, SpoolError> {
        self.change(true, |change| {
            let state = &change.files.state;
            let refused = state.batches.values().filter(|held| held.record.refused_with.is_some());
            let batches = sorted(refused.map(|held| held.record.number).collect());
            let before = state.waiting.events;
            for batch in batches {
                change.put(&Record::Dissolved { batch })?;
            }
            Ok(change.files.state.waiting.events - before)
        })
    }

    pub(in crate::store) fn shrink(&self) -> Result<(), SpoolError> {
        self.locked(super::file::Files::compact)
    }

    fn error(&self, source: std::io::Error) -> SpoolError {
        SpoolError::File { path: self.path.clone(), source }
    }
}
