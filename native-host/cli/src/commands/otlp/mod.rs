//! Sending events to a receiver of OpenTelemetry: beside a tap, an import or a replay.

mod grpc;
mod lines;
mod onward;
mod transport;

use std::env;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};
use turnledger::delivery::auth::NoAuth;
use turnledger::delivery::{Courier, Endpoint, HttpClient};
use turnledger::ledger::LedgerBuilder;
use turnledger::now;
use turnledger_export::otlp::{Relay, Signal, Source, Told};

use self::grpc::GrpcClient;
pub(super) use self::lines::Lines;
use self::transport::{Client, Otlp};
use super::counted;
use super::upload::host;
use crate::settings::{Origin, OtlpProtocol, Settings};

/// A receiver of OpenTelemetry, as the settings and the variables of its specification name it.
pub(super) struct Receiver {
    base: String,
    protocol: OtlpProtocol,
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
        let protocol = protocol(settings)?;
        check_path(&base, protocol).with_context(|| format!("{origin}: cannot send to this receiver"))?;
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
            protocol,
            endpoint,
            headers: pairs("OTEL_EXPORTER_OTLP_HEADERS")?,
            signals: Signal::ALL.into_iter().filter(is_on).collect(),
            source,
            told: Arc::default(),
        }))
    }

    /// Its host, as it is told: the path may be a key.
    pub(super) fn host(&self) -> &str {
        host(&self.base)
    }

    fn transport(&self, settings: &Settings) -> anyhow::Result<Otlp> {
        let certificates = settings.certificates()?;
        // Over gRPC, too: this client says what is wrong with the certificates.
        let client = HttpClient::new(certificates.as_deref())
            .with_context(|| format!("cannot use the certificates that {} names", settings.certificates.origin))?;
        let client = match self.protocol {
            OtlpProtocol::HttpProtobuf => Client::Http { client, headers: self.headers.clone() },
            OtlpProtocol::Grpc => Client::Grpc(
                GrpcClient::new(&self.base, &self.headers, certificates)
                    .with_context(|| format!("{}: cannot send over gRPC", settings.otlp.origin))?,
            ),
        };
        Ok(Otlp::new(Relay::new(&self.base, &self.signals, self.source.clone()), client, self.told.clone()))
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

/// Refuses what would send where nothing is to be sent.
fn check_enabled(settings: &Settings) -> anyhow::Result<()> {
    if settings.enabled.value {
        return Ok(());
    }
    bail!("analytics are off ({}): nothing is sent, so leave out {}", settings.enabled.origin, settings.otlp.origin)
}

/// What is spoken with the receiver: the setting, else the variable of the specification.
fn protocol(settings: &Settings) -> anyhow::Result<OtlpProtocol> {
    let setting = &settings.otlp_protocol;
    match variable("OTEL_EXPORTER_OTLP_PROTOCOL").filter(|_| setting.origin == Origin::Default) {
        None => Ok(setting.value),
        Some(name) => OtlpProtocol::of(&name).context("OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf or grpc"),
    }
}

/// Refuses a path that belongs to requests, or that nothing would be sent to.
fn check_path(base: &str, protocol: OtlpProtocol) -> anyhow::Result<()> {
    let base = base.trim().trim_end_matches('/');
    let path = base.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map(|(_, path)| format!("/{path}"));
    let Some(path) = path else { return Ok(()) };
    if let Some(signal) = Signal::ALL.into_iter().find(|signal| path.ends_with(signal.path())) {
        bail!("leave out {}: each signal has a path of its own", signal.path());
    }
    if protocol == OtlpProtocol::Grpc {
        bail!("leave out the path: gRPC has none");
    }
    Ok(())
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

/// `name=value` pairs, separated by commas; values may have `%20` and the like. `None` if a part has another form.
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
