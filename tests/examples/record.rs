//! Records a version of Codex, and shows how near our events come to those that it uploads.
//!
//! usage: `record [VERSION [SCENARIO…]] [--out FOLDER] [--beside VERSION] [--stored] [--changes] [--starts] [--page]`
//!
//! - `VERSION`: such as `0.131.0`, or `latest`. Its binary is fetched from npm. Each scenario is driven with a scripted
//!   model on loopback, and stored in `FOLDER/VERSION/SCENARIO`. Then its parity is shown beside that of the last
//!   version before it which is stored there.
//! - `--out`: where recordings are, `target/recordings` otherwise.
//! - `--beside`: beside another version.
//! - `--stored`: takes what is stored of the version, and records nothing.
//! - `--changes`: shows what changed from each stored version to the next.
//! - `--starts`: shows in which stored version each type of event and each member was seen first.
//! - `--page`: writes the rows of the version into `docs/compatibility.md`; of all stored versions if none is named.

use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use turnledger_tests::golden::recordings_in;
use turnledger_tests::record::parity::{Beside, Parity};
use turnledger_tests::record::starts::Starts;
use turnledger_tests::record::versions::{folder, newest, number, stored};
use turnledger_tests::record::vocabulary::Vocabulary;
use turnledger_tests::record::{Codex, all, page, protocol, record_all};

/// How many sessions run at once: they wait for the most part.
const JOBS: usize = 6;

#[derive(Debug, Default)]
struct Arguments {
    version: Option<String>,
    scenarios: Vec<String>,
    out: Option<PathBuf>,
    beside: Option<String>,
    stored: bool,
    changes: bool,
    starts: bool,
    page: bool,
}

fn arguments() -> Result<Arguments, String> {
    let (mut read, mut given) = (Arguments::default(), std::env::args().skip(1));
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--out" => read.out = Some(given.next().ok_or("--out needs a folder")?.into()),
            "--beside" => read.beside = Some(given.next().ok_or("--beside needs a version")?),
            "--stored" => read.stored = true,
            "--changes" => read.changes = true,
            "--starts" => read.starts = true,
            "--page" => read.page = true,
            option if option.starts_with('-') => {
                return Err(format!("{option} is no option; see tests/examples/record.rs"));
            }
            _ if read.version.is_none() => read.version = Some(argument),
            _ => read.scenarios.push(argument),
        }
    }
    if read.version.is_none() && !(read.changes || read.starts || read.page) {
        return Err("which version? such as 0.131.0, or latest".into());
    }
    Ok(read)
}

fn main() -> ExitCode {
    match arguments().and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("record: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let out = arguments.out.clone().unwrap_or_else(folder);
    let version = match arguments.version.as_deref() {
        Some("latest") => Some(newest()?),
        version => version.map(ToOwned::to_owned),
    };
    if let Some(version) = &version {
        if !arguments.stored {
            record(version, &arguments.scenarios, &out.join(version))?;
        }
        let now = Parity::of(&out.join(version)).ok_or_else(|| format!("{version} is not stored: record it first"))?;
        let before = || stored(&out).into_iter().filter(|other| number(other) < number(version)).rev();
        let earlier = match &arguments.beside {
            Some(beside) => Parity::of(&out.join(beside)),
            None => before().find_map(|other| Parity::of(&out.join(other))),
        };
        show(&Beside(earlier.as_ref(), &now))?;
    }
    if arguments.changes {
        let all: Vec<_> = stored(&out).iter().filter_map(|version| Parity::of(&out.join(version))).collect();
        for pair in all.windows(2) {
            let changes = pair[1].changes(&pair[0]);
            show(&format_args!("== {} after {}\n{changes}\n", pair[1].version, pair[0].version))?;
        }
    }
    if arguments.starts {
        let all = stored(&out).into_iter().map(|version| {
            let recordings = recordings_in(&out.join(&version));
            (version, Vocabulary::of(&recordings))
        });
        let all: Vec<_> = all.filter(|(_, vocabulary)| !vocabulary.events.is_empty()).collect();
        show(&Starts::of(&all))?;
    }
    if arguments.page {
        let versions = version.map_or_else(|| stored(&out), |version| vec![version]);
        let parities: Vec<_> = versions.iter().filter_map(|version| Parity::of(&out.join(version))).collect();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/compatibility.md");
        let text = fs::read_to_string(&path).map_err(|error| format!("docs/compatibility.md: {error}"))?;
        let text = page::updated(&text, &parities).ok_or("docs/compatibility.md: its table has other columns")?;
        fs::write(&path, text).map_err(|error| format!("docs/compatibility.md: {error}"))?;
    }
    Ok(())
}

/// Records scenarios of a version: all if none is named.
fn record(version: &str, names: &[String], out: &Path) -> Result<(), String> {
    let mut scenarios = all();
    if let Some(unknown) = names.iter().find(|name| scenarios.iter().all(|scenario| scenario.name != **name)) {
        return Err(format!("{unknown} is no scenario; they are in tests/src/record/scenarios"));
    }
    scenarios.retain(|scenario| names.is_empty() || names.iter().any(|name| name == scenario.name));
    let (count, failed, start) = (scenarios.len(), AtomicUsize::new(0), Instant::now());
    let codex = Codex::new(version)?;
    if let Err(error) = protocol::store(&codex, out) {
        eprintln!("record: {version}: {error}");
    }
    record_all(&codex, scenarios, JOBS, out, |outcome| {
        if let Err(error) = &outcome.result {
            failed.fetch_add(1, Ordering::Relaxed);
            eprintln!("record: {version} {}: {error}", outcome.name);
        }
    });
    let recorded = count - failed.into_inner();
    show(&format_args!("Codex {version}: {recorded} of {count} scenarios in {} s\n", start.elapsed().as_secs()))
}

/// Prints; a reader that has enough ends the program.
fn show(what: &impl Display) -> Result<(), String> {
    write!(io::stdout(), "{what}").map_err(|error| format!("standard output: {error}"))
}
