//! The program, as a person runs it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use turnledger_core::event::common::RpcTransport;
use turnledger_core::observer::{Observation, Observer, ObserverLimits};
use turnledger_tests::golden::{Message, REMOTE, folder, recordings, types};
use turnledger_tests::mix::{Size, recording_of};
use turnledger_tests::program::{PROGRAM, command, lines, run, stderr};

fn traffic(name: &str) -> String {
    folder().join("0.131.0").join(name).join("traffic.jsonl").display().to_string()
}

#[test]
fn events_one_a_line_and_a_summary() {
    let output = run(&["replay", &traffic("plain_turn")], b"");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(types(&lines(&output)), ["codex_thread_initialized", "codex_turn_event"]);
    let said = stderr(&output);
    let said: Vec<&str> = said.lines().collect();
    assert_eq!(
        said,
        [
            "1 session: 19 messages (6 of no interest), 9 facts, 2 events, 0 discards",
            "         1  codex_thread_initialized",
            "         1  codex_turn_event",
        ]
    );
}

#[test]
fn what_a_newer_version_brings_is_named() {
    let line = |direction: &str, message: Value| {
        json!({ "at_ms": 1_000, "connection_id": 1, "direction": direction, "message": message }).to_string() + "\n"
    };
    let recording = [
        line(
            "client_to_server",
            json!({ "id": 1, "method": "initialize", "params": { "clientInfo": { "name": "c", "version": "1" } } }),
        ),
        line("server_to_client", json!({ "id": 1, "result": { "userAgent": "c/0.180.0 (Linux 1; x86_64)" } })),
        line("server_to_client", json!({ "method": "thread/of/newer", "params": { "path": "/secret" } })),
        line("server_to_client", json!({ "method": "thread/of/newer", "params": {} })),
        line(
            "server_to_client",
            json!({ "method": "item/started", "params": { "threadId": "T", "turnId": "U",
            "startedAtMs": 1, "item": { "type": "hologram", "id": "h" } } }),
        ),
    ];
    let output = run(&["replay", "-"], recording.concat().as_bytes());
    assert_eq!((output.status.code(), lines(&output)), (Some(0), vec![]));
    assert_eq!(
        stderr(&output),
        "1 session: 5 messages (2 of no interest), 1 fact, 0 events, 0 discards\n\
         Codex 0.180.0 is newer than the newest known one (0.171): read as that; \
         seen, not understood: method `thread/of/newer` 2, item `hologram` 1\n"
    );
    assert!(run(&["replay", "--quiet", "-"], recording.concat().as_bytes()).stderr.is_empty());
}

#[test]
fn files_pipes_and_packed_files_are_the_same() {
    let file = traffic("mixed_long");
    let plain = run(&["replay", "--quiet", &file], b"");
    assert!(plain.stderr.is_empty() && !plain.stdout.is_empty());
    let bytes = fs::read(&file).expect("the recording");
    assert_eq!(run(&["replay", "-q", "-"], &bytes).stdout, plain.stdout);

    let folder = tempfile::tempdir().expect("a folder");
    let packed = |name: &str, bytes: Vec<u8>| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("a packed recording");
        path.display().to_string()
    };
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&bytes).expect("packing");
    let gzip = packed("a.jsonl.gz", gzip.finish().expect("packing"));
    let zstd = packed("a.jsonl.zst", zstd::encode_all(&*bytes, 1).expect("packing"));
    for file in [gzip, zstd] {
        assert_eq!(run(&["replay", "-q", &file], b"").stdout, plain.stdout, "{file}");
        let bytes = fs::read(&file).expect("the packed recording");
        assert_eq!(run(&["replay", "-q", "-"], &bytes).stdout, plain.stdout, "{file} through a pipe");
    }
}

#[test]
fn several_files_come_out_in_their_order() {
    let names = ["mixed_long", "plain_turn", "approve_patch", "steer", "two_threads"];
    let files: Vec<String> = names.iter().map(|name| traffic(name)).collect();
    let mut arguments = vec!["replay", "-q"];
    arguments.extend(files.iter().map(String::as_str));
    let together = run(&arguments, b"").stdout;
    let apart: Vec<u8> = files.iter().flat_map(|file| run(&["replay", "-q", file], b"").stdout).collect();
    assert_eq!(together, apart);
}

/// More than fits in memory waits in a file until the recordings before it are through; or for them, if there is no
/// room for a file.
#[test]
fn large_files_come_out_in_their_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, turns| {
        let path = folder.path().join(name);
        fs::write(&path, recording_of(Size { turns, threads: 3, diff_lines: 0 })).expect("a recording");
        path.display().to_string()
    };
    // A bad line in the middle of what waits is told in its place.
    let (large, small) = (file("large.jsonl", 400), file("small.jsonl", 1));
    fs::OpenOptions::new().append(true).open(&large).and_then(|mut file| file.write_all(b"{\n")).expect("a bad line");
    let first = fs::read(traffic("plain_turn")).expect("the recording");
    let apart: Vec<u8> = [traffic("plain_turn"), large.clone(), small.clone()]
        .iter()
        .flat_map(|file| run(&["replay", "-q", file], b"").stdout)
        .collect();
    assert!(apart.len() > 4 << 20, "{} bytes", apart.len());
    for temporary in [folder.path(), Path::new("/there/is/no/such/folder")] {
        let mut child = command(folder.path())
            .args(["replay", "-q", "-", &large, &small])
            .env("TMPDIR", temporary)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut input = child.stdin.take().expect("its input");
        // The others have the time to get ahead of it.
        thread::sleep(Duration::from_secs(1));
        input.write_all(&first).expect("it reads");
        drop(input);
        let output = child.wait_with_output().expect("the program ends");
        assert!(output.stdout == apart, "{} bytes instead of {}", output.stdout.len(), apart.len());
        assert_eq!(stderr(&output).lines().count(), 1);
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn request_bodies_have_accepted_lines_alone() {
    let bodies = lines(&run(&["replay", "-q", "--batches", &traffic("mixed_long")], b""));
    let sizes: Vec<_> = bodies
        .iter()
        .map(|body| {
            assert_eq!(body.as_object().expect("an object").len(), 1);
            types(body["events"].as_array().expect("a list")).len()
        })
        .collect();
    assert_eq!(sizes, [6, 1, 5, 1, 5, 1, 5, 1, 5, 1, 5, 1]);
    for body in &bodies {
        let events = body["events"].as_array().expect("a list");
        let accepted = types(events).contains(&"codex_accepted_line_fingerprints");
        assert_eq!(accepted, events.len() == 1);
    }
}

#[test]
fn the_remote_is_known_by_its_hash_alone() {
    let events = |remote: &[&str]| {
        let file = traffic("approve_patch");
        let mut arguments = vec!["replay", "-q", &file];
        arguments.extend(remote);
        lines(&run(&arguments, b""))
    };
    let hash = |events: &[Value]| events.last().expect("an event")["event_params"]["repo_hash"].clone();
    assert_eq!(hash(&events(&[])), Value::Null);
    let known = hash(&events(&["--remote", REMOTE]));
    assert_eq!(known.as_str().map(str::len), Some(64));
    assert_eq!(hash(&events(&["--remote", "https://user:secret@github.com/acme/demo-app.git"])), known);
}

#[test]
fn bad_lines_are_reported_and_their_neighbours_survive() {
    let good = fs::read_to_string(traffic("plain_turn")).expect("the recording");
    let mut input = String::from("no JSON\n{\"at_ms\":1}\n\n");
    for line in good.lines() {
        input += line;
        input += "\n{\"at_ms\":\n";
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bad.jsonl");
    fs::write(&file, &input).expect("a recording");
    let name = file.display().to_string();

    let output = run(&["replay", &name], b"");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, run(&["replay", "-q", &traffic("plain_turn")], b"").stdout);
    let said = stderr(&output);
    let said: Vec<&str> = said.lines().collect();
    // Each fault once, with the lines that have it.
    let all = "1, 5, 7, 9, 11, 13, 15, 17, 19, 21, …";
    assert_eq!(said[0], format!("{name}:1: not JSON (column 2); 20 lines like it: {all}"));
    assert_eq!(
        said[1],
        format!(
            "{name}:2: not a line of a recording: expected at_ms, connection_id, direction and message (column 11)"
        )
    );
    assert!(said[2].ends_with("21 bad lines"), "{}", said[2]);

    let strict = run(&["replay", "--strict", "-q", &name], b"");
    assert_eq!(strict.status.code(), Some(1));
    assert_eq!(stderr(&strict), format!("{name}:1: not JSON (column 2)\n"));
    assert!(strict.stdout.is_empty());
}

#[test]
fn discards_are_explained() {
    let file = traffic("compact_manual");
    let output = run(&["replay", "--explain", "-q", &file], b"");
    let said = stderr(&output);
    assert!(
        said.starts_with(&format!(
            "{file}:end: no event (turn): the turn's settings were never resolved: no model request was made (thread "
        )),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1);
}

#[test]
fn output_goes_to_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("events.jsonl").display().to_string();
    let recording = traffic("steer");
    let output = run(&["replay", "-q", "--output", &file, &recording], b"");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    assert_eq!(fs::read(&file).expect("the events"), run(&["replay", "-q", &recording], b"").stdout);
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().display().to_string();
    let missing = Path::new(&folder).join("missing.jsonl").display().to_string();
    let recording = traffic("plain_turn");
    for (arguments, said) in [
        (
            vec!["replay", &missing],
            format!("turnledger: cannot read {missing}: No such file or directory (os error 2)\n"),
        ),
        (
            vec!["replay", &recording, &missing],
            format!("turnledger: cannot read {missing}: No such file or directory (os error 2)\n"),
        ),
        (vec!["replay", &folder], format!("turnledger: {folder}: no file of this folder is a recording\n")),
        (
            vec!["replay", "-o", &folder, &recording],
            format!("turnledger: cannot write {folder}: Is a directory (os error 21)\n"),
        ),
        (vec!["replay", "-", "-"], "turnledger: standard input (`-`) can be read only once\n".into()),
    ] {
        let output = run(&arguments, b"");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(stderr(&output), said);
        assert!(output.stdout.is_empty());
    }
    for arguments in [vec!["replay"], vec!["replay", "--nonsense", "-"], vec![]] {
        assert_eq!(run(&arguments, b"").status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let file = traffic("mixed_long");
    // Enough sessions to fill any pipe.
    let arguments: Vec<&str> = ["replay", "-q"].into_iter().chain([file.as_str(); 60]).collect();
    let mut child = Command::new(&*PROGRAM)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    assert!(line.starts_with("{\"event_type\":"));
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
}

#[test]
fn every_event_matches_the_schema() {
    let output = run(&["schema"], b"");
    let schema: Value = serde_json::from_slice(&output.stdout).expect("a schema");
    jsonschema::meta::validate(&schema).expect("a valid schema");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let mut seen = 0;
    for version in ["0.131.0", "0.169.0"] {
        for recording in recordings(version) {
            let file = folder().join(version).join(&recording.name).join("traffic.jsonl").display().to_string();
            for event in lines(&run(&["replay", "-q", "--remote", REMOTE, &file], b"")) {
                assert!(validator.is_valid(&event), "{event}");
                seen += 1;
            }
        }
    }
    assert!(seen > 400, "{seen} events");
    assert!(!validator.is_valid(&serde_json::json!({ "event_type": "codex_turn_event", "event_params": {} })));
}

#[test]
fn every_fact_matches_the_schema() {
    let output = run(&["schema", "--facts"], b"");
    let schema: Value = serde_json::from_slice(&output.stdout).expect("a schema");
    jsonschema::meta::validate(&schema).expect("a valid schema");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let mut seen = 0;
    for version in ["0.131.0", "0.169.0"] {
        for recording in recordings(version) {
            let mut observer = Observer::new(RpcTransport::Stdio, ObserverLimits::default());
            let mut observation = Observation::default();
            for Message { at, connection_id, direction, text } in recording.messages() {
                observation.clear();
                observer.observe(at, connection_id, direction, text.as_bytes(), &mut observation);
                for fact in &observation.facts {
                    let fact = serde_json::from_str(fact.to_private_json().expose()).expect("a fact as JSON");
                    assert!(validator.is_valid(&fact), "{fact}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 1000, "{seen} facts");
    assert!(!validator.is_valid(&serde_json::json!({ "notification": { "method": "turn/started", "params": {} } })));
}
