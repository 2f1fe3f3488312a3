//! Where events go, and what went there before.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{self, Path, PathBuf};

use anyhow::{Context, bail};
use turnledger::Sha2;
use turnledger_archive::Archive;
use turnledger_core::{Digest, DigestValue};
use turnledger_intake::import::{Lock, Memory};

use super::Args;
use crate::commands::keeping::Keeping;
use crate::settings::Settings;

/// Where the events of an import go.
pub(super) struct Place {
    pub(super) memory: Memory,
    pub(super) keeper: Keeper,
    output: Option<Output>,
    kept: Option<Keeping>,
    /// How long the output was, if this import adds to it.
    length: Option<u64>,
    _lock: Option<Lock>,
}

/// Where events are written.
#[derive(Clone)]
enum Output {
    Stdout,
    File(PathBuf),
}

impl Output {
    fn of(path: &Path) -> Self {
        if path == Path::new("-") { Self::Stdout } else { Self::File(path.to_owned()) }
    }

    fn file(&self) -> Option<&Path> {
        match self {
            Self::Stdout => None,
            Self::File(path) => Some(path),
        }
    }
}

/// Takes events, one a line: writes them, keeps them, or both.
pub(super) struct Lines {
    written: Option<Box<dyn Write>>,
    kept: Option<Keeping>,
}

impl Lines {
    /// What became of those that are kept.
    pub(super) fn kept(&self) -> Option<&Keeping> {
        self.kept.as_ref()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(written) = &mut self.written {
            written.write_all(bytes)?;
        }
        if let Some(kept) = &mut self.kept {
            kept.write_all(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.written.as_mut().map_or(Ok(()), Write::flush)?;
        self.kept.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// Keeps a memory in its file, if it is kept at all.
pub(super) struct Keeper {
    path: Option<PathBuf>,
    output: Option<PathBuf>,
    has_complained: bool,
}

impl Place {
    /// The place that `args` name, with its memory. `store` is the file in which the events are kept, if they are.
    pub(super) fn of(
        args: &Args,
        paths: &[PathBuf],
        repositories: Option<&[String]>,
        store: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let output = args.output.as_deref().map(Output::of);
        let file = output.as_ref().and_then(Output::file);
        // To look does not make a store. One that is not there has no memory.
        let kept = store.filter(|_| !args.dry_run).map(Keeping::open).transpose()?;
        let store_id = match (&kept, store) {
            (Some(kept), _) => Some(kept.store_id()?),
            (None, Some(path)) => match Archive::open_read_only(path) {
                Err(turnledger_archive::ArchiveError::Missing { .. }) => Some(Vec::new()),
                archive => Some(archive?.id()?),
            },
            (None, None) => None,
        };
        let is_whole = args.since.is_none() && args.until.is_none() && paths.iter().all(|path| path.is_dir());
        let is_kept = match &output {
            Some(Output::Stdout) => !io::stdout().is_terminal(),
            Some(Output::File(_)) | None => true,
        };
        let path = Some(()).filter(|()| is_whole && is_kept);
        let path = path.and_then(|()| memory_path(args, output.as_ref(), store_id.as_deref(), repositories));
        let lock = match &path {
            Some(path) if !args.dry_run => {
                let taken = Lock::take(path).with_context(|| format!("cannot use {}", path.display()))?;
                if taken.is_none() {
                    bail!("another import to the same place is running");
                }
                taken
            }
            _ => None,
        };
        let mut memory = match &path {
            Some(path) if !args.again => Memory::load(path),
            _ => Memory::default(),
        };
        let length = file.and_then(|file| fs::metadata(file).ok()).map(|file| file.len());
        // What the earlier imports told is gone, or another file is there.
        let is_there = memory.output_bytes().is_some_and(|bytes| length.is_some_and(|length| length >= bytes));
        if file.is_some() && !is_there {
            memory = Memory::default();
        }
        let length = length.filter(|_| is_there);
        let keeper = Keeper { path, output: file.map(Path::to_owned), has_complained: false };
        Ok(Self { memory, keeper, output, kept, length, _lock: lock })
    }

    /// Opens the output: behind what is there, or anew.
    pub(super) fn open(&mut self) -> anyhow::Result<Lines> {
        let written: Option<Box<dyn Write>> = match &self.output {
            None => None,
            Some(Output::Stdout) => Some(Box::new(BufWriter::new(io::stdout().lock()))),
            Some(Output::File(path)) => {
                let opened = match self.length {
                    Some(_) => File::options().append(true).open(path),
                    None => File::create(path),
                };
                let file = opened.with_context(|| format!("cannot write {}", path.display()))?;
                Some(Box::new(BufWriter::new(file)))
            }
        };
        Ok(Lines { written, kept: self.kept.take() })
    }

    /// Takes back what an import that failed has added to a file. What is kept is there only once.
    pub(super) fn give_up(&self) {
        if let (Some(path), Some(length)) = (self.output.as_ref().and_then(Output::file), self.length)
            && let Ok(file) = File::options().write(true).open(path)
        {
            // The failure is told in any case.
            let _ = file.set_len(length);
        }
    }
}

impl Keeper {
    pub(super) fn save(&mut self, memory: &mut Memory) {
        let Some(path) = &self.path else { return };
        if let Some(bytes) = self.output.as_ref().and_then(|output| fs::metadata(output).ok()).map(|file| file.len()) {
            memory.set_output_bytes(bytes);
        }
        if let Err(error) = memory.save(path)
            && !self.has_complained
        {
            self.has_complained = true;
            let path = path.display();
            eprintln!("turnledger: cannot write {path}: {error}; the next import reads all of this again");
        }
    }
}

/// The memory of the events' place, and of what was asked for. A hash names it: nothing says what it is of. A store is
/// known by its id: one that was deleted and made anew has another memory.
fn memory_path(
    args: &Args,
    output: Option<&Output>,
    store_id: Option<&[u8]>,
    repositories: Option<&[String]>,
) -> Option<PathBuf> {
    let file = output.and_then(Output::file).map(|file| path::absolute(file).unwrap_or_else(|_| file.to_owned()));
    let output = match (&file, output) {
        (Some(file), _) => file.as_os_str().as_encoded_bytes(),
        (None, Some(_)) => b"-",
        (None, None) => b"",
    };
    let mut parts: Vec<&[u8]> = vec![output];
    parts.extend([&b"\0"[..], args.thread.as_deref().unwrap_or_default().as_bytes()]);
    for repository in repositories.unwrap_or_default() {
        parts.extend([&b"\0"[..], repository.as_bytes()]);
    }
    parts.extend(store_id.into_iter().flat_map(|id| [&b"\0\0"[..], id]));
    let hash = Sha2::default().digest(&parts);
    Some(
        Settings::state_folder()?
            .join("imports")
            .join(DigestValue::new(&hash.as_bytes()[..8]).to_string())
            .with_extension("json"),
    )
}
