//! The real Codex in a terminal, its app-server elsewhere, and the tap between them.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use pty_process::{Size, blocking};
use serde_json::Value;

use super::session::{config, workspace};
use super::{Model, Setup, Version, binary};
use crate::program::{command, ends_within, send};
use crate::repo::Repo;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A session at a terminal: `codex --remote` before the tap.
pub struct Terminal {
    home: tempfile::TempDir,
    _workspace: Repo,
    tap: Child,
    codex: Child,
    pty: Arc<blocking::Pty>,
    output: Receiver<Vec<u8>>,
    seen: String,
}

#[allow(clippy::missing_panics_doc, reason = "a test cannot go on without its session")]
impl Terminal {
    /// Starts an app-server behind the tap, and Codex in a terminal, which asks its first question.
    pub fn start(model: &Model, version: Version, question: &str) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let workspace = workspace();
        let codex_home = home.path().join(".codex");
        fs::create_dir(&codex_home).expect("a folder");
        fs::write(codex_home.join("auth.json"), r#"{"OPENAI_API_KEY":"a-key"}"#).expect("a login");
        // Codex advertises newer models to those who use a model that it knows.
        let settings = config(model, "scripted-model", Setup::new(version), workspace.path());
        fs::write(codex_home.join("config.toml"), settings).expect("settings");
        let [ours, server] =
            ["tap.sock", "codex.sock"].map(|name| format!("unix://{}", home.path().join(name).display()));
        let codex = binary(version).expect("the binary");
        let unwanted = || {
            std::env::vars_os().map(|(name, _)| name).filter(|name| {
                let text = name.to_string_lossy().to_lowercase();
                text.contains("proxy") || text.starts_with("openai")
            })
        };

        let mut tap = command(home.path());
        tap.arg("tap").arg("--events").arg(home.path().join("events.jsonl"));
        tap.args(["--websocket", &ours, "--server", &server, "--"]).arg(codex).args([
            "app-server",
            "--listen",
            &server,
        ]);
        let stderr = fs::File::create(home.path().join("stderr.txt")).expect("a file");
        tap.current_dir(workspace.path()).env("CODEX_HOME", &codex_home).stdin(Stdio::null()).stderr(stderr);
        for name in unwanted() {
            tap.env_remove(name);
        }
        let tap = tap.spawn().expect("the tap starts");
        let until = Instant::now() + PATIENCE;
        // The server and the terminal would both make the database of their home.
        while !["tap.sock", "codex.sock"].iter().all(|name| home.path().join(name).exists()) {
            assert!(Instant::now() < until, "the tap and the server listen");
            thread::sleep(Duration::from_millis(20));
        }

        let (pty, other_end) = blocking::open().expect("a terminal");
        pty.resize(Size::new(40, 120)).expect("a size");
        let mut terminal = blocking::Command::new(codex)
            .args(["--remote", &ours, question])
            .current_dir(workspace.path())
            .env("CODEX_HOME", &codex_home)
            .env("HOME", home.path())
            .env("TERM", "xterm-256color");
        for name in unwanted() {
            terminal = terminal.env_remove(name);
        }
        let codex = terminal.spawn(other_end).expect("Codex starts");
        let pty = Arc::new(pty);
        let (sender, output) = channel();
        let reader = pty.clone();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = (&*reader).read(&mut bytes)
                && sender.send(bytes[..length].to_vec()).is_ok()
            {}
        });
        Self { home, _workspace: workspace, tap, codex, pty, output, seen: String::new() }
    }

    /// The user's own folder, with Codex's in it.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).expect("it listens");
    }

    /// Waits until a text is shown after what was waited for before.
    pub fn until(&mut self, text: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.seen.contains(text) {
            let left = until.saturating_duration_since(Instant::now());
            let bytes = self.output.recv_timeout(left);
            let bytes = bytes.unwrap_or_else(|error| panic!("{error} before {text:?}: {}, {}", self.seen, self.said()));
            let shown = String::from_utf8_lossy(&bytes);
            // What a terminal is asked for: where its cursor is, what it is, which keys it tells apart.
            for (question, answer) in [("\x1b[6n", "\x1b[1;1R"), ("\x1b[c", "\x1b[?62c"), ("\x1b[?u", "\x1b[?0u")] {
                for _ in shown.matches(question) {
                    self.press(answer);
                }
            }
            self.seen += &shown;
        }
        self.seen.clear();
    }

    /// Waits for an event that the tap writes.
    pub fn until_event(&self, is_it: impl Fn(&Value) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !self.events().iter().any(&is_it) {
            assert!(Instant::now() < until, "{:?}, {}", self.events(), self.said());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The events so far.
    fn events(&self) -> Vec<Value> {
        let events = fs::read_to_string(self.home.path().join("events.jsonl")).expect("events");
        // The last line may not be whole yet.
        events.split_inclusive('\n').filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits until Codex has ended, and ends the app-server. Returns the events, and what the tap said.
    pub fn finish(mut self) -> (Vec<Value>, Vec<String>) {
        let status = ends_within(&mut self.codex, PATIENCE);
        assert!(status.success(), "{status}: {}", self.said());
        send("TERM", &self.tap);
        let status = ends_within(&mut self.tap, PATIENCE);
        assert!(status.success(), "{status}: {}", self.said());
        let said = self.said();
        let said = said.lines().filter(|line| line.starts_with("turnledger:")).map(ToOwned::to_owned);
        (self.events(), said.collect())
    }

    /// What the tap and the server wrote to standard error.
    fn said(&self) -> String {
        fs::read_to_string(self.home.path().join("stderr.txt")).expect("text")
    }
}
