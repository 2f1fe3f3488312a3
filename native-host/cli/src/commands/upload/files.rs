//! Events of files, as requests that a server can recognise.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use indicatif::ProgressBar;
use serde::Deserialize;
use serde_json::value::RawValue;
use turnledger::Sha2;
use turnledger::delivery::account::AccountKey;
use turnledger::lines::read_line;
use turnledger::private_file::make_private_folder;
use turnledger::store::StoredBatch;
use turnledger_core::{Batch, Batcher, Digest, Event, Policy};
use turnledger_intake::recording::{Complaints, Source};

use super::{Args, Settings, Settled, Stopped, Uploader};
use crate::commands::{check_readable, counted};
use crate::progress;

/// Sends the events of files. Also returns how many lines were skipped.
pub(super) fn send(
    uploader: &mut Uploader,
    policy: Option<&Policy<Sha2>>,
    settings: &Settings,
    args: &Args,
) -> anyhow::Result<(Result<(), Stopped>, u64)> {
    let sources: Vec<_> = args.files.iter().map(|file| Source::from_argument(file)).collect();
    check_readable(&sources)?;
    let account = match uploader.account() {
        Ok(account) => account,
        Err(stopped) => return Ok((Err(stopped), 0)),
    };
    let progress = progress::of_bytes(&sources, !args.quiet);
    let salt = salt(Settings::state_folder().as_deref());
    let mut bad_lines = 0;
    let mut line = Vec::new();
    for (source, path) in sources.iter().zip(&args.files) {
        let mut complaints = Complaints::default();
        let mut requests = Requests::new(uploader, &progress, &salt, path, account);
        let mut batcher = Batcher::new(settings.store_limits().batch);
        let unreadable = || format!("cannot read {}", source.name());
        let mut reader = source.open(|file| progress.wrap_read(file)).with_context(unreadable)?;
        let mut number = 0_u64;
        loop {
            let read = read_line(&mut *reader, &mut line);
            let Some(is_whole) =
                read.inspect_err(|_| complain(&progress, &mut complaints, source)).with_context(unreadable)?
            else {
                break;
            };
            number += 1;
            if line.trim_ascii().is_empty() {
                continue;
            }
            let Some(events) = Some(&line).filter(|_| is_whole).and_then(|line| events_of(line)) else {
                bad_lines += 1;
                complaints.add(number, "neither an event nor a request body");
                continue;
            };
            let found = events.len();
            let events: Vec<_> = events.iter().filter_map(|event| leaving(policy, event)).collect();
            requests.uploader.withheld += (found - events.len()) as u64;
            for batch in events.iter().flat_map(|(json, is_isolated)| batcher.push_json(json, *is_isolated)) {
                if let Err(stopped) = requests.send(&batch) {
                    complain(&progress, &mut complaints, source);
                    progress.finish_and_clear();
                    return Ok((Err(stopped), bad_lines));
                }
            }
        }
        complain(&progress, &mut complaints, source);
        let sent =
            batcher.flush().map_or(Ok(()), |batch| requests.send(&batch)).and_then(|()| requests.send_deferred());
        if let Err(stopped) = sent {
            progress.finish_and_clear();
            return Ok((Err(stopped), bad_lines));
        }
    }
    progress.finish_and_clear();
    Ok((Ok(()), bad_lines))
}

/// What leaves of an event, and whether it goes alone.
fn leaving(policy: Option<&Policy<Sha2>>, event: &Event) -> Option<(String, bool)> {
    let json = event.to_json();
    let json = match policy {
        Some(policy) => policy.apply(&json).ok()?,
        None => json,
    };
    Some((json, event.is_isolated()))
}

/// Says what was wrong with a file's lines.
fn complain(progress: &ProgressBar, complaints: &mut Complaints, source: &Source) {
    for complaint in complaints.tell(&source.name()) {
        progress.suspend(|| eprintln!("{complaint}"));
    }
}

/// The requests of one file. No request has events of two files.
struct Requests<'u> {
    uploader: &'u mut Uploader,
    progress: &'u ProgressBar,
    salt: &'u [u8],
    /// The file's name, which is part of the requests' keys.
    name: Vec<u8>,
    account: AccountKey,
    /// Events of the file so far.
    events: usize,
    /// Those that failed too often.
    deferred: VecDeque<StoredBatch>,
}

impl<'u> Requests<'u> {
    fn new(
        uploader: &'u mut Uploader,
        progress: &'u ProgressBar,
        salt: &'u [u8],
        path: &Path,
        account: AccountKey,
    ) -> Self {
        // Each run has another standard input.
        let name = match path.canonicalize() {
            Ok(path) => path.as_os_str().as_encoded_bytes().to_vec(),
            Err(_) => random().to_vec(),
        };
        Self { uploader, progress, salt, name, account, events: 0, deferred: VecDeque::new() }
    }

    /// Sends the next events.
    fn send(&mut self, batch: &Batch) -> Result<(), Stopped> {
        let first = self.events;
        self.events += batch.events;
        let request = self.request(first, batch.events, batch.body.clone());
        self.send_all([request].into())
    }

    fn send_deferred(&mut self) -> Result<(), Stopped> {
        let deferred = std::mem::take(&mut self.deferred);
        self.send_all(deferred)
    }

    fn send_all(&mut self, mut waiting: VecDeque<StoredBatch>) -> Result<(), Stopped> {
        let is_last_try = self.deferred.is_empty() && waiting.len() > 1;
        while let Some(request) = waiting.pop_front() {
            match self.uploader.deliver(&request, self.progress, || true)? {
                Settled::Delivered => {}
                Settled::Refused(status) => {
                    let events = counted(request.events as u64, "event");
                    self.progress.suspend(|| eprintln!("turnledger: the server refused {events} (status {status})"));
                }
                Settled::Halve => {
                    for half in self.halves(&request).into_iter().rev() {
                        waiting.push_front(half);
                    }
                }
                Settled::Defer if is_last_try => waiting.push_back(request),
                Settled::Defer => self.deferred.push_back(request),
            }
        }
        Ok(())
    }

    /// A request with some of the file's events, from the `first` on. Its key is the same whenever this user sends
    /// these events of this file.
    fn request(&self, first: usize, events: usize, body: String) -> StoredBatch {
        let place = [(first as u64).to_be_bytes(), (events as u64).to_be_bytes()].concat();
        let key = Sha2::default().digest(&[self.salt, &self.name, &place, body.as_bytes()]);
        let number = i64::try_from(first).unwrap_or(i64::MAX);
        StoredBatch::new(number, self.account, key, events, body)
    }

    fn halves(&self, request: &StoredBatch) -> Vec<StoredBatch> {
        #[derive(Deserialize)]
        struct Body<'b> {
            #[serde(borrow)]
            events: Vec<&'b RawValue>,
        }
        // It is what the batcher wrote.
        let Ok(Body { events }) = serde_json::from_str::<Body<'_>>(&request.body) else { return Vec::new() };
        let (one, two) = events.split_at(events.len() / 2);
        let first = usize::try_from(request.number).unwrap_or(usize::MAX);
        [(first, one), (first + one.len(), two)]
            .into_iter()
            .map(|(first, events)| {
                let texts: Vec<_> = events.iter().map(|event| event.get()).collect();
                self.request(first, events.len(), format!("{{\"events\":[{}]}}", texts.join(",")))
            })
            .collect()
    }
}

/// A random text that keeps this user's keys apart from everybody else's. It is kept in a file, so that a file that is
/// sent again has the same keys. If it cannot be kept, the keys are valid for this run only.
fn salt(folder: Option<&Path>) -> Vec<u8> {
    let kept = || -> io::Result<Vec<u8>> {
        let folder = folder.ok_or(io::ErrorKind::NotFound)?;
        let path: PathBuf = folder.join("upload.salt");
        if let Ok(salt) = fs::read(&path)
            && salt.len() == 32
        {
            return Ok(salt);
        }
        make_private_folder(folder)?;
        let salt = random();
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&salt)?;
        match file.persist_noclobber(&path) {
            Ok(_) => Ok(salt.to_vec()),
            // Another process was first, or left a file of another size.
            Err(_) => fs::read(&path)
                .and_then(|salt| if salt.len() == 32 { Ok(salt) } else { Err(io::ErrorKind::InvalidData.into()) }),
        }
    };
    kept().unwrap_or_else(|_| random().to_vec())
}

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    if getrandom::fill(&mut bytes).is_err() {
        bytes[..8].copy_from_slice(&turnledger::now().0.to_be_bytes());
        bytes[8..12].copy_from_slice(&std::process::id().to_be_bytes());
    }
    bytes
}

/// The events of a line. They are read in full, and only what is known of them goes on.
fn events_of(line: &[u8]) -> Option<Vec<Event>> {
    #[derive(Deserialize)]
    struct Body {
        events: Vec<Event>,
    }
    if let Ok(event) = serde_json::from_slice(line) {
        return Some(vec![event]);
    }
    serde_json::from_slice(line).ok().map(|Body { events }| events)
}
