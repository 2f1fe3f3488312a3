//! `turnledger preview`

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Parser;
use console::style;
use serde_json::Value;
use turnledger::delivery::account::AccountKey;
use turnledger::ledger::Answers;
use turnledger::lines::{MAX_LINE, read_line};
use turnledger::store::{MemoryStore, StoredBatch, StoredEvent, Wanted};
use turnledger::{Sha2, now};
use turnledger_core::policy::{Change, Judgement, Repositories};
use turnledger_core::{Limits, Output, Pipeline, Policy, UnixMillis};
use turnledger_git::Answerer;
use turnledger_intake::recording::{BadLine, Complaints, Source, parse_line};
use turnledger_intake::replay::answer;

use super::files::recordings;
use super::replay::Transport;
use super::withheld::{Compared, why};
use super::{BAD_INPUT, counted};
use crate::settings::{BatchArgs, KeyArgs, Settings, UploadArgs};

/// Show the requests that a session would send, and send nothing.
///
/// `turnledger tap --upload URL` with the same settings would send these requests. To watch a running session, record
/// it with `turnledger tap --record FILE -- codex app-server`, and run `turnledger preview --follow FILE` in another
/// terminal.
///
/// Exit codes: 0 everything was done; 1 some lines of the recording could not be used; 2 the arguments or a file cannot
/// be used.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Recordings, plain or compressed (gzip, Zstandard), and folders with recordings; `-` is standard input
    #[arg(required = true, value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// Keep reading as the file grows: one file
    #[arg(long, short)]
    follow: bool,
    /// Remote URL of the repository that the session worked in; without it, Git is asked about the session's folders
    /// on this machine
    #[arg(long, value_name = "URL")]
    remote: Option<String>,
    /// How the recorded clients reached the server
    #[arg(long, value_enum, default_value_t = Transport::Stdio)]
    transport: Transport,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    upload: UploadArgs,
    #[command(flatten)]
    batch: BatchArgs,
}

pub(crate) fn run(args: &Args, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(config, &[&args.key, &args.upload, &args.batch])?;
    let endpoint = settings.endpoint()?;
    let policy = settings.policy()?;
    let sources = recordings(&args.files)?;
    let new_pipeline = || {
        let pipeline = Pipeline::new(settings.digest()?, args.transport.into(), Limits::default());
        anyhow::Ok(pipeline.asking_worktrees().asking_directories())
    };
    let mut preview = Preview {
        name: String::new(),
        pipeline: new_pipeline()?,
        output: Output::default(),
        store: MemoryStore::new(settings.store_limits()),
        repositories: None,
        compared: Compared::default(),
        policy,
        remote: args.remote.clone(),
        answerer: Answerer::default(),
        head: head(endpoint.as_ref().map_or("URL/codex/analytics-events/events", |endpoint| endpoint.url()), &settings),
        out: io::stdout(),
        requests: 0,
        events: 0,
        withheld: 0,
        bad_lines: 0,
        complaints: (!args.follow).then(Complaints::default),
    };
    for source in &sources {
        // Each file is a session of its own.
        (preview.name, preview.pipeline) = (source.name(), new_pipeline()?);
        preview.repositories = preview.policy.as_ref().and_then(Policy::repositories);
        preview.compared = Compared::default();
        let done = match (args.follow, source, &sources[..]) {
            (false, ..) => preview.read(source),
            (true, Source::File(path), [_]) => preview.follow(path),
            _ => bail!("--follow reads one file"),
        };
        let Preview { name, complaints, .. } = &mut preview;
        for complaint in complaints.iter_mut().flat_map(|complaints| complaints.tell(name)) {
            eprintln!("{complaint}");
        }
        match done {
            Err(error) if error.downcast_ref().is_some_and(is_closed_pipe) => return Ok(ExitCode::SUCCESS),
            done => done?,
        }
    }
    if !settings.enabled.value {
        eprintln!("turnledger: analytics are off ({}): none of this would be sent", settings.enabled.origin);
    } else if endpoint.is_none() {
        eprintln!("turnledger: no server is set (--upload): none of this would be sent");
    }
    eprintln!("{} in {}", counted(preview.events, "event"), counted(preview.requests, "request"));
    if preview.withheld > 0 {
        eprintln!("{} kept back by the policy", counted(preview.withheld, "event"));
    }
    Ok(if preview.bad_lines > 0 { ExitCode::from(BAD_INPUT) } else { ExitCode::SUCCESS })
}

fn is_closed_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// What stands before every body.
fn head(url: &str, settings: &Settings) -> String {
    let file = settings.auth.value.as_ref().or(settings.token_file.value.as_ref());
    let credentials = file.map(|file| format!("Authorization: (from {})\n", file.display()));
    format!(
        "POST {url}\nContent-Type: application/json\nIdempotency-Key: (made when the request is formed)\n{}",
        credentials.unwrap_or_default()
    )
}

struct Preview {
    name: String,
    pipeline: Pipeline<Sha2>,
    output: Output,
    store: MemoryStore,
    policy: Option<Policy<Sha2>>,
    repositories: Option<Repositories<()>>,
    compared: Compared,
    remote: Option<String>,
    answerer: Answerer,
    head: String,
    out: io::Stdout,
    requests: u64,
    events: u64,
    /// Events of which the policy lets nothing leave.
    withheld: u64,
    bad_lines: u64,
    /// The faults of a finished recording; those of a growing one are reported as they come.
    complaints: Option<Complaints>,
}

impl Preview {
    fn read(&mut self, source: &Source) -> anyhow::Result<()> {
        let unreadable = || format!("cannot read {}", source.name());
        let mut reader = source.open(|file| file).with_context(unreadable)?;
        let mut line = Vec::new();
        let mut number = 0;
        let mut last = UnixMillis::default();
        while let Some(is_whole) = read_line(&mut *reader, &mut line).with_context(unreadable)? {
            number += 1;
            last = self.line(number, is_whole.then_some(&line))?.unwrap_or_default().max(last);
        }
        self.pipeline.finish(last, &mut self.output);
        self.store_events(last)?;
        Ok(self.print_due(last, true)?)
    }

    /// Reads on until another file takes its place.
    fn follow(&mut self, path: &Path) -> anyhow::Result<()> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let (sender, lines) = mpsc::sync_channel(64);
        thread::spawn(move || follow_lines(file, |line| sender.send(line).is_ok()));
        let mut number = 0;
        loop {
            match lines.recv_timeout(Duration::from_millis(200)) {
                Ok(Ok(line)) => {
                    number += 1;
                    self.line(number, Some(&line))?;
                }
                Ok(Err(error)) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
                Err(RecvTimeoutError::Timeout) => self.print_due(now(), false)?,
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("{} became shorter, so another recording has taken its place; run this again", path.display())
                }
            }
        }
    }

    /// Takes a line, after printing the requests that were due before it. Returns the line's time.
    fn line(&mut self, number: u64, line: Option<&Vec<u8>>) -> io::Result<Option<UnixMillis>> {
        let read = line
            .ok_or(BadLine::TooLong(MAX_LINE))
            .and_then(|line| if line.trim_ascii().is_empty() { Ok(None) } else { parse_line(line).map(Some) });
        let recorded = match read {
            Ok(Some(recorded)) => recorded,
            Ok(None) => return Ok(None),
            Err(bad) => {
                self.complain(number, bad);
                return Ok(None);
            }
        };
        self.print_due(recorded.at, false)?;
        let (at, text) = (recorded.at, recorded.message.as_bytes());
        if let Err(bad) = self.pipeline.observe(at, recorded.connection_id, recorded.direction, text, &mut self.output)
        {
            self.complain(number, BadLine::BadMessage(bad.column));
        }
        self.store_events(at)?;
        self.print_due(at, false)?;
        Ok(Some(at))
    }

    fn complain(&mut self, number: u64, bad: BadLine) {
        self.bad_lines += 1;
        match &mut self.complaints {
            Some(complaints) => complaints.add(number, &bad.to_string()),
            None => eprintln!("{}:{number}: {bad}", self.name),
        }
    }

    fn store_events(&mut self, at: UnixMillis) -> io::Result<()> {
        for question in std::mem::take(&mut self.output.questions) {
            if let Some(repositories) = &mut self.repositories {
                repositories.asked(at, &question);
                self.compared.asked(&question);
            }
            let fact = match &self.remote {
                Some(remote) => answer(question, Some(remote)),
                None => self.answerer.answer(question),
            };
            if let Some(fact) = fact {
                if let Some(repositories) = &mut self.repositories {
                    repositories.told(&fact);
                    self.compared.told(&fact);
                }
                self.pipeline.ingest(at, fact, &mut self.output);
            }
        }
        let mut events = Vec::with_capacity(self.output.events.len());
        for event in &self.output.events {
            let mut stored = StoredEvent::new(at, AccountKey::NONE, event);
            let name = event.event_type();
            if let (Some(policy), Some(repositories)) = (&self.policy, &mut self.repositories)
                && !matches!(repositories.judge(at, &stored.json, ()), Judgement::Leaves(()))
            {
                self.withheld += 1;
                let why = self.compared.why(policy, &stored.json);
                writeln!(self.out, "{}\n", style(format!("# Policy: {name} stays: {why}")).yellow())?;
                continue;
            }
            if let Some(policy) = &self.policy {
                let mut changes = BTreeSet::new();
                let leaves = policy.explain(&stored.json, &mut |path, change| {
                    changes.insert((change, path.to_owned()));
                });
                match leaves {
                    Ok(leaves) => stored.json = leaves,
                    Err(withheld) => {
                        self.withheld += 1;
                        let why = why(policy, withheld, &stored.json);
                        writeln!(self.out, "{}\n", style(format!("# Policy: {name} stays: {why}")).yellow())?;
                        continue;
                    }
                }
                if !changes.is_empty() {
                    writeln!(self.out, "{}\n", style(format!("# Policy: {name}: {}", listed(&changes))).yellow())?;
                }
            }
            events.push(stored);
        }
        self.events += events.len() as u64;
        self.output.clear();
        self.store.append(events, at);
        Ok(())
    }

    /// Prints the requests that are due.
    fn print_due(&mut self, at: UnixMillis, everything: bool) -> io::Result<()> {
        let age = if everything { Duration::ZERO } else { self.store.limits().batch_age };
        let wanted = Wanted::new(at, AccountKey::NONE).age(age);
        while let Some(next) = self.store.next(&wanted) {
            self.store.delivered(&next);
            self.print(&next)?;
        }
        Ok(())
    }

    fn print(&mut self, next: &StoredBatch) -> io::Result<()> {
        self.requests += 1;
        let body: Value = serde_json::from_str(&next.body)?;
        let title = format!("# Request {}: {}", self.requests, counted(next.events as u64, "event"));
        writeln!(self.out, "{}\n{}\n{body:#}\n", style(title).bold(), style(&self.head).cyan())?;
        self.out.flush()
    }
}

/// What happens to an event's members: `model hashed, app_server_client.client_name left out`.
fn listed(changes: &BTreeSet<(Change, String)>) -> String {
    // A path begins with the event's type.
    let member = |path: &str| path.split_once('.').map_or(path, |(_, member)| member).to_owned();
    let listed: Vec<_> = changes.iter().map(|(change, path)| format!("{} {change}", member(path))).collect();
    listed.join(", ")
}

/// Passes on whole lines as a file grows, until it becomes shorter or `take` returns false.
fn follow_lines(file: File, mut take: impl FnMut(io::Result<Vec<u8>>) -> bool) {
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    let mut taken = 0;
    loop {
        match reader.read_until(b'\n', &mut line) {
            Ok(_) if line.last() == Some(&b'\n') => {
                taken += line.len() as u64;
                if !take(Ok(std::mem::take(&mut line))) {
                    return;
                }
            }
            Ok(_) => {
                let length = reader.get_ref().metadata().map_or(0, |file| file.len());
                if length < taken {
                    return;
                }
                thread::sleep(Duration::from_millis(100));
            }
            Err(error) => {
                take(Err(error));
                return;
            }
        }
    }
}
