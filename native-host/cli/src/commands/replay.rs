//! `turnledger replay`

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Parser, ValueEnum};
use turnledger_core::event::common::RpcTransport;
use turnledger_intake::replay::{Format, Options, ReplayError, replay};

use super::files::{answerer, recordings};
use super::keeping::Keeping;
use super::line_buffer::Both;
use super::otlp::Lines;
use super::{BAD_INPUT, UNDELIVERED};
use crate::progress;
use crate::settings::{KeepArgs, KeyArgs, OtlpArgs, Settings};

/// Turn recorded sessions into events: one JSON line each, or, with `--store`, kept in the store.
///
/// A recording has one JSON object a line: `at_ms` (Unix milliseconds), `connection_id`, `direction`
/// (`client_to_server` or `server_to_client`) and `message`. `turnledger tap --record FILE` writes one. Each file is
/// a session of its own; the events of several files come in the order of the files.
///
/// A line that cannot be used is reported as `FILE:LINE: what is wrong` and skipped.
///
/// Exit codes: 0 everything was done; 1 some lines could not be used; 2 the arguments or a file cannot be used;
/// 4 not everything was sent to the receiver of `--otlp`.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Recordings, plain or compressed (gzip, Zstandard), and folders with recordings; `-` is standard input
    #[arg(required = true, value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// Write request bodies, as they would be sent, instead of events
    #[arg(long, conflicts_with = "store")]
    batches: bool,
    /// Write to FILE instead of standard output
    #[arg(long, short, value_name = "FILE", conflicts_with = "store")]
    output: Option<PathBuf>,
    /// Remote URL of the repository that the sessions worked in; without it, the recording says it, or Git is asked about
    /// the sessions' folders on this machine
    #[arg(long, value_name = "URL")]
    remote: Option<String>,
    /// How the recorded clients reached the server
    #[arg(long, value_enum, default_value_t = Transport::Stdio)]
    transport: Transport,
    /// List what yielded no event: the line, the reason, and the ids
    #[arg(long)]
    explain: bool,
    /// Stop at the first line that cannot be used
    #[arg(long)]
    strict: bool,
    /// Print neither progress nor a summary
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    keep: KeepArgs,
    #[command(flatten)]
    otlp: OtlpArgs,
}

/// How clients reach a server.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Transport {
    Stdio,
    Websocket,
    InProcess,
}

impl From<Transport> for RpcTransport {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Stdio => Self::Stdio,
            Transport::Websocket => Self::Websocket,
            Transport::InProcess => Self::InProcess,
        }
    }
}

pub(crate) fn run(args: Args, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let sources = recordings(&args.files)?;
    let settings = Settings::load(config, &[&args.key, &args.keep, &args.otlp])?;
    if args.batches && args.otlp.is_given() {
        bail!("--batches writes request bodies of another kind: leave out --otlp");
    }
    if args.batches && settings.policy()?.is_some() {
        bail!("--batches shows bodies as they are without a policy: `turnledger preview` shows what would be sent");
    }
    let format = match (args.batches, args.keep.is_given()) {
        (true, _) => Format::Batches,
        (_, true) => Format::Placed,
        _ => Format::Events,
    };
    let options = Options::default()
        .format(format)
        .remote(args.remote)
        .answers(Some(answerer as fn() -> _))
        .digest(settings.digest()?)
        .rpc_transport(args.transport.into())
        .explain(args.explain)
        .strict(args.strict);
    let mut kept = args.keep.is_given().then(|| Keeping::open(settings.store()?)).transpose()?;
    let mut file: Box<dyn Write>;
    let mut sent = if args.otlp.is_given() { Lines::of(&settings)? } else { None };
    let lines: &mut dyn Write = match (&mut kept, &args.output) {
        (Some(kept), _) => kept,
        (None, Some(path)) => {
            let made = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
            file = Box::new(BufWriter::new(made));
            &mut file
        }
        (None, None) => {
            file = Box::new(BufWriter::new(io::stdout().lock()));
            &mut file
        }
    };

    let mut both;
    let lines: &mut dyn Write = match &mut sent {
        Some(sent) => {
            both = Both(lines, sent);
            &mut both
        }
        None => lines,
    };
    let progress = progress::of_bytes(&sources, !args.quiet);
    let wrap = |reader| progress.wrap_read(reader);
    let mut note = |text: &str| progress.suspend(|| eprintln!("{text}"));
    let summary = replay(&sources, &options, &wrap, lines, &mut note);
    progress.finish_and_clear();
    let summary = match summary {
        Err(ReplayError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
        summary => summary?,
    };
    if !args.quiet {
        eprintln!("{summary}");
        if let Some(kept) = &kept {
            eprintln!("{kept}");
        }
    }
    if let Some(sent) = sent
        && !sent.finish(args.quiet)?
    {
        return Ok(ExitCode::from(UNDELIVERED));
    }
    Ok(if summary.bad_lines > 0 { ExitCode::from(BAD_INPUT) } else { ExitCode::SUCCESS })
}
