//! A client of the real app-server, with the tap between them.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

use super::{Model, Version, binary};
use crate::golden::REMOTE;
use crate::program::command;
use crate::repo::Repo;
use turnledger_testing::Collector;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long Codex may take to upload what it has; it may also lose an event.
const UPLOADS: Duration = Duration::from_secs(20);

/// What a session begins with.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Which Codex.
    pub version: Version,
    /// When the user is asked.
    pub approval_policy: &'static str,
    /// What commands may do.
    pub sandbox_mode: &'static str,
}

impl Setup {
    /// Nobody is asked, and commands may do everything.
    pub fn new(version: Version) -> Self {
        Self { version, approval_policy: "never", sandbox_mode: "danger-full-access" }
    }
}

/// A session with the app-server.
pub struct Session {
    home: tempfile::TempDir,
    workspace: Repo,
    model: Model,
    collector: Collector,
    transport: &'static str,
    child: Child,
    speak: Speak,
    messages: Receiver<String>,
    /// Notifications that nobody has waited for yet.
    seen: VecDeque<Value>,
    /// What the server's requests are answered with, by turns.
    decisions: VecDeque<Value>,
    next_id: u64,
}

/// A client's half of the wire.
type Speak = Box<dyn FnMut(&str)>;

/// A session whose tap knows everything but its command.
struct Unstarted {
    home: tempfile::TempDir,
    workspace: Repo,
    model: Model,
    collector: Collector,
    tap: Command,
}

impl Unstarted {
    fn new(model: Model, setup: Setup, options: &[&str]) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let workspace = workspace();
        let codex_home = home.path().join(".codex");
        fs::create_dir(&codex_home).expect("a folder");
        fs::write(codex_home.join("auth.json"), login().to_string()).expect("a login");
        // What tools a model has depends on its name.
        let name = match setup.version {
            Version::Contract => "gpt-5.3-codex",
            Version::Newest => "gpt-5.5",
        };
        fs::write(codex_home.join("config.toml"), config(&model, name, setup, workspace.path())).expect("settings");
        let collector = Collector::new();
        let stderr = fs::File::create(home.path().join("stderr.txt")).expect("a file");
        let mut tap = command(home.path());
        tap.args(["tap", "--upload", &collector.url()]).args(options);
        tap.arg("--record").arg(home.path().join("record.jsonl"));
        tap.arg("--")
            .arg(binary(setup.version).expect("the binary"))
            .args(["app-server", "--analytics-default-enabled"]);
        tap.current_dir(workspace.path()).env("CODEX_HOME", &codex_home).stderr(stderr);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy().to_lowercase();
            if text.contains("proxy") || text.starts_with("openai") {
                tap.env_remove(&name);
            }
        }
        Self { home, workspace, model, collector, tap }
    }

    fn begin(self, child: Child, speak: Speak, messages: Receiver<String>, transport: &'static str) -> Session {
        let Self { home, workspace, model, collector, .. } = self;
        let (seen, decisions) = (VecDeque::new(), VecDeque::new());
        let mut session = Session {
            home,
            workspace,
            model,
            collector,
            transport,
            child,
            speak,
            messages,
            seen,
            decisions,
            next_id: 0,
        };
        let client = json!({ "name": "turnledger_tests", "title": "Tests", "version": "1.2.3" });
        session.request("initialize", &json!({ "clientInfo": client, "capabilities": { "experimentalApi": true } }));
        session.send(&json!({ "method": "initialized" }));
        session
    }
}

/// What a session left behind.
#[derive(Debug)]
pub struct Finished {
    /// How many events the session is worth.
    pub expected: usize,
    /// The events that Codex uploaded.
    pub real: Vec<Value>,
    /// The events that the tap uploaded.
    pub ours: Vec<Value>,
    /// How the client reached the server.
    pub transport: &'static str,
    /// What the tap wrote with `--record`.
    pub recording: String,
    /// What was said on standard error.
    pub stderr: String,
}

#[allow(clippy::missing_panics_doc, reason = "a test cannot go on without its session")]
impl Session {
    /// Starts the app-server behind the tap, with an account that uploads; over standard input and output.
    pub fn start(model: Model, setup: Setup) -> Self {
        let mut session = Unstarted::new(model, setup, &[]);
        let mut child = session.tap.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the tap starts");
        let (mut stdin, stdout) = (child.stdin.take().expect("its input"), child.stdout.take().expect("its output"));
        let (sender, messages) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let write = move |text: &str| writeln!(stdin, "{text}").and_then(|()| stdin.flush()).expect("it listens");
        session.begin(child, Box::new(write), messages, "stdio")
    }

    /// The same over a WebSocket.
    pub fn start_websocket(model: Model, setup: Setup) -> Self {
        // Somebody else may take the ports before they are used; nobody does.
        let ports =
            [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address"));
        let [address, server] = ports.map(|address| address.to_string());
        let url = format!("ws://{server}");
        let mut session = Unstarted::new(model, setup, &["--websocket", &address, "--server", &url]);
        let child = session.tap.args(["--listen", &url]).spawn().expect("the tap starts");
        let until = Instant::now() + PATIENCE;
        let stream = loop {
            match TcpStream::connect(&address) {
                Ok(stream) => break stream,
                Err(error) => assert!(Instant::now() < until, "the tap listens: {error}"),
            }
            thread::sleep(Duration::from_millis(20));
        };
        let half = || stream.try_clone().expect("the other half");
        let (mut reader, _) = tungstenite::client(format!("ws://{address}/"), half()).expect("a WebSocket");
        let mut writer = WebSocket::from_raw_socket(half(), Role::Client, None);
        let (sender, messages) = channel();
        thread::spawn(move || {
            while let Ok(message) = reader.read() {
                if message.is_text() && sender.send(message.into_text().expect("text").to_string()).is_err() {
                    break;
                }
            }
        });
        let write = move |text: &str| writer.send(Message::text(text)).expect("it listens");
        session.begin(child, Box::new(write), messages, "websocket")
    }

    /// How the next requests for approval are answered.
    pub fn decide(&mut self, decisions: impl IntoIterator<Item = &'static str>) {
        self.decisions.extend(decisions.into_iter().map(|decision| json!({ "decision": decision })));
    }

    /// Asks, and waits for the answer: the whole message, with its result or its error.
    pub fn request(&mut self, method: &str, params: &Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({ "id": id, "method": method, "params": params }));
        self.wait(|message| message.get("method").is_none() && message["id"] == id)
    }

    /// Waits for a notification or a request of the server.
    pub fn until(&mut self, method: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let is_it = |message: &Value| message["method"] == method && is_it(&message["params"]);
        if let Some(at) = self.seen.iter().position(is_it) {
            return self.seen.remove(at).expect("it is there");
        }
        self.wait(is_it)
    }

    /// Starts a thread; returns its id.
    pub fn thread(&mut self) -> String {
        let started = self.request("thread/start", &json!({ "cwd": self.workspace.path() }));
        id_of(&started["result"]["thread"])
    }

    /// Starts a turn; returns its id.
    pub fn start_turn(&mut self, thread: &str, text: &str) -> String {
        let input = json!([{ "type": "text", "text": text }]);
        let started = self.request("turn/start", &json!({ "threadId": thread, "input": input }));
        id_of(&started["result"]["turn"])
    }

    /// Runs a turn to its end; returns its id.
    pub fn turn(&mut self, thread: &str, text: &str) -> String {
        let turn = self.start_turn(thread, text);
        self.turn_completed(&turn);
        turn
    }

    /// Waits for the end of a turn.
    pub fn turn_completed(&mut self, turn: &str) {
        self.until("turn/completed", |params| params["turn"]["id"] == turn);
    }

    /// Ends the session, when Codex has uploaded so many events, or no more of them for long.
    pub fn finish(mut self, expected: usize) -> Finished {
        let until = Instant::now() + UPLOADS;
        while self.model.uploaded().len() < expected && Instant::now() < until {
            thread::sleep(Duration::from_millis(20));
        }
        // The end of the input is the end of a session over it.
        self.speak = Box::new(|_| {});
        if self.transport == "websocket" {
            let sent = Command::new("kill").arg(self.child.id().to_string()).status().expect("kill");
            assert!(sent.success());
        }
        let status = self.child.wait().expect("it ends");
        let stderr = self.said();
        assert!(status.success(), "{status}: {stderr}");
        Finished {
            expected,
            real: self.model.uploaded(),
            ours: self.collector.events(),
            transport: self.transport,
            recording: fs::read_to_string(self.home.path().join("record.jsonl")).expect("a recording"),
            stderr,
        }
    }

    /// What the tap and the server wrote to standard error.
    fn said(&self) -> String {
        fs::read_to_string(self.home.path().join("stderr.txt")).expect("text")
    }

    fn send(&mut self, message: &Value) {
        (self.speak)(&message.to_string());
    }

    fn wait(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let text = self.messages.recv_timeout(left).unwrap_or_else(|error| panic!("{error}: {}", self.said()));
            let message: Value = serde_json::from_str(&text).expect("a message");
            if message.get("method").is_some()
                && let Some(id) = message.get("id")
                && let Some(answer) = self.decisions.pop_front()
            {
                self.send(&json!({ "id": id, "result": answer }));
            }
            if is_it(&message) {
                return message;
            }
            self.seen.push_back(message);
        }
    }
}

fn id_of(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("an id in {value}")).to_owned()
}

/// A repository with a small program.
pub fn workspace() -> Repo {
    let repo = Repo::new();
    repo.git(&["remote", "add", "origin", REMOTE]);
    repo.write("README.md", "# Demo\n\nA small program.\n");
    repo.write("src/main.py", "import sys\n\n\ndef main():\n    print(\"hello\")\n    return 0\n");
    repo.write("src/old.py", "VALUE = 1\nNAME = \"old\"\n");
    repo.commit("init");
    repo
}

/// A login that is none, but has the form of one.
pub fn login() -> Value {
    // {"alg":"none","typ":"JWT"} and a pro plan with account-123, as a token has them.
    let head = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let account = "eyJlbWFpbCI6ImRldkBleGFtcGxlLnRlc3QiLCJodHRwczovL2FwaS5vcGVuYWkuY29tL2F1dGgiOnsiY2hhdGdwdF9wbGFuX3R5cGUiOiJwcm8iLCJjaGF0Z3B0X3VzZXJfaWQiOiJ1c2VyLTEyMyIsImNoYXRncHRfYWNjb3VudF9pZCI6ImFjY291bnQtMTIzIn19";
    let tokens = json!({
        "id_token": format!("{head}.{account}.c2lnbmF0dXJl"), "access_token": "chatgpt-token",
        "refresh_token": "refresh-token", "account_id": "account-123",
    });
    json!({ "auth_mode": "chatgpt", "OPENAI_API_KEY": null, "tokens": tokens, "last_refresh": "2099-01-01T00:00:00Z" })
}

/// Codex's settings, for a model of some name.
pub(super) fn config(model: &Model, name: &str, setup: Setup, workspace: &Path) -> String {
    let Setup { approval_policy, sandbox_mode, .. } = setup;
    let url = format!("http://127.0.0.1:{}", model.port());
    let workspace = workspace.display();
    format!(
        r#"model = "{name}"
approval_policy = "{approval_policy}"
sandbox_mode = "{sandbox_mode}"
model_provider = "scripted"
chatgpt_base_url = "{url}/backend-api"
cli_auth_credentials_store = "file"
check_for_update_on_startup = false
[analytics]
enabled = true
[features]
general_analytics = true
plugins = false
apps = false
[model_providers.scripted]
name = "OpenAI"
base_url = "{url}/v1"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
supports_websockets = false
requires_openai_auth = true
[projects."{workspace}"]
trust_level = "trusted"
"#
    )
}
