//! `turnledger fingerprint`: a diff in, accepted-line events out.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use serde_json::{Value, json};
use turnledger_tests::golden::{REMOTE, folder, recording};
use turnledger_tests::program::{PROGRAM, lines, run, stderr};
use turnledger_tests::repo::{Repo, diff_of};

fn params(arguments: &[&str], diff: &[u8]) -> Vec<Value> {
    let output = run(&[&["fingerprint"], arguments].concat(), diff);
    assert_eq!((stderr(&output), output.status.code()), (String::new(), Some(0)));
    lines(&output).iter().map(|event| event["event_params"].clone()).collect()
}

#[test]
fn a_recorded_diff_gives_the_events_of_its_session() {
    let messages = recording("0.131.0", "patch_files").messages();
    let mut messages = messages.iter().filter_map(|message| serde_json::from_str::<Value>(&message.text).ok());
    let updated = messages.rfind(|message| message["method"] == "turn/diff/updated").expect("a diff");
    let traffic = folder().join("0.131.0/patch_files/traffic.jsonl").display().to_string();
    let replayed = lines(&run(&["replay", "-q", "--remote", REMOTE, &traffic], b""));
    let recorded = replayed.last().expect("accepted lines")["event_params"].clone();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let arguments = [
        "--remote",
        REMOTE,
        "--thread",
        &text(&recorded["thread_id"]),
        "--turn",
        &text(&recorded["turn_id"]),
        "--model",
        &text(&recorded["model_slug"]),
        "--at",
        &recorded["completed_at"].to_string(),
    ];
    assert_eq!(params(&arguments, text(&updated["params"]["diff"]).as_bytes()), [recorded]);
}

#[test]
fn a_repository_and_its_diff_are_the_same() {
    let repo = Repo::new();
    repo.git(&["remote", "add", "upstream", "https://tok:en@github.com/Acme/Widget.git"]);
    repo.write("folder/kept.txt", "first\nsecond\nthird\n");
    repo.write("gone.txt", "gone\n");
    repo.commit("one");
    repo.write("folder/kept.txt", "first\nanother second\r\nthird\nfourth");
    repo.git(&["rm", "--quiet", "gone.txt"]);
    repo.commit("two");
    repo.write("nä me.txt", "caf\u{e9} \u{1f600}\n");
    repo.commit("three");
    let here = repo.argument();
    for range in ["HEAD~2..HEAD", "HEAD~2...HEAD", "HEAD", "HEAD~1", "HEAD~2"] {
        let found = params(&["--repo", &here, "--git", range, "--at", "1"], b"");
        let shown = if range.contains("..") { vec!["diff", range] } else { vec!["show", "--format=", range] };
        let diff = repo.git(&shown);
        assert_eq!(found, params(&["--remote", "git@github.com:acme/widget", "--at", "1"], &diff), "{range}");
    }
    let counts = |value: &Value| (value["accepted_added_lines"].clone(), value["accepted_deleted_lines"].clone());
    let found = params(&["--repo", &here, "--git", "HEAD~2..HEAD"], b"");
    assert_eq!(counts(&found[0]), (json!(3), json!(2)));
}

#[test]
fn many_lines_are_several_events() {
    let content: Vec<String> = (0..40_000).map(|line| format!("line {line}")).collect();
    let content: Vec<&str> = content.iter().map(String::as_str).collect();
    let diff = diff_of("a.txt", &content);
    let found = params(&["--at", "7"], diff.as_bytes());
    let sizes: Vec<_> = found
        .iter()
        .map(|event| {
            let lines = event["line_fingerprints"].as_array().expect("a list").len();
            (lines, event["accepted_added_lines"].as_u64(), event["completed_at"].as_u64())
        })
        .collect();
    assert_eq!(
        sizes,
        [
            (13_019, Some(40_000), Some(7)),
            (13_019, Some(0), Some(7)),
            (13_019, Some(0), Some(7)),
            (943, Some(0), Some(7))
        ]
    );
    let all: Vec<_> = found.iter().flat_map(|event| event["line_fingerprints"].as_array().expect("a list")).collect();
    let one = |line: &str| params(&[], diff_of("a.txt", &[line]).as_bytes())[0]["line_fingerprints"][0].clone();
    for number in [0, 13_018, 13_019, 39_999] {
        assert_eq!(*all[number], one(content[number]), "{number}");
    }
}

/// A diff that is larger than the memory that the program may have, in events that are larger still.
#[test]
fn a_diff_of_any_size_streams() {
    const FILES: usize = 400;
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -v 150000; exec \"$0\" fingerprint"])
        .arg(&*PROGRAM)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("its input");
    let writer = thread::spawn(move || {
        let content = format!("    let value = compute_something(&context)?; // {}", "x".repeat(430));
        let diff = diff_of("a.txt", &vec![content.as_str(); 1000]);
        for _ in 0..FILES {
            input.write_all(diff.as_bytes()).expect("the program reads");
        }
    });
    let output = child.wait_with_output().expect("the program ends");
    writer.join().expect("the diff is written");
    assert_eq!(output.status.code(), Some(0));
    let first = lines(&output)[0]["event_params"]["accepted_added_lines"].clone();
    assert_eq!(first, json!(FILES * 1000));
}
