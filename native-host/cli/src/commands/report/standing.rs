//! How many of a period's accepted lines are still in a repository.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use turnledger_archive::report::Query;
use turnledger_archive::{Archive, Filter};
use turnledger_core::digest::Scheme;
use turnledger_git::attribution::{EventReader, Standing};
use turnledger_git::repository::Git;

use super::render::{count, percent, share};
use crate::commands::counted;
use crate::settings::Settings;

/// How many of a period's accepted lines are in the repository's latest commit.
#[derive(Debug, Serialize)]
pub(super) struct StillThere {
    /// Lines that could be compared: those with a hash of this scheme, of more than three bytes, with a word character.
    accepted_lines: u64,
    lines_in_their_file: u64,
    lines_in_another_file: u64,
    /// Files of the commit that are not text, or very large.
    files_not_read: u64,
    /// Events of accepted lines that another algorithm or key hashed, by scheme.
    events_of_another_scheme: BTreeMap<Scheme, u64>,
    /// Events of accepted lines that have no hashes.
    events_without_hashes: u64,
    /// Events that do not name their repository: compared all the same.
    events_without_repository: u64,
}

impl StillThere {
    pub(super) fn of(folder: &Path, archive: &Archive, query: &Query, settings: &Settings) -> anyhow::Result<Self> {
        let (git, digest) = (Git::open(Some(folder))?, settings.digest()?);
        let mut reader = EventReader::new(&digest, Some(&git.remote_urls()));
        let accepted = Filter::default().since(query.since).until(query.until).thread(query.thread.clone());
        archive.events(&accepted.event_type("codex_accepted_line_fingerprints"), |stored| {
            reader.take(stored.event);
            true
        })?;
        let events = reader.finish();
        let events_of_another_scheme = events.skipped.other_scheme.clone();
        let (without_hashes, without_repository) = (events.without_lines, events.unknown_repository);
        let standing = Standing::of(&git, digest, events)?;
        Ok(Self {
            accepted_lines: standing.accepted,
            lines_in_their_file: standing.here,
            lines_in_another_file: standing.moved,
            files_not_read: standing.unread_files,
            events_of_another_scheme,
            events_without_hashes: without_hashes,
            events_without_repository: without_repository,
        })
    }

    /// For people.
    pub(super) fn sentences(&self) -> Vec<String> {
        let standing = self.lines_in_their_file + self.lines_in_another_file;
        let part = share(Some(standing), Some(self.accepted_lines)).map(|part| format!(" ({})", percent(part)));
        let elsewhere = match self.lines_in_another_file {
            0 => String::new(),
            moved => format!(", {} of them in another file", count(moved)),
        };
        let mut sentences = vec![format!(
            "Of {} accepted lines that can be compared, {} still stand in the latest commit{}{elsewhere}.",
            count(self.accepted_lines),
            count(standing),
            part.unwrap_or_default(),
        )];
        let accepted = |events| format!("{} of accepted lines", counted(events, "event"));
        for (scheme, events) in &self.events_of_another_scheme {
            sentences.push(format!(
                "Not compared: {}, hashed by {scheme}; `--key-file` names the file with another key.",
                accepted(*events)
            ));
        }
        if self.events_without_hashes > 0 {
            sentences.push(format!("Not compared: {} without hashes.", accepted(self.events_without_hashes)));
        }
        if self.events_without_repository > 0 {
            let events = accepted(self.events_without_repository);
            sentences.push(format!("Compared although the repository is not named: {events}."));
        }
        if self.files_not_read > 0 {
            let files = counted(self.files_not_read, "file");
            sentences.push(format!("Not read, since they are binary or very large: {files} of the commit."));
        }
        sentences
    }
}
