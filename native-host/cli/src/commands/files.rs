//! The files that commands are given: named, or in folders; each is what its content says.

use std::io::{self, Read, Seek};
use std::path::Path;

use anyhow::{Context, bail};
use turnledger::Sha2;
use turnledger::ledger::Answers;
use turnledger_git::Answerer;
use turnledger_git::attribution::{EventsError, files_of};
use turnledger_intake::import::{self, Memory, Rollouts, Watch};
use turnledger_intake::kind::Kind;
use turnledger_intake::recording::Source;
use turnledger_intake::replay::{self, replay};

/// The recordings at `paths`: those that are named, and those in folders. A file that is something else is an error, which
/// says what it is, and which command reads it.
pub(super) fn recordings(paths: &[impl AsRef<Path>]) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in paths.iter().map(AsRef::as_ref) {
        let source = Source::from_argument(path);
        if source == Source::Stdin {
            sources.push(source);
        } else if path.is_dir() {
            let found = match files_of(path) {
                Err(EventsError::NoFiles(_)) => Vec::new(),
                found => found?,
            };
            let found = found.into_iter().map(Source::File);
            let known = sources.len();
            sources.extend(found.filter(|source| Kind::of(source).is_ok_and(|kind| kind == Kind::Recording)));
            if sources.len() == known {
                bail!("{}: no file of this folder is a recording", path.display());
            }
        } else {
            let kind = Kind::of(&source).with_context(|| format!("cannot read {}", path.display()))?;
            if let (true, Some(hint)) = (kind != Kind::Recording, kind.hint()) {
                bail!("{}: {kind}, no recording: {hint}", path.display());
            }
            sources.push(source);
        }
    }
    if sources.iter().filter(|source| **source == Source::Stdin).count() > 1 {
        bail!("standard input (`-`) can be read only once");
    }
    Ok(sources)
}

/// Opens events: those of a file, or those that a recording or a rollout becomes.
pub(super) fn open_events(path: &Path, digest: &Sha2) -> anyhow::Result<Box<dyn io::BufRead + Send>> {
    let source = Source::File(path.to_owned());
    let unreadable = || format!("cannot read {}", path.display());
    let mut made = match Kind::of(&source).with_context(unreadable)? {
        Kind::Recording => {
            let mut events = tempfile::tempfile().context("cannot make a temporary file")?;
            let options = replay::Options::default().digest(digest.clone()).answers(Some(answerer as fn() -> _));
            replay(&[source], &options, &|reader: Box<dyn Read + Send>| reader, &mut events, &mut |note| {
                eprintln!("{note}");
            })?;
            events
        }
        Kind::Rollout => {
            let mut events = tempfile::tempfile().context("cannot make a temporary file")?;
            let (options, mut memory) = (import::Options::default().digest(digest.clone()), Memory::default());
            let rollouts = Rollouts::find(&[path.to_owned()], &options, &memory)?;
            import::import(&rollouts, &options, &mut memory, &mut events, &mut Notes)?;
            events
        }
        _ => return source.open(|file| file).with_context(unreadable),
    };
    made.rewind().context("cannot read a temporary file")?;
    Ok(Box::new(io::BufReader::new(made)))
}

/// What asks Git about the folders of a recording that are on this machine.
pub(super) fn answerer() -> Box<dyn Answers> {
    Box::new(Answerer::default())
}

struct Notes;

impl Watch for Notes {
    fn note(&mut self, text: &str) {
        eprintln!("{text}");
    }

    fn read(&mut self, _: u64) {}
}
