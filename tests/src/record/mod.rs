//! Records sessions of any version of Codex: what passes, what it uploads, and what it leaves on disk.

mod client;
pub mod page;
pub mod parity;
pub mod protocol;
mod scenario;
mod scenarios;
pub mod starts;
pub mod versions;
pub mod vocabulary;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, io};

use serde_json::{Value, json};

use self::client::{Client, milliseconds};
pub use self::scenario::{Do, Scenario};
pub use self::scenarios::all;
use crate::codex::script::Script;
use crate::codex::{Model, install, login, workspace};

/// How long Codex is silent when it has uploaded all.
const SILENCE: Duration = Duration::from_millis(1500);
/// How long it may go on uploading.
const UPLOADS: Duration = Duration::from_secs(10);

/// The policy by which a user of earlier versions is asked for every command.
const ASKS_ALWAYS: &str = "untrusted";

/// A text with what its stand-ins stand for.
fn filled(text: &str, kept: &BTreeMap<String, Value>) -> String {
    kept.iter().fold(text.to_owned(), |text, (name, value)| match value {
        Value::String(value) => text.replace(&format!("${name}"), value),
        _ => text,
    })
}

/// A version of Codex, as it is recorded.
#[derive(Clone, Debug)]
pub struct Codex {
    binary: PathBuf,
    /// Models that it knows: what tools there are depends on them.
    models: [&'static str; 2],
    /// The policy that asks most.
    asks: &'static str,
}

impl Codex {
    /// A version such as `0.131.0`, fetched if it is not there.
    ///
    /// # Errors
    ///
    /// Why it cannot be had.
    pub fn new(version: &str) -> Result<Self, String> {
        let binary = install(version)?;
        let binary = binary.canonicalize().map_err(|error| format!("{}: {error}", binary.display()))?;
        // Its catalogue of models is a text inside.
        let old = Command::new("grep").args(["-qaF", r#""slug": "gpt-5.3-codex""#]).arg(&binary).status();
        let is_old = old.map_err(|error| format!("grep: {error}"))?.success();
        let models = if is_old { ["gpt-5.3-codex", "gpt-5.2"] } else { ["gpt-5.5", "gpt-5.6-sol"] };
        // Newer versions refuse to start with the policy that asks for every command.
        let home = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut server = Command::new(&binary);
        server.args(["-c", &format!("approval_policy={ASKS_ALWAYS:?}"), "app-server"]).env("CODEX_HOME", home.path());
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let starts = server.status().map_err(|error| format!("{}: {error}", binary.display()))?.success();
        let asks = if starts { ASKS_ALWAYS } else { "on-request" };
        Ok(Self { binary, models, asks })
    }
}

/// Records a scenario into a folder of its name.
///
/// # Errors
///
/// If the binary does not start, or stops in the middle; and what the file system says.
pub fn record(codex: &Codex, scenario: &Scenario, out: &Path) -> io::Result<()> {
    let Codex { binary, models: [usual_model, other_model], asks } = codex;
    let root = tempfile::tempdir()?;
    let workspace = workspace();
    let home = root.path().join(".codex");
    fs::create_dir(&home)?;
    let script = Script { asks_by_escalation: *asks != ASKS_ALWAYS, ..scenario.script.clone() };
    let model = Model::new(script);
    let path = |path: &Path| path.display().to_string();
    let kept = [
        ("workspace", path(workspace.path())),
        ("home", path(&home)),
        ("root", path(root.path())),
        ("model", (*usual_model).into()),
        ("other_model", (*other_model).into()),
        ("asks", (*asks).into()),
    ];
    let kept: BTreeMap<String, Value> = kept.into_iter().map(|(name, text)| (name.into(), text.into())).collect();
    fs::write(home.join("auth.json"), login().to_string())?;
    fs::write(home.join("config.toml"), filled(&settings(&model, scenario), &kept))?;
    for (path, text) in &scenario.files {
        let path = PathBuf::from(filled(path, &kept));
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        fs::write(path, text)?;
    }

    let mut server = Command::new(binary);
    server.args(["app-server", "--analytics-default-enabled"]).current_dir(workspace.path());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy().to_lowercase();
        if text.contains("proxy") || text.starts_with("openai") || text.starts_with("codex") {
            server.env_remove(&name);
        }
    }
    server.env("HOME", root.path()).env("CODEX_HOME", &home).env("RUST_LOG", "warn");
    let stderr = root.path().join("stderr.txt");
    server.stderr(fs::File::create(&stderr)?);
    let driven = Client::start(server, scenario, kept).and_then(|mut client| {
        scenario.steps.iter().try_for_each(|step| client.step(step))?;
        Ok(client)
    });
    let client = driven.map_err(|error| {
        let said = fs::read_to_string(&stderr).unwrap_or_default();
        let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("nothing");
        io::Error::new(error.kind(), format!("{error}; the last that the server said: {last}"))
    })?;
    let until = Instant::now() + UPLOADS;
    let mut count = usize::MAX;
    while count != model.uploads().len() && Instant::now() < until {
        count = model.uploads().len();
        thread::sleep(SILENCE);
    }
    let traffic = client.finish()?;

    // Longer ones first: one may be the beginning of another.
    let package = binary.ancestors().nth(3).unwrap_or(binary);
    let name = workspace.path().file_name().unwrap_or_default();
    let host = fs::read_to_string("/proc/sys/kernel/hostname")?;
    let stand_ins = [
        (workspace.path().display().to_string(), "/workspace/demo"),
        (name.display().to_string(), "demo"),
        (root.path().display().to_string(), "/home/dev"),
        (package.display().to_string(), "/opt/codex"),
        (format!("127.0.0.1:{}", model.port()), "127.0.0.1:8080"),
        // The name of the machine, which may be a common word elsewhere.
        (format!(r#""serverName":"{}""#, host.trim()), r#""serverName":"host""#),
    ];
    let clean = |text: &str| {
        stand_ins.iter().fold(text.to_owned(), |text, (private, stand_in)| text.replace(private, stand_in))
    };
    let folder = out.join(scenario.name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("traffic.jsonl"), clean(&(traffic.join("\n") + "\n")))?;
    let uploads = model.uploads().into_iter();
    let uploads: Vec<_> =
        uploads.map(|upload| json!({ "at_ms": milliseconds(upload.at), "body": upload.body })).collect();
    fs::write(folder.join("uploads.json"), clean(&serde_json::to_string_pretty(&uploads)?) + "\n")?;
    rollouts(&home, &mut |file| {
        let name = file.file_name().unwrap_or_default();
        let folder = folder.join("rollouts");
        fs::create_dir_all(&folder)?;
        let text = match file.extension() {
            Some(extension) if extension == "zst" => zstd::decode_all(fs::File::open(file)?)?,
            _ => fs::read(file)?,
        };
        fs::write(folder.join(name).with_extension("jsonl"), clean(&String::from_utf8_lossy(&text)))
    })
}

/// Finds what Codex left on disk of its sessions.
fn rollouts(folder: &Path, found: &mut impl FnMut(&Path) -> io::Result<()>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            rollouts(&path, found)?;
        } else if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("rollout-")) {
            found(&path)?;
        }
    }
    Ok(())
}

/// The settings of a scenario: what is not said there is the usual.
fn settings(model: &Model, scenario: &Scenario) -> String {
    let url = format!("http://127.0.0.1:{}", model.port());
    let usual = [
        ("model", "$model".into()),
        ("approval_policy", "never".into()),
        ("sandbox_mode", "danger-full-access".into()),
        ("model_provider", "scripted".into()),
        ("chatgpt_base_url", format!("{url}/backend-api").into()),
        ("cli_auth_credentials_store", "file".into()),
        ("check_for_update_on_startup", false.into()),
        ("analytics.enabled", true.into()),
        ("features.general_analytics", true.into()),
        ("features.plugins", false.into()),
        ("features.apps", false.into()),
        ("model_providers.scripted.name", "OpenAI".into()),
        ("model_providers.scripted.base_url", format!("{url}/v1").into()),
        ("model_providers.scripted.wire_api", "responses".into()),
        ("model_providers.scripted.request_max_retries", 0.into()),
        ("model_providers.scripted.stream_max_retries", 0.into()),
        ("model_providers.scripted.supports_websockets", false.into()),
        ("model_providers.scripted.requires_openai_auth", true.into()),
        (r#"projects."$workspace".trust_level"#, "trusted".into()),
    ];
    // A JSON text, number, flag or list of these is one of TOML.
    let all: BTreeMap<&str, Value> = usual.into_iter().chain(scenario.settings.iter().cloned()).collect();
    let lines: Vec<_> = all.into_iter().map(|(key, value)| format!("{key} = {value}")).collect();
    lines.join("\n")
}

/// What became of a scenario.
#[derive(Debug)]
pub struct Outcome {
    /// Its name.
    pub name: &'static str,
    /// How long it took.
    pub took: Duration,
    /// Whether it could be recorded.
    pub result: io::Result<()>,
}

/// Records scenarios, some at once, into a folder; tells of each when it is over.
pub fn record_all(codex: &Codex, scenarios: Vec<Scenario>, jobs: usize, out: &Path, tell: impl Fn(&Outcome) + Sync) {
    let queue = Mutex::new(scenarios.into_iter());
    let next = || queue.lock().ok()?.next();
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(scenario) = next() {
                    let start = Instant::now();
                    let result = record(codex, &scenario, out);
                    tell(&Outcome { name: scenario.name, took: start.elapsed(), result });
                }
            });
        }
    });
}
