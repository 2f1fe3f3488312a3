//! Settings: flags win over the environment, that over `turnledger.toml`, and that over the defaults.

mod args;
mod layers;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use turnledger::Sha2;
use turnledger::delivery::auth::{AuthProvider, Credentials, NoAuth};
use turnledger::delivery::{Courier, Endpoint, HttpClient, Reply, TokenFile};
use turnledger::ledger::disabled_by_environment;
use turnledger::store::StoreLimits;
use turnledger_core::BatchLimits;
use turnledger_core::policy::{Policy, PolicyError};

pub(crate) use self::args::{BatchArgs, Flags, KeepArgs, KeyArgs, OtlpArgs, SpoolArgs, StoreArgs, UploadArgs};
use self::layers::{Layers, PolicyTable};
pub(crate) use self::layers::{Origin, Unusable};

/// A value, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

/// What is spoken with a receiver of OpenTelemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OtlpProtocol {
    HttpProtobuf,
    Grpc,
}

impl OtlpProtocol {
    /// By its name in OpenTelemetry's specification.
    pub(crate) fn of(name: &str) -> Option<Self> {
        [Self::HttpProtobuf, Self::Grpc].into_iter().find(|protocol| protocol.name() == name)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::HttpProtobuf => "http/protobuf",
            Self::Grpc => "grpc",
        }
    }
}

/// All settings in force.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The settings file, whether it exists or not.
    pub(crate) file: Option<PathBuf>,
    pub(crate) is_file_there: bool,
    pub(crate) enabled: Setting<bool>,
    pub(crate) key_file: Setting<Option<PathBuf>>,
    pub(crate) upload: Setting<Option<String>>,
    pub(crate) auth: Setting<Option<PathBuf>>,
    pub(crate) token_file: Setting<Option<PathBuf>>,
    pub(crate) certificates: Setting<Option<PathBuf>>,
    pub(crate) timeout_seconds: Setting<u64>,
    pub(crate) batch_events: Setting<u64>,
    pub(crate) batch_bytes: Setting<u64>,
    pub(crate) batch_seconds: Setting<u64>,
    pub(crate) spool: Setting<Option<PathBuf>>,
    pub(crate) spool_bytes: Setting<u64>,
    pub(crate) spool_days: Setting<u64>,
    pub(crate) store: Setting<Option<PathBuf>>,
    pub(crate) otlp: Setting<Option<String>>,
    pub(crate) otlp_protocol: Setting<OtlpProtocol>,
    policy: Option<PolicyTable>,
}

/// The names of the settings. A flag has `-` for `_`; a variable is `TURNLEDGER_` and the name in upper case.
const NAMES: [&str; 16] = [
    "enabled",
    "key_file",
    "upload",
    "auth",
    "token_file",
    "certificates",
    "timeout_seconds",
    "batch_events",
    "batch_bytes",
    "batch_seconds",
    "spool",
    "spool_bytes",
    "spool_days",
    "store",
    "otlp",
    "otlp_protocol",
];

const SECONDS_A_DAY: u64 = 24 * 3600;

impl Settings {
    /// The settings in force. `flags` are the command's, `config` is the file that `--config` names.
    pub(crate) fn load(config: Option<&Path>, flags: &[&dyn Flags]) -> Result<Self, Unusable> {
        let layers = Layers::read(config, flags)?;
        let limits = StoreLimits::default();
        let count = |name, default| layers.get(name, default, |text, _| count(text));
        let size = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let path = |name, default| layers.get(name, default, |text, origin| Ok(path(text, origin)));
        let settings = Self {
            enabled: match disabled_by_environment() {
                Some(name) => Setting { value: false, origin: Origin::Environment(name.into()) },
                None => layers.get("enabled", true, |text, _| truth(text))?,
            },
            key_file: path("key_file", None)?,
            upload: layers.get("upload", None, |text, _| url(text))?,
            auth: path("auth", None)?,
            token_file: path("token_file", None)?,
            certificates: path("certificates", None)?,
            timeout_seconds: count("timeout_seconds", 10)?,
            batch_events: count("batch_events", size(limits.batch.events))?,
            batch_bytes: count("batch_bytes", size(limits.batch.bytes))?,
            batch_seconds: count("batch_seconds", limits.batch_age.as_secs())?,
            spool: path("spool", default_spool())?,
            spool_bytes: count("spool_bytes", limits.bytes)?,
            spool_days: count("spool_days", limits.age.as_secs() / SECONDS_A_DAY)?,
            store: path("store", default_store())?,
            otlp: layers.get("otlp", None, |text, _| url(text))?,
            otlp_protocol: layers.get("otlp_protocol", OtlpProtocol::HttpProtobuf, |text, _| {
                text.to_str().and_then(OtlpProtocol::of).ok_or("expected http/protobuf or grpc")
            })?,
            is_file_there: layers.is_file_there(),
            policy: layers.policy(),
            file: layers.into_file(),
        };
        if settings.auth.value.is_some() && settings.token_file.value.is_some() {
            let (origin, problem) =
                (settings.token_file.origin, "there are credentials in `auth`, too: set one of them");
            return Err(Unusable::Value { origin, name: "token_file", problem });
        }
        Ok(settings)
    }

    /// Each setting's name, its value as TOML has it, and where it comes from.
    pub(crate) fn rows(&self) -> [(&'static str, String, &Origin); NAMES.len()] {
        fn text(value: &str) -> String {
            // A JSON string is a TOML string, too.
            serde_json::Value::from(value).to_string()
        }
        let path = |value: &Option<PathBuf>| text(&value.as_ref().map_or("none".into(), |path| path.to_string_lossy()));
        let values = [
            (self.enabled.value.to_string(), &self.enabled.origin),
            (path(&self.key_file.value), &self.key_file.origin),
            (text(self.upload.value.as_deref().unwrap_or("none")), &self.upload.origin),
            (path(&self.auth.value), &self.auth.origin),
            (path(&self.token_file.value), &self.token_file.origin),
            (path(&self.certificates.value), &self.certificates.origin),
            (self.timeout_seconds.value.to_string(), &self.timeout_seconds.origin),
            (self.batch_events.value.to_string(), &self.batch_events.origin),
            (self.batch_bytes.value.to_string(), &self.batch_bytes.origin),
            (self.batch_seconds.value.to_string(), &self.batch_seconds.origin),
            (path(&self.spool.value), &self.spool.origin),
            (self.spool_bytes.value.to_string(), &self.spool_bytes.origin),
            (self.spool_days.value.to_string(), &self.spool_days.origin),
            (path(&self.store.value), &self.store.origin),
            (text(self.otlp.value.as_deref().unwrap_or("none")), &self.otlp.origin),
            (text(self.otlp_protocol.value.name()), &self.otlp_protocol.origin),
        ];
        let mut names = NAMES.into_iter();
        values.map(|(value, origin)| (names.next().unwrap_or_default(), value, origin))
    }

    /// What makes the hashes.
    pub(crate) fn digest(&self) -> anyhow::Result<Sha2> {
        let Some(path) = &self.key_file.value else { return Ok(Sha2::default()) };
        let key = fs::read(path).with_context(|| format!("cannot read the key in {}", path.display()))?;
        let key = key.strip_suffix(b"\n").unwrap_or(&key);
        let key = key.strip_suffix(b"\r").unwrap_or(key);
        Sha2::keyed(key).with_context(|| format!("cannot use the key in {}", path.display()))
    }

    /// Where events wait for the receiver of OpenTelemetry: beside those that wait for a server.
    pub(crate) fn otlp_spool(&self) -> Option<PathBuf> {
        let mut path = self.spool.value.clone()?.into_os_string();
        path.push(".otlp");
        Some(path.into())
    }

    /// What leaves this machine, if there are rules. Where they cannot be kept to, nothing may leave.
    pub(crate) fn policy(&self) -> anyhow::Result<Option<Policy<Sha2>>> {
        let (Some(table), Some(file)) = (&self.policy, &self.file) else { return Ok(None) };
        let policy = Policy::new(&table.json, self.digest()?).map_err(|error| {
            let hint = if error == PolicyError::NoKey { " (--key-file)" } else { "" };
            let line = table.line_of(rule_of(&error));
            anyhow!("{}:{line}: policy: {error}{hint}; nothing is sent", file.display())
        });
        if let Some((rule, name)) = table.unknown_member() {
            let line = table.line_of(Some(rule));
            bail!("{}:{line}: policy: `{rule}`: no event has a member `{name}`; nothing is sent", file.display());
        }
        policy.map(Some)
    }

    /// The rules of the policy, if there is one: each rule's name, its value as TOML has it, and where it stands.
    pub(crate) fn policy_rules(&self) -> Option<Vec<(String, String, Origin)>> {
        let (table, file) = (self.policy.as_ref()?, self.file.as_ref()?);
        let rules = table.rules().into_iter();
        Some(rules.map(|(name, value, line)| (name, value, Origin::File { path: file.clone(), line })).collect())
    }

    /// Whether the spool is at its default place, whose folder the program makes itself.
    pub(crate) fn has_default_spool(&self) -> bool {
        self.spool.value == default_spool()
    }

    /// The SQLite file in which events waited before a spool was a folder, if it is there and nobody says where the spool
    /// is.
    pub(crate) fn old_spool(&self) -> Option<PathBuf> {
        let old = Self::state_folder()?.join("spool.db");
        (self.has_default_spool() && old.is_file()).then_some(old)
    }

    /// The store's file.
    pub(crate) fn store(&self) -> anyhow::Result<&Path> {
        let none = || format!("there is no store: {} says `none`", self.store.origin);
        self.store.value.as_deref().with_context(none)
    }

    /// The folder for state, where it can be told.
    pub(crate) fn state_folder() -> Option<PathBuf> {
        xdg_folder("XDG_STATE_HOME", ".local/state")
    }

    /// The folder for data, where it can be told.
    pub(crate) fn data_folder() -> Option<PathBuf> {
        xdg_folder("XDG_DATA_HOME", ".local/share")
    }

    /// How much may wait, and how it is grouped into requests.
    pub(crate) fn store_limits(&self) -> StoreLimits {
        let size = |number| usize::try_from(number).unwrap_or(usize::MAX);
        let batch = BatchLimits::default().events(size(self.batch_events.value)).bytes(size(self.batch_bytes.value));
        StoreLimits::default()
            .batch(batch)
            .batch_age(Duration::from_secs(self.batch_seconds.value))
            .bytes(self.spool_bytes.value)
            .age(Duration::from_secs(self.spool_days.value.saturating_mul(SECONDS_A_DAY)))
    }

    /// Where events go, if they go anywhere.
    pub(crate) fn endpoint(&self) -> anyhow::Result<Option<Endpoint>> {
        let endpoint = self.upload.value.as_deref().map(Endpoint::new).transpose();
        endpoint.with_context(|| format!("{}: cannot send to this server", self.upload.origin))
    }

    /// The longest time of a request.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.value)
    }

    /// What puts credentials on requests.
    pub(crate) fn auth(&self) -> Arc<dyn AuthProvider> {
        match (&self.auth.value, &self.token_file.value) {
            (Some(path), _) => Arc::new(TokenFile::new(path.clone())),
            (None, Some(path)) => Arc::new(TokenFile::bearer(path.clone())),
            (None, None) => Arc::new(NoAuth),
        }
    }

    /// Whether the file with a token has one.
    pub(crate) fn check_token(&self) -> anyhow::Result<()> {
        let Some(path) = &self.token_file.value else { return Ok(()) };
        fs::metadata(path).with_context(|| format!("cannot read the token in {}", path.display()))?;
        let (given, token) = mpsc::channel();
        self.auth().credentials(Reply::new(move |credentials| _ = given.send(credentials)));
        match token.recv() {
            Ok(Some(Credentials::Headers { .. })) => Ok(()),
            _ => bail!("{}: expected a token and nothing else in it", path.display()),
        }
    }

    /// The PEM certificates to trust instead of the public authorities.
    pub(crate) fn certificates(&self) -> anyhow::Result<Option<Vec<u8>>> {
        let read = |path: &PathBuf| {
            fs::read(path).with_context(|| format!("cannot read the certificates in {}", path.display()))
        };
        self.certificates.value.as_ref().map(read).transpose()
    }

    /// What sends batches, if they go anywhere.
    pub(crate) fn courier(&self) -> anyhow::Result<Option<Courier>> {
        let Some(endpoint) = self.endpoint()? else { return Ok(None) };
        self.check_token()?;
        let client = HttpClient::new(self.certificates()?.as_deref())
            .with_context(|| format!("cannot use the certificates that {} names", self.certificates.origin))?;
        Ok(Some(Courier::new(endpoint, Box::new(client), self.auth(), self.timeout())))
    }
}

/// The rule that a policy's fault is about.
fn rule_of(error: &PolicyError) -> Option<&str> {
    match error {
        PolicyError::UnknownRule(name)
        | PolicyError::Repeated(name)
        | PolicyError::EmptyName(name)
        | PolicyError::UnknownEvent(name)
        | PolicyError::Params(name) => Some(name),
        PolicyError::Coarseness => Some("coarsen_times"),
        _ => None,
    }
}

/// The spool's place in the folder for state of the XDG specification.
fn default_spool() -> Option<PathBuf> {
    Some(Settings::state_folder()?.join("spool"))
}

/// The store's place in the same folder.
fn default_store() -> Option<PathBuf> {
    Some(Settings::state_folder()?.join("events.db"))
}

/// Our folder in one of the XDG specification's.
fn xdg_folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let set = std::env::var_os(variable).map(PathBuf::from).filter(|folder| folder.is_absolute());
    Some(set.or_else(|| Some(std::env::home_dir()?.join(below_home)))?.join("turnledger"))
}

fn count(text: &OsStr) -> Result<u64, &'static str> {
    // A larger number could overflow when it is added to a time.
    let count =
        text.to_str().and_then(|text| text.parse().ok()).filter(|count| (1..=1_000_000_000_000).contains(count));
    count.ok_or("expected a whole number, 1 or more")
}

fn truth(text: &OsStr) -> Result<bool, &'static str> {
    match text.to_str() {
        Some("true" | "1") => Ok(true),
        Some("false" | "0") => Ok(false),
        _ => Err("expected true or false"),
    }
}

fn is_none(text: &OsStr) -> bool {
    text == "none" || text.is_empty()
}

fn url(text: &OsStr) -> Result<Option<String>, &'static str> {
    if is_none(text) {
        return Ok(None);
    }
    text.to_str().map(|text| Some(text.to_owned())).ok_or("expected a URL or `none`")
}

/// A path in the file begins at the file's folder.
fn path(text: &OsStr, origin: &Origin) -> Option<PathBuf> {
    if is_none(text) {
        return None;
    }
    let path = Path::new(text);
    if let (Ok(below), Some(home)) = (path.strip_prefix("~"), std::env::home_dir()) {
        return Some(home.join(below));
    }
    match origin {
        Origin::File { path: file, .. } => Some(file.parent().unwrap_or(file).join(path)),
        // As the shell means it; without a current folder it stays as it is.
        _ => Some(std::path::absolute(path).unwrap_or_else(|_| path.to_owned())),
    }
}
