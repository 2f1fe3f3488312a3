//! Which lines of a change match lines that an agent wrote.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use turnledger_core::digest::Sha2;
use turnledger_git::attribution::{Attributor, EventReader, Report, files_of};
use turnledger_git::repository::{Git, GitError};
use turnledger_intake::kind::Kind;
use turnledger_intake::recording::Source;
use turnledger_intake::session::Session;

use crate::error;
use crate::events::Events;
use crate::options::{digest, options};

/// Where events come from: what was read here, or files and folders of events, recordings and rollouts.
#[derive(FromPyObject)]
pub(crate) enum From {
    Events(Py<Events>),
    Path(PathBuf),
}

/// The report of `turnledger attribute --format json`.
#[pyfunction]
#[pyo3(signature = (events, revisions, *, repo = None, any_repository = false, key = None, strict = true))]
pub(crate) fn attribute<'py>(
    py: Python<'py>,
    events: Vec<From>,
    revisions: &str,
    repo: Option<PathBuf>,
    any_repository: bool,
    key: Option<PyBackedBytes>,
    strict: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let key = key.as_deref();
    let report = py.detach(|| {
        let digest = digest(key)?;
        let git = Git::open(repo.as_deref()).map_err(|error| error::of(&error))?;
        let remotes = Some(git.remote_urls()).filter(|urls| !urls.is_empty() && !any_repository);
        let mut reader = EventReader::new(&digest, remotes.as_deref());
        for from in &events {
            match from {
                From::Events(events) => take("<events>", &mut reader, &mut events.get().lines(), strict)?,
                From::Path(path) => {
                    for file in files_of(path).map_err(|error| error::of(&error))? {
                        read(&file, &mut reader, key, strict)?;
                    }
                }
            }
        }
        let report = report(&git, revisions, digest, reader)?;
        serde_json::to_string(&report).map_err(|error| error::of(&error))
    })?;
    py.import("json")?.call_method1("loads", (report,))
}

/// Takes events. A line that is no event is an error, or is passed over.
fn take(name: &str, reader: &mut EventReader, lines: &mut dyn BufRead, strict: bool) -> PyResult<()> {
    let bad = reader.read(lines).map_err(|error| error::said(format!("cannot read {name}: {error}")))?;
    match bad.first() {
        Some((line, _)) if strict => Err(error::said(format!("{name}:{line}: neither an event nor a request body"))),
        _ => Ok(()),
    }
}

/// Takes the events of a file, or those that it becomes.
fn read(path: &Path, reader: &mut EventReader, key: Option<&[u8]>, strict: bool) -> PyResult<()> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| error::said(format!("cannot read {name}: {error}"));
    let source = Source::File(path.to_owned());
    if !matches!(Kind::of(&source).map_err(unreadable)?, Kind::Recording | Kind::Rollout) {
        return take(&name, reader, &mut source.open(|file| file).map_err(unreadable)?, strict);
    }
    let options = options(None, "stdio", true, key)?;
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut session = Session::open(&name, file, options).map_err(|error| error::of(&error))?;
    while let Some(part) = session.part().map_err(|error| error::of(&error))? {
        take(&name, reader, &mut &part.lines[..], strict)?;
        if let (Some(note), true) = (part.notes.first(), strict) {
            return Err(error::said(note));
        }
    }
    Ok(())
}

fn report(git: &Git, revisions: &str, digest: Sha2, reader: EventReader) -> PyResult<Report> {
    let events = reader.finish();
    if events.is_empty() {
        return Err(error::said("no events to compare with: none tells accepted lines of this repository by this key"));
    }
    let failed = |error: GitError| error::of(&error);
    let steps = git.steps(revisions).map_err(failed)?;
    let mut attributor = Attributor::new(digest, events);
    attributor.follow(git, &steps, |_, _| Ok(())).map_err(failed)?;
    Ok(attributor.report())
}
