//! `turnledger import --follow`: events as a session's lines are written.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use turnledger_tests::program::{command, ends_within, send};
use turnledger_tests::rollouts::{import, recordings};

/// An import that follows a folder.
struct Follower {
    child: Child,
    lines: Receiver<(Instant, String)>,
}

impl Follower {
    fn start(home: &Path) -> Self {
        let mut child = command(home)
            .env_remove("CODEX_HOME")
            .args(["import", "--follow", "--output", "-"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().expect("its output"));
        thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send((Instant::now(), line)))
        });
        // It says when it is ready.
        let mut said = BufReader::new(child.stderr.take().expect("what it says")).lines().map_while(Result::ok);
        assert!(said.any(|line| line == "waiting for more; Ctrl-C ends"));
        thread::spawn(move || said.for_each(drop));
        Self { child, lines }
    }

    /// The next event, which comes within a second of `since`.
    fn next(&self, since: Instant) -> String {
        let (at, line) = self.lines.recv_timeout(Duration::from_secs(30)).expect("an event");
        let took = at.saturating_duration_since(since);
        assert!(took < Duration::from_secs(1), "{took:?}");
        line
    }

    /// Ends the import, and returns the events that were not read yet.
    fn end(mut self) -> Vec<String> {
        send("INT", &self.child);
        let status = ends_within(&mut self.child, Duration::from_secs(10));
        assert_eq!(status.code(), Some(0));
        self.lines.iter().map(|(_, line)| line).collect()
    }
}

/// The system is told to watch a new folder only once it has been made, and what is made in it meanwhile is not told.
#[test]
fn files_in_folders_that_come_in_a_row_are_followed() {
    let home = tempfile::tempdir().expect("a folder");
    let sessions = home.path().join(".codex/sessions");
    fs::create_dir_all(&sessions).expect("a folder");
    let recorded = recordings("0.131.0").into_iter().find(|recorded| recorded.name == "patch_files");
    let text = recorded.expect("the recording").files.remove(0).1;
    let meta: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
    let thread = meta["payload"]["id"].as_str().expect("an id");

    let follower = Follower::start(home.path());
    for number in 10..30 {
        let text = text.replace(thread, &format!("{}{number}", &thread[..thread.len() - 2]));
        let folder = sessions.join(format!("20{number}/11/28/a/b"));
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("rollout-a.jsonl");
        let (begin, end) = text.split_at(text.len() / 2);
        fs::write(&path, begin).expect("a file");
        thread::sleep(Duration::from_millis(250));
        let mut file = File::options().append(true).open(&path).expect("the file");
        let written = Instant::now();
        file.write_all(end.as_bytes()).expect("it is written");
        for event in import(turnledger::Sha2::default(), &text).events {
            let (at, line) = follower.lines.recv_timeout(Duration::from_secs(90)).expect("an event");
            assert_eq!(line, event.to_json());
            assert!(at < written + Duration::from_secs(10), "{number}: {:?}", at - written);
        }
    }
    assert_eq!(follower.end(), [""; 0]);
}

#[test]
fn events_come_as_lines_are_written() {
    let home = tempfile::tempdir().expect("a folder");
    let sessions = home.path().join(".codex/sessions");
    fs::create_dir_all(&sessions).expect("a folder");
    let mut files = ["patch_files", "config_overrides"].map(|name| {
        let recorded = recordings("0.131.0").into_iter().find(|recorded| recorded.name == name);
        recorded.expect("the recording").files.remove(0).1
    });
    let [first, second] = &mut files;
    let expected = |file: &str| import(turnledger::Sha2::default(), file).events;

    let follower = Follower::start(home.path());
    // A folder and a file that are new, written line by line, each line in two parts.
    let day = sessions.join("2026/11/28");
    fs::create_dir_all(&day).expect("a folder");
    let mut file = File::create(day.join("rollout-a.jsonl")).expect("a file");
    let (mut told, mut text) = (0, String::new());
    for line in first.split_inclusive('\n') {
        let (begin, end) = line.split_at(line.len() / 2);
        file.write_all(begin.as_bytes()).expect("it is written");
        thread::sleep(Duration::from_millis(20));
        let written = Instant::now();
        file.write_all(end.as_bytes()).expect("it is written");
        text += line;
        let mut pipeline_events = events_so_far(&text);
        for event in pipeline_events.drain(told..) {
            assert_eq!(follower.next(written), event);
            told += 1;
        }
    }
    assert_eq!(told, expected(first).len());
    assert_eq!(follower.end(), [""; 0]);

    // What was told is not told again; what comes while nobody looks is told at the next start.
    let (begin, end) = second.split_at(second.rfind("task_started").expect("a second turn"));
    fs::write(day.join("rollout-b.jsonl"), begin).expect("a file");
    let follower = Follower::start(home.path());
    let begun = events_so_far(&begin[..=begin.rfind('\n').expect("a line")]);
    let told: Vec<_> = begun.iter().map(|_| follower.next(Instant::now())).collect();
    assert_eq!(told, begun);
    let mut file = File::options().append(true).open(day.join("rollout-b.jsonl")).expect("the file");
    let written = Instant::now();
    file.write_all(end.as_bytes()).expect("it is written");
    for event in &expected(second)[begun.len()..] {
        assert_eq!(follower.next(written), event.to_json());
    }
    assert_eq!(follower.end(), [""; 0]);
    let again = Follower::start(home.path());
    thread::sleep(Duration::from_millis(300));
    assert_eq!(again.end(), [""; 0]);
}

/// The events of a file that is not at its end.
pub(crate) fn events_so_far(text: &str) -> Vec<String> {
    use turnledger_core::event::common::RpcTransport;
    use turnledger_core::{Limits, Output, Pipeline, Rollout};
    let mut pipeline = Pipeline::new(turnledger::Sha2::default(), RpcTransport::Stdio, Limits::default());
    let (mut rollout, mut output) = (Rollout::new(1), Output::default());
    for line in text.lines() {
        let _ = pipeline.read(&mut rollout, line.as_bytes(), &mut output);
    }
    output.events.iter().map(turnledger_core::Event::to_json).collect()
}
