//! `turnledger store`

use std::fs::File;
use std::io::{self, BufRead, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand, ValueEnum};
use indicatif::{HumanBytes, HumanDuration};
use turnledger::lines::read_line;
use turnledger::now;
use turnledger_archive::{Archive, Filter, Forgotten, Status};
use turnledger_core::UnixMillis;
use turnledger_intake::recording::{Complaints, Source};

use super::keeping::Keeping;
use super::{BAD_INPUT, check_readable, counted, ignore_closed_pipe, import, parquet};
use crate::settings::{Settings, StoreArgs};

/// Look at the events that are kept, and forget them.
///
/// The store is one SQLite file. `import` writes to it, and `tap --store` and `replay --store`; an event is in it once,
/// whoever brings it how often.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what the store has, and how large it is
    Status(Args),
    /// Make the store's file as small as it can be, and take out of it what was deleted
    Vacuum(Args),
    /// Take events out of the store, so that nothing of them is left in its file
    Forget(ForgetArgs),
    /// Keep the events of files, one JSON line each
    Add(AddArgs),
    /// Print the events, one JSON line each, in the order of time; or write them as Parquet files
    Export(ExportArgs),
}

#[derive(Debug, Parser)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Parser)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["thread", "before"])))]
pub(crate) struct ForgetArgs {
    /// The thread of this id, with the threads that it started
    #[arg(long, value_name = "ID")]
    thread: Option<String>,
    /// What ended or happened before: a day such as 2026-11-28, or a time such as 2026-11-28T08:00:00Z, in UTC
    #[arg(long, value_name = "TIME", value_parser = import::since)]
    before: Option<UnixMillis>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Parser)]
pub(crate) struct AddArgs {
    /// Files of events, plain or compressed (gzip, Zstandard); `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Parser)]
pub(crate) struct ExportArgs {
    /// Only what ended or happened then or later: a day, or a time, in UTC
    #[arg(long, value_name = "TIME", value_parser = import::since)]
    since: Option<UnixMillis>,
    /// Only what ended or happened before: a time, or a day and all of it
    #[arg(long, value_name = "TIME", value_parser = import::until)]
    until: Option<UnixMillis>,
    /// Only the thread of this id
    #[arg(long, value_name = "ID")]
    thread: Option<String>,
    /// The form of the events
    #[arg(long, value_enum, default_value_t = Form::Jsonl, value_name = "FORM")]
    format: Form,
    /// Write to FILE instead of standard output; with `--format parquet`, to this folder
    #[arg(long, short, value_name = "FILE", required_if_eq("format", "parquet"))]
    output: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// One JSON line each
    Jsonl,
    /// A folder of Parquet files, one for each day of UTC, in place of those that an earlier export wrote of these days
    Parquet,
}

impl ExportArgs {
    fn filter(&self) -> Filter {
        Filter::default().since(self.since).until(self.until).thread(self.thread.clone())
    }
}

pub(crate) fn run(command: &Command, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let flags = match command {
        Command::Status(args) | Command::Vacuum(args) => &args.store,
        Command::Forget(args) => &args.store,
        Command::Add(args) => &args.store,
        Command::Export(args) => &args.store,
    };
    let settings = Settings::load(config, &[flags])?;
    let path = settings.store()?;
    match command {
        Command::Status(_) => {
            let archive = Archive::open_read_only(path)?;
            ignore_closed_pipe(print_status(path, &archive.status()?, &mut io::stdout().lock()))?;
        }
        Command::Vacuum(_) => {
            let before = Archive::open_read_only(path)?.status()?.bytes;
            let mut archive = Archive::open(path)?;
            archive.vacuum()?;
            let after = archive.status()?.bytes;
            println!("{}: {}, {} before", path.display(), HumanBytes(after), HumanBytes(before));
        }
        Command::Forget(args) => forget(path, args)?,
        Command::Add(args) => return add(path, args),
        Command::Export(args) => match (args.format, &args.output) {
            (Form::Parquet, Some(folder)) => {
                let period = (args.since, args.until);
                say_passed_over(parquet::export(path, period, args.thread.as_deref(), folder)?);
            }
            _ => export(path, args)?,
        },
    }
    Ok(ExitCode::SUCCESS)
}

fn print_status(path: &Path, status: &Status, output: &mut impl Write) -> io::Result<()> {
    writeln!(output, "{} ({} on disk, version {})", path.display(), HumanBytes(status.bytes), status.version)?;
    let threads = counted(status.threads, "thread");
    writeln!(output, "{} of {}, {threads}", counted(status.events, "event"), counted(status.sessions, "session"))?;
    if let Some((first, last)) = status.span {
        let age = |at: UnixMillis| HumanDuration(Duration::from_millis(now().0.saturating_sub(at.0)));
        writeln!(output, "the first {} ago, the last {} ago", age(first), age(last))?;
    }
    if status.of_files > 0 {
        writeln!(output, "{} known from rollouts alone", counted(status.of_files, "event"))?;
    }
    if status.without_time > 0 {
        writeln!(output, "{} without a time", counted(status.without_time, "event"))?;
    }
    output.flush()
}

fn forget(path: &Path, args: &ForgetArgs) -> anyhow::Result<()> {
    // To forget does not make a store.
    drop(Archive::open_read_only(path)?);
    if !args.yes {
        agree()?;
    }
    let mut archive = Archive::open(path)?;
    let Forgotten { events, threads, .. } = match (&args.thread, args.before) {
        (Some(thread), _) => archive.forget_thread(thread)?,
        (None, Some(before)) => archive.forget_before(before)?,
        // One of them is required.
        (None, None) => Forgotten::default(),
    };
    println!("{} forgotten, and all that was known of {}", counted(events, "event"), counted(threads, "thread"));
    Ok(())
}

/// Asks the person at the terminal.
pub(super) fn agree() -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        bail!("events would be deleted; --yes deletes without asking");
    }
    eprint!("Delete these events for good? [y/N] ");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
    if !matches!(answer.trim(), "y" | "Y" | "yes") {
        bail!("nothing was deleted");
    }
    Ok(())
}

/// Keeps the events of files, each file a reading of its own.
fn add(path: &Path, args: &AddArgs) -> anyhow::Result<ExitCode> {
    let sources: Vec<_> = args.files.iter().map(|file| Source::from_argument(file)).collect();
    check_readable(&sources)?;
    let mut kept = Keeping::open(path)?;
    let mut bad_lines = 0_u64;
    for source in &sources {
        kept.begin();
        let unreadable = || format!("cannot read {}", source.name());
        let mut reader = source.open(|file| file).with_context(unreadable)?;
        let mut complaints = Complaints::default();
        let (mut line, mut number) = (Vec::new(), 0);
        while let Some(is_whole) = read_line(&mut *reader, &mut line).with_context(unreadable)? {
            number += 1;
            if line.trim_ascii().is_empty() {
                continue;
            }
            if !is_whole || !kept.keep(None, &line)? {
                bad_lines += 1;
                complaints.add(number, "no event");
            }
        }
        for complaint in complaints.tell(&source.name()) {
            eprintln!("{complaint}");
        }
    }
    kept.commit()?;
    eprintln!("{kept}");
    Ok(if bad_lines > 0 { ExitCode::from(BAD_INPUT) } else { ExitCode::SUCCESS })
}

fn export(path: &Path, args: &ExportArgs) -> anyhow::Result<()> {
    let archive = Archive::open_read_only(path)?;
    let mut output: Box<dyn Write> = match &args.output {
        Some(path) => {
            let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
            Box::new(BufWriter::new(file))
        }
        None => Box::new(BufWriter::new(io::stdout().lock())),
    };
    let mut written = Ok(());
    let passed_over = archive.events(&args.filter(), |stored| {
        written = writeln!(output, "{}", stored.event);
        written.is_ok()
    })?;
    say_passed_over(passed_over);
    ignore_closed_pipe(written.and_then(|()| output.flush())).context("cannot write the events")
}

fn say_passed_over(events: u64) {
    if events > 0 {
        eprintln!("left out: {} that only a later version of this program can read", counted(events, "event"));
    }
}
