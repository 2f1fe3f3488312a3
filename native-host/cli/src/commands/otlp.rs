//! Sending events to a receiver of OpenTelemetry: beside a tap, an import or a replay.

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use indicatif::ProgressBar;
use turnledger::delivery::account::AccountKey;
use turnledger::delivery::auth::{Header, NoAuth};
use turnledger::delivery::{
    Courier, Endpoint, HttpClient, Reply, SendError, Transport, UploadReply, UploadRequest, UploadResponse,
};
use turnledger::ledger::LedgerBuilder;
use turnledger::secrecy::ExposeSecret;
use turnledger::store::{Spool, StoredEvent};
use turnledger::{Sha2, now};
use turnledger_core::delivery::Response;
use turnledger_core::{Event, Policy};
use turnledger_export::otlp::{Post, Posted, Relay, Signal, Source, Told};

use super::counted;
use super::line_buffer::LineBuffer;
use super::upload::{Uploader, send_all};
use crate::settings::Settings;

/// A receiver of OpenTelemetry, as the settings and the variables of its specification name it.
pub(super) struct Receiver {
    base: String,
    endpoint: Endpoint,
    headers: Vec<(String, String)>,
    signals: Vec<Signal>,
    source: Source,
    told: Arc<Mutex<Told>>,
}

impl Receiver {
    /// The receiver, if events go to one.
    pub(super) fn of(settings: &Settings) -> anyhow::Result<Option<Self>> {
        let Some(url) = &settings.otlp.value else { return Ok(None) };
        let origin = &settings.otlp.origin;
        let base = if url == "env" {
            variable("OTEL_EXPORTER_OTLP_ENDPOINT")
                .with_context(|| format!("{origin}: OTEL_EXPORTER_OTLP_ENDPOINT is not set"))?
        } else {
            url.clone()
        };
        let endpoint = Endpoint::new(&base).with_context(|| format!("{origin}: cannot send to this receiver"))?;
        if variable("OTEL_EXPORTER_OTLP_PROTOCOL").is_some_and(|protocol| protocol != "http/protobuf") {
            bail!("{origin}: OTEL_EXPORTER_OTLP_PROTOCOL: only http/protobuf is spoken");
        }
        let pairs = |name| {
            let text = variable(name).unwrap_or_default();
            pairs(&text).with_context(|| format!("{name}: expected name=value, separated by commas"))
        };
        let is_on = |signal: &Signal| {
            let name = match signal {
                Signal::Logs => "OTEL_LOGS_EXPORTER",
                Signal::Traces => "OTEL_TRACES_EXPORTER",
                Signal::Metrics => "OTEL_METRICS_EXPORTER",
            };
            variable(name).is_none_or(|exporter| exporter != "none")
        };
        let mut source = Source::default().with("service.instance.id", instance());
        for (name, value) in pairs("OTEL_RESOURCE_ATTRIBUTES")? {
            source = source.with(name, value);
        }
        if let Some(name) = variable("OTEL_SERVICE_NAME") {
            source = source.with("service.name", name);
        }
        Ok(Some(Self {
            base: base.trim().to_owned(),
            endpoint,
            headers: pairs("OTEL_EXPORTER_OTLP_HEADERS")?,
            signals: Signal::ALL.into_iter().filter(is_on).collect(),
            source,
            told: Arc::default(),
        }))
    }

    fn transport(&self, settings: &Settings) -> anyhow::Result<Otlp> {
        let client = HttpClient::new(settings.certificates()?.as_deref())
            .with_context(|| format!("cannot use the certificates that {} names", settings.certificates.origin))?;
        let relay = Relay::new(&self.base, &self.signals, self.source.clone());
        Ok(Otlp { relay, client, headers: self.headers.clone(), told: self.told.clone() })
    }

    /// What sends batches to the receiver.
    pub(super) fn courier(&self, settings: &Settings) -> anyhow::Result<Courier> {
        let transport = Box::new(self.transport(settings)?);
        Ok(Courier::new(self.endpoint.clone(), transport, Arc::new(NoAuth), settings.timeout()))
    }

    /// A ledger that sends to the receiver.
    pub(super) fn ledger(&self, builder: LedgerBuilder, settings: &Settings) -> anyhow::Result<LedgerBuilder> {
        Ok(builder.upload(self.endpoint.clone(), Arc::new(NoAuth)).transport(self.transport(settings)?))
    }

    /// What a person should know of what the receiver did.
    pub(super) fn says(&self) -> Vec<String> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut lines = Vec::new();
        if told.rejected > 0 {
            lines.push(format!("the OpenTelemetry receiver left out {} of what it took", told.rejected));
        }
        if told.spans_without_time > 0 {
            let spans = counted(told.spans_without_time, "turn or call");
            lines.push(format!("{spans} in no trace: nothing says when"));
        }
        lines
    }
}

/// Where events wait for the receiver: beside those that wait for a server.
pub(super) fn spool(settings: &Settings) -> Option<PathBuf> {
    let mut path = settings.spool.value.clone()?.into_os_string();
    path.push(".otlp");
    Some(path.into())
}

/// Tells this process from others that send, and says nothing of the machine.
fn instance() -> String {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        bytes[..8].copy_from_slice(&now().0.to_be_bytes());
        bytes[8..12].copy_from_slice(&std::process::id().to_be_bytes());
    }
    format!("{:032x}", u128::from_be_bytes(bytes))
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// `name=value` pairs, separated by commas; values may have `%20` and the like. `None` if a part is none.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let pair = |part: &str| {
        let (name, value) = part.split_once('=')?;
        Some((name.trim().to_owned(), decoded(value.trim())?)).filter(|(name, _)| !name.is_empty())
    };
    parts.map(pair).collect()
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        rest = others;
        match (first, others) {
            (b'%', [high, low, behind @ ..]) => {
                let digits = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
                rest = behind;
            }
            (b'%', _) => return None,
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Sends each batch as what the receiver takes.
struct Otlp {
    relay: Relay,
    client: HttpClient,
    headers: Vec<(String, String)>,
    told: Arc<Mutex<Told>>,
}

impl Transport for Otlp {
    fn send(&mut self, request: UploadRequest, reply: UploadReply) {
        let until = Instant::now() + request.timeout;
        let key = request.headers.iter().find(|header| header.name == "Idempotency-Key");
        let key = key.map(|key| key.value.expose_secret().to_owned()).unwrap_or_default();
        let batch = String::from_utf8(request.body).unwrap_or_default();
        let (client, headers) = (&mut self.client, &self.headers);
        let mut last = None;
        let response = self.relay.send(&key, &batch, now(), &mut |Post { url, body, .. }| {
            let ours = [("Content-Type", "application/x-protobuf")].into_iter();
            let theirs = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let headers = ours.chain(theirs).map(|(name, value)| Header::new(name, value)).collect();
            let rest = until.saturating_duration_since(Instant::now());
            let answer = posted(client, UploadRequest::new(url, headers, body, rest));
            let posted = match &answer {
                Ok(answer) => Posted::new(answer.response(), answer.body()),
                Err(error) => Posted::new(error.response(), []),
            };
            last = Some(answer);
            posted
        });
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone_from(self.relay.told());
        let of_last = last.as_ref().map(|answer| match answer {
            Ok(answer) => answer.response(),
            Err(error) => error.response(),
        });
        reply.give(match (last, response) {
            // With all that it says: when to come again, or what went wrong.
            (Some(last), response) if of_last == Some(response) => last,
            (_, Response::Status { code, .. }) => Ok(UploadResponse::new(code)),
            _ => Err(SendError::no_answer("the receiver did not take all")),
        });
    }
}

/// Sends a request, and waits for what comes of it: the client blocks.
fn posted(client: &mut HttpClient, request: UploadRequest) -> Result<UploadResponse, SendError> {
    let (take, answer) = std::sync::mpsc::channel();
    client.send(
        request,
        Reply::new(move |answer| {
            // The other end waits below.
            let _ = take.send(answer);
        }),
    );
    answer.recv().ok().flatten().unwrap_or_else(|| Err(SendError::no_answer("the client gave no answer")))
}

/// How many events of a command wait at most before they are sent.
const AT_ONCE: usize = 1000;

/// How long a command keeps trying while the receiver is away or busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// Takes a command's events, one JSON line each, and sends them: first to the spool, so that what cannot be sent now is sent
/// by the next command or tap.
pub(super) struct Lines {
    receiver: Receiver,
    policy: Option<Policy<Sha2>>,
    uploader: Uploader,
    spool: Spool,
    /// The folder of a spool that ends with the command.
    temporary: Option<tempfile::TempDir>,
    lines: LineBuffer,
    waiting: Vec<StoredEvent>,
    withheld: u64,
    /// Why nothing more is sent.
    stopped: Option<String>,
}

impl Lines {
    /// What sends a command's events, if they go to a receiver.
    pub(super) fn of(settings: &Settings) -> anyhow::Result<Option<Self>> {
        let Some(receiver) = Receiver::of(settings)? else { return Ok(None) };
        if !settings.enabled.value {
            bail!(
                "analytics are off ({}): nothing is sent, so leave out {}",
                settings.enabled.origin,
                settings.otlp.origin
            );
        }
        // Where the policy cannot be kept to, nothing may leave.
        let policy = settings.policy()?;
        let uploader = Uploader::new(receiver.courier(settings)?, PATIENCE);
        let temporary = match spool(settings) {
            Some(_) => None,
            None => Some(tempfile::tempdir().context("cannot make a temporary folder")?),
        };
        let path = match (&temporary, spool(settings)) {
            (Some(folder), _) => folder.path().join("spool"),
            (None, path) => path.unwrap_or_default(),
        };
        if let Some(folder) = path.parent() {
            turnledger::private_file::make_private_folder(folder)
                .with_context(|| format!("cannot use {}", folder.display()))?;
        }
        let spool = super::spool::open(&path, settings.store_limits(), Duration::from_secs(10))?;
        Ok(Some(Self {
            receiver,
            policy,
            uploader,
            spool,
            temporary,
            lines: LineBuffer::default(),
            waiting: Vec::new(),
            withheld: 0,
            stopped: None,
        }))
    }

    /// Takes a line: an event, or one behind the number of its recording and a time, each with a tab behind it.
    fn take_line(&mut self, line: &[u8]) -> anyhow::Result<()> {
        let begin = line.iter().position(|byte| *byte == b'{').unwrap_or_default();
        let event: Event = serde_json::from_slice(&line[begin..]).context("what was made is no event")?;
        let json = event.to_json();
        let leaves = match &self.policy {
            Some(policy) => policy.apply(&json).ok(),
            None => Some(json),
        };
        match leaves {
            Some(json) => {
                self.waiting.push(StoredEvent::from_json(now(), AccountKey::NONE, json, event.is_isolated()));
            }
            None => self.withheld += 1,
        }
        if self.waiting.len() >= AT_ONCE { self.deliver() } else { Ok(()) }
    }

    fn deliver(&mut self) -> anyhow::Result<()> {
        self.spool.append(&std::mem::take(&mut self.waiting), now())?;
        if self.stopped.is_none() {
            self.stopped =
                send_all(&mut self.uploader, &mut self.spool, &ProgressBar::hidden())?.err().map(|stopped| stopped.0);
        }
        Ok(())
    }

    /// Sends what is left, and says what became of it. Whether all was delivered.
    pub(super) fn finish(mut self, is_quiet: bool) -> anyhow::Result<bool> {
        self.deliver()?;
        let left = self.spool.waiting()?.events;
        if !is_quiet {
            eprintln!("{} sent to {}", counted(self.uploader.delivered(), "event"), self.receiver.base);
            if self.withheld > 0 {
                eprintln!("{} kept back by the policy", counted(self.withheld, "event"));
            }
            for line in self.receiver.says() {
                eprintln!("{line}");
            }
        }
        if left > 0 {
            let why = self.stopped.as_deref().unwrap_or("another process sends them");
            let then = if self.temporary.is_some() { "lost" } else { "kept for the next time" };
            eprintln!("turnledger: {why}; {} not sent: {then}", counted(left, "event"));
        }
        Ok(left == 0 && self.uploader.refused() == 0)
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = std::mem::take(&mut self.lines);
        let added = lines.add(bytes, |line| self.take_line(line));
        self.lines = lines;
        added.map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() { Ok(()) } else { self.deliver().map_err(io::Error::other) }
    }
}

/// Writes the same to two.
pub(super) struct Both<'w>(pub(super) &'w mut dyn Write, pub(super) &'w mut Lines);

impl Write for Both<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(bytes)?;
        self.1.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()?;
        self.1.flush()
    }
}
