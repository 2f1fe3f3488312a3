//! `turnledger store export --format parquet`

use std::collections::HashMap;
use std::path::Path;

use anyhow::bail;
use indicatif::HumanBytes;
use turnledger_archive::{Archive, Filter};
use turnledger_core::UnixMillis;
use turnledger_export::parquet::{Days, Export, Row};

use super::counted;

/// Writes the events of a period, or of a thread in it, below a folder. Returns how many are only for later versions.
pub(super) fn export(
    path: &Path,
    (since, until): (Option<UnixMillis>, Option<UnixMillis>),
    thread: Option<&str>,
    folder: &Path,
) -> anyhow::Result<u64> {
    let archive = Archive::open_read_only(path)?;
    let Some(days) = Days::between(since, until) else {
        bail!("Parquet files are of whole days: give --since and --until as days, such as 2026-11-28");
    };
    if let Some(thread) = thread {
        // A slip of the pen must not empty a folder.
        let mut is_there = false;
        archive.events(&Filter::default().thread(thread.to_owned()), |_| {
            is_there = true;
            false
        })?;
        if !is_there {
            bail!("{}: no event of the thread {thread}", path.display());
        }
    }
    let origins: HashMap<_, _> = archive.origins()?.into_iter().map(|origin| (origin.id, origin)).collect();
    let mut export = Export::begin(folder, days)?;
    let mut added = Ok(());
    let filter = Filter::default().since(since).until(until).thread(thread.map(ToOwned::to_owned));
    let passed_over = archive.events(&filter, |stored| {
        let event = stored.event.to_json();
        let origin = origins.get(&stored.origin);
        let row = Row::new(&event)
            .at(stored.at)
            .session_id(stored.session_id.as_deref())
            .repo_hash(stored.repo_hash.as_deref())
            .person(origin.map(|origin| &*origin.person))
            .team(origin.and_then(|origin| origin.team.as_deref()));
        added = export.add(&row);
        added.is_ok()
    })?;
    added?;
    let exported = export.finish()?;
    let (events, days) = (counted(exported.events, "event"), counted(exported.days, "day"));
    eprintln!("{}: {events} of {days}, {}", folder.display(), HumanBytes(exported.bytes));
    Ok(passed_over)
}
