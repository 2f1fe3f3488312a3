//! Where events go, and what went there before.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{self, Path, PathBuf};

use anyhow::{Context, bail};
use turnledger::Sha2;
use turnledger_core::{Digest, DigestValue};
use turnledger_intake::import::{Lock, Memory};

use super::Args;
use crate::settings::Settings;

/// Where the events of an import go.
pub(super) struct Place {
    pub(super) memory: Memory,
    pub(super) keeper: Keeper,
    output: Option<PathBuf>,
    /// How long the output was, if this import adds to it.
    length: Option<u64>,
    _lock: Option<Lock>,
}

/// Keeps a memory in its file, if it is kept at all.
pub(super) struct Keeper {
    path: Option<PathBuf>,
    output: Option<PathBuf>,
    has_complained: bool,
}

impl Place {
    /// The place that `args` name, with its memory.
    pub(super) fn of(args: &Args, paths: &[PathBuf], repositories: Option<&[String]>) -> anyhow::Result<Self> {
        let is_whole = args.since.is_none() && args.until.is_none() && paths.iter().all(|path| path.is_dir());
        let is_kept = args.output.is_some() || !io::stdout().is_terminal();
        let path = Some(()).filter(|()| is_whole && is_kept).and_then(|()| memory_path(args, repositories));
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
        let length = args.output.as_ref().and_then(|output| fs::metadata(output).ok()).map(|file| file.len());
        // What the earlier imports told is gone, or another file is there.
        let is_there = memory.output_bytes().is_some_and(|bytes| length.is_some_and(|length| length >= bytes));
        if args.output.is_some() && !is_there {
            memory = Memory::default();
        }
        let length = length.filter(|_| is_there);
        let keeper = Keeper { path, output: args.output.clone(), has_complained: false };
        Ok(Self { memory, keeper, output: args.output.clone(), length, _lock: lock })
    }

    /// Opens the output: behind what is there, or anew.
    pub(super) fn open(&self) -> anyhow::Result<Box<dyn Write>> {
        let Some(path) = &self.output else { return Ok(Box::new(BufWriter::new(io::stdout().lock()))) };
        let opened = match self.length {
            Some(_) => File::options().append(true).open(path),
            None => File::create(path),
        };
        Ok(Box::new(BufWriter::new(opened.with_context(|| format!("cannot write {}", path.display()))?)))
    }

    /// Takes back what an import that failed has added.
    pub(super) fn give_up(&self) {
        if let (Some(path), Some(length)) = (&self.output, self.length)
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

/// The memory of the events' place, and of what was asked for. A hash names it: nothing says what it is of.
fn memory_path(args: &Args, repositories: Option<&[String]>) -> Option<PathBuf> {
    let output = args.output.as_deref().map(|output| path::absolute(output).unwrap_or_else(|_| output.to_owned()));
    let mut parts: Vec<&[u8]> =
        vec![output.as_deref().map_or(b"-", |output: &Path| output.as_os_str().as_encoded_bytes())];
    parts.extend([&b"\0"[..], args.thread.as_deref().unwrap_or_default().as_bytes()]);
    for repository in repositories.unwrap_or_default() {
        parts.extend([&b"\0"[..], repository.as_bytes()]);
    }
    let hash = Sha2::default().digest(&parts);
    Some(
        Settings::state_folder()?
            .join("imports")
            .join(DigestValue::new(&hash.as_bytes()[..8]).to_string())
            .with_extension("json"),
    )
}
