//! Files say by their content what they are, and which command reads them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use turnledger_tests::golden::recording;
use turnledger_tests::program::{command, lines, run_in, stderr, stdout};
use turnledger_tests::repo::Repo;
use turnledger_tests::rollouts::recordings;

fn rollout(name: &str) -> String {
    let recorded = recordings("0.131.0").into_iter().find(|recorded| recorded.name == name);
    recorded.expect("the recording").files.remove(0).1
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).expect("a file");
    path.to_str().expect("a path").to_owned()
}

#[test]
fn a_file_for_another_command_is_told_in_one_line() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("files");
    fs::create_dir(&folder).expect("a folder");
    let traffic = recording("0.131.0", "plain_turn").traffic;
    let recorded = write(&folder, "recording.jsonl", &traffic);
    let rolled = write(&folder, "rollout.jsonl", &rollout("plain_turn"));
    let events = stdout(&run_in(home.path(), &["replay", "-q", &recorded], b""));
    let event_file = write(&folder, "events.jsonl", &events);
    let message = write(&folder, "messages.jsonl", "{\"id\":1,\"method\":\"initialize\",\"params\":{}}\n");

    for command in ["replay", "preview"] {
        for (file, said) in [
            (&rolled, "a rollout, no recording: `turnledger import` makes events of it"),
            (&event_file, "events, no recording: `turnledger attribute --events` and `turnledger upload` read them"),
            (&message, "messages without time and direction, no recording: `turnledger tap --record` records both"),
        ] {
            let output = run_in(home.path(), &[command, file], b"");
            let expected = format!("turnledger: {file}: {said}\n");
            assert_eq!((output.status.code(), stdout(&output), stderr(&output)), (Some(2), String::new(), expected));
        }
    }
    let output = run_in(home.path(), &["import", "-q", &recorded], b"");
    let said = format!("{recorded}: a recording, no rollout: `turnledger replay` makes events of it\n");
    assert_eq!((output.status.code(), stdout(&output), stderr(&output)), (Some(1), String::new(), said));
    // Of a folder, each command takes what it reads.
    let folder = folder.to_str().expect("a path");
    assert_eq!(stdout(&run_in(home.path(), &["replay", "-q", folder, &recorded], b"")), format!("{events}{events}"));
    let preview = |files: &[&str]| run_in(home.path(), &[&["preview"], files].concat(), b"");
    let requests = |output: &std::process::Output| stdout(output).matches("POST ").count();
    assert_eq!([requests(&preview(&[folder])), requests(&preview(&[folder, &recorded]))], [1, 2]);
    let none = tempfile::tempdir().expect("a folder");
    write(none.path(), "rollout.jsonl", &rollout("plain_turn"));
    let none = none.path().to_str().expect("a path");
    assert_eq!(
        stderr(&run_in(home.path(), &["replay", none], b"")),
        format!("turnledger: {none}: no file of this folder is a recording\n")
    );
}

#[test]
fn attribute_takes_recordings_and_rollouts() {
    let home = tempfile::tempdir().expect("a folder");
    let repo = Repo::new();
    let reports = ["recording.jsonl", "rollout.jsonl"].map(|name| {
        let text = match name {
            "rollout.jsonl" => rollout("patch_files"),
            _ => recording("0.131.0", "patch_files").traffic,
        };
        let file = write(home.path(), name, &text);
        // The lines that the session accepted, as a diff.
        let diff = "diff --git a/x.rs b/x.rs\n--- a/x.rs\n+++ b/x.rs\n@@ -0,0 +1 @@\n+nobody wrote this line here\n";
        let diff = write(home.path(), "change.diff", diff);
        let arguments = [
            "attribute",
            "--events",
            &file,
            "--diff",
            &diff,
            "--format",
            "json",
            "--repo",
            &repo.argument(),
            "--any-repository",
        ];
        let output = command(home.path()).args(arguments).output().expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        serde_json::from_str::<Value>(&stdout(&output)).expect("a report")
    });
    assert_eq!(reports[0], reports[1]);
}

#[test]
fn a_recording_says_its_repository() {
    let home = tempfile::tempdir().expect("a folder");
    let traffic = recording("0.131.0", "patch_files").traffic;
    let thread =
        |line: &str| serde_json::from_str::<Value>(line).expect("a line")["message"]["result"]["thread"].clone();
    let recorded = traffic.lines().map(thread).find(Value::is_object).expect("a thread");
    let recorded = recorded["cwd"].as_str().expect("a folder");
    let session = |cwd: &str, git: Value| {
        let lines = traffic.replace(recorded, cwd);
        let lines = lines.lines().map(|line| {
            let mut line: Value = serde_json::from_str(line).expect("a line");
            for holder in ["result", "params"] {
                if let Some(thread @ Value::Object(_)) =
                    line["message"].get_mut(holder).and_then(|of| of.get_mut("thread"))
                {
                    thread["gitInfo"] = git.clone();
                }
            }
            line.to_string() + "\n"
        });
        lines.collect::<String>()
    };
    let hash = |cwd: &str, git: Value, more: &[&str]| {
        let file = write(home.path(), "recording.jsonl", &session(cwd, git));
        let events = lines(&run_in(home.path(), &[&["replay", "-q", &file], more].concat(), b""));
        let accepted = events.iter().find(|event| event["event_type"] == "codex_accepted_line_fingerprints");
        accepted.expect("accepted lines")["event_params"]["repo_hash"].clone()
    };
    let url = "https://github.com/our/repo";
    let known = hash("/nowhere", Value::Null, &["--remote", url]);
    assert!(known.is_string());
    assert_eq!(hash("/nowhere", Value::Null, &[]), Value::Null);
    assert_eq!(hash("/nowhere", json!({ "originUrl": "git@github.com:our/repo.git" }), &[]), known);
    // A folder that is there.
    let repo = Repo::new();
    repo.git(&["remote", "add", "origin", url]);
    assert_eq!(hash(repo.path().to_str().expect("a path"), Value::Null, &[]), known);
    // What the session was then counts more than what the folder is now.
    let other = hash("/nowhere", Value::Null, &["--remote", "https://github.com/other/repo"]);
    let then = json!({ "originUrl": "https://github.com/other/repo" });
    assert_eq!(hash(repo.path().to_str().expect("a path"), then, &[]), other);
}
