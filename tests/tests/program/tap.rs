//! `turnledger tap`: what passes passes as it is, and what is made of it is what `replay` makes of it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::Value;
use turnledger_core::Direction;
use turnledger_testing::Collector;
use turnledger_tests::compare::without_clocks;
use turnledger_tests::golden::{folder, recording};
use turnledger_tests::program::{is_ignored, lines, pass, run, run_in, send, stderr, tap};

/// Plays the client of a recording against the scripted server behind the tap; returns what it got.
pub(crate) fn play(home: &Path, options: &[&str], name: &str) -> (Vec<String>, Output) {
    let traffic = folder().join("0.131.0").join(name).join("traffic.jsonl").display().to_string();
    let mut child =
        tap(home, options, &[env!("CARGO_BIN_EXE_scripted_server"), &traffic]).spawn().expect("the tap starts");
    let mut stdin = child.stdin.take().expect("its input");
    let mut stdout = BufReader::new(child.stdout.take().expect("its output"));
    let mut got = Vec::new();
    for message in recording("0.131.0", name).messages() {
        if message.direction == Direction::ClientToServer {
            writeln!(stdin, "{}", message.text).expect("it listens");
        } else {
            let mut line = String::new();
            stdout.read_line(&mut line).expect("it speaks");
            got.push(line.trim_end().to_owned());
        }
    }
    drop(stdin);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).expect("its end");
    assert_eq!(rest, "");
    (got, child.wait_with_output().expect("it ends"))
}

fn events_in(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("events");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_session_gives_the_events_that_replay_gives() {
    for name in ["mixed_long", "approve_patch"] {
        let home = tempfile::tempdir().expect("a folder");
        let (events, record) = (home.path().join("events.jsonl"), home.path().join("record.jsonl"));
        let collector = Collector::new();
        let (events_path, record_path) = (events.display().to_string(), record.display().to_string());
        let url = collector.url();
        let options = ["--events", &events_path, "--record", &record_path, "--upload", &url];
        let (got, output) = play(home.path(), &options, name);
        assert_eq!((stderr(&output), output.status.code()), (String::new(), Some(0)));

        let messages = recording("0.131.0", name).messages();
        let sent = messages.iter().filter(|message| message.direction == Direction::ServerToClient);
        assert_eq!(got, sent.map(|message| message.text.clone()).collect::<Vec<_>>());
        let traffic = folder().join("0.131.0").join(name).join("traffic.jsonl").display().to_string();
        let expected = without_clocks(lines(&run(&["replay", "-q", &traffic], b"")));
        assert!(expected.len() > 4);
        assert_eq!(without_clocks(events_in(&events)), expected);
        assert_eq!(without_clocks(lines(&run(&["replay", "-q", "--strict", &record_path], b""))), expected);
        let key = |event: &Value| event.to_string();
        let (mut uploaded, mut expected) = (without_clocks(collector.events()), expected);
        uploaded.sort_by_key(key);
        expected.sort_by_key(key);
        assert_eq!(uploaded, expected);
        assert!(home.path().join(".local/state/turnledger/spool/lock").exists(), "a spool is the default");
    }
}

#[test]
fn a_session_is_kept_and_its_recording_adds_nothing() {
    for name in ["mixed_long", "hooks", "steer"] {
        let home = tempfile::tempdir().expect("a folder");
        let record = home.path().join("record.jsonl").display().to_string();
        let (_, output) = play(home.path(), &["--store", "--record", &record], name);
        assert_eq!((stderr(&output), output.status.code()), (String::new(), Some(0)));
        let export = || lines(&run_in(home.path(), &["store", "export"], b""));
        let kept = export();
        let replayed = lines(&run(&["replay", "-q", &record], b""));
        let in_order = |events: Vec<Value>| {
            let mut texts: Vec<_> = without_clocks(events).iter().map(Value::to_string).collect();
            texts.sort();
            texts
        };
        assert_eq!(in_order(kept.clone()), in_order(replayed));
        let said = stderr(&run_in(home.path(), &["replay", "--store", &record], b""));
        assert!(said.contains(": 0 new events"), "{said}");
        assert_eq!(in_order(export()), in_order(kept));
    }
}

#[test]
fn a_store_that_cannot_be_written_does_not_end_the_session() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("events.db");
    fs::write(
        &path,
        "no database, but a text that is as long as the head of a file of SQLite: 100 bytes and more\n\n\n\n",
    )
    .expect("a file");
    let (got, output) = play(home.path(), &[&format!("--store={}", path.display())], "plain_turn");
    assert!(!got.is_empty());
    assert_eq!(output.status.code(), Some(0));
    let said = stderr(&output);
    let expected = format!("turnledger: {}: no store, or a damaged one: ", path.display());
    assert!(said.starts_with(&expected) && said.lines().count() == 1, "{said}");
    assert!(said.ends_with("; the session goes on, and its events are not kept\n"), "{said}");
}

#[test]
fn every_byte_passes_as_it_is() {
    let home = tempfile::tempdir().expect("a folder");
    let events = home.path().join("events.jsonl").display().to_string();
    let noise: Vec<u8> = (0..3_000_000_u32).map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
    let huge = format!("{{\"method\":\"turn/started\",\"params\":\"{}\"}}", "x".repeat(5_000_000)).into_bytes();
    let inputs = [
        Vec::new(),
        b"no end".to_vec(),
        b"\n\r\n\0\n{\"method\":\n".to_vec(),
        noise,
        huge,
        b"{\"method\":\"turn/started\"}\n".repeat(20_000),
    ];
    for input in inputs {
        let output =
            pass(home.path(), &["--events", &events, "--record", &format!("{events}.record")], &["cat"], input.clone());
        assert_eq!((output.stdout == input, output.status.code()), (true, Some(0)), "{} bytes", input.len());
    }
}

#[test]
fn a_partial_line_passes_at_once() {
    let home = tempfile::tempdir().expect("a folder");
    let mut child = tap(home.path(), &[], &["cat"]).spawn().expect("the tap starts");
    let (mut stdin, mut stdout) = (child.stdin.take().expect("its input"), child.stdout.take().expect("its output"));
    for byte in b"{\"meth" {
        stdin.write_all(&[*byte]).expect("it listens");
        let mut got = [0];
        stdout.read_exact(&mut got).expect("it speaks");
        assert_eq!(got, [*byte]);
    }
    drop(stdin);
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn it_ends_as_the_command_ends() {
    let home = tempfile::tempdir().expect("a folder");
    let end = |script: &str| pass(home.path(), &[], &["sh", "-c", script], Vec::new()).status;
    assert_eq!(end("exit 0").code(), Some(0));
    assert_eq!(end("exit 7").code(), Some(7));
    assert_eq!(end("kill -TERM $$").signal(), Some(15));
    assert_eq!(end("kill -KILL $$").signal(), Some(9));
    let output = pass(home.path(), &[], &["sh", "-c", "echo said >&2; echo '{\"method\":\"x\"}'"], Vec::new());
    assert_eq!(stderr(&output), "said\n");
    // A command that ends while its client still has its input open.
    let mut child = tap(home.path(), &[], &["sh", "-c", "exit 3"]).spawn().expect("the tap starts");
    let start = Instant::now();
    assert_eq!(child.wait().expect("it ends").code(), Some(3));
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[test]
fn signals_are_passed_on() {
    let home = tempfile::tempdir().expect("a folder");
    for (signal, number, code) in [("TERM", 15, 41), ("HUP", 1, 42), ("INT", 2, 43), ("USR1", 10, 44)] {
        // A shell cannot trap what it was started to ignore, as in the background or under `nohup`.
        if is_ignored(number) {
            continue;
        }
        let script = "trap 'exit 41' TERM; trap 'exit 42' HUP; trap 'exit 43' INT; trap 'exit 44' USR1; echo ready; while :; do sleep 0.01; done";
        let mut child = tap(home.path(), &[], &["sh", "-c", script]).spawn().expect("the tap starts");
        let mut ready = String::new();
        BufReader::new(child.stdout.as_mut().expect("its output")).read_line(&mut ready).expect("it speaks");
        send(signal, &child);
        assert_eq!(child.wait().expect("it ends").code(), Some(code), "{signal}");
    }
}

#[test]
fn whatever_breaks_here_the_session_goes_on() {
    let home = tempfile::tempdir().expect("a folder");
    let (got, output) = play(home.path(), &["--events", "/dev/full", "--record", "/dev/full"], "mixed_long");
    assert_eq!((got.len() > 50, output.status.code()), (true, Some(0)));
    let mut said: Vec<_> = stderr(&output).lines().map(ToOwned::to_owned).collect();
    said.sort_unstable();
    assert_eq!(
        said,
        [
            "turnledger: cannot write events any more; the session goes on",
            "turnledger: cannot write the recording: no storage space",
        ]
    );
    // A server that is not there, and a spool that is none.
    let noise = home.path().join("noise.db").display().to_string();
    fs::write(&noise, "no database, ".repeat(1000)).expect("a file");
    let options = ["--upload", "http://127.0.0.1:1", "--spool", &noise];
    let (_, output) = play(home.path(), &options, "plain_turn");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        stderr(&output),
        format!(
            "turnledger: {noise}: the spool is damaged: file is not a database; events wait in memory; \
             `turnledger spool set-aside` renames it, and a new one takes its place\n\
             turnledger: 2 events not sent (the server cannot be reached): lost; \
             {noise}: the spool is damaged: file is not a database\n"
        )
    );
    // The next session uploads what this one could not.
    let options = ["--upload", "http://127.0.0.1:1"];
    let (_, output) = play(home.path(), &options, "plain_turn");
    assert_eq!(
        stderr(&output),
        "turnledger: 2 events not sent yet (the server cannot be reached): kept in the spool for the next session\n"
    );
    let collector = Collector::new();
    let (_, output) = play(home.path(), &["--upload", &collector.url()], "plain_turn");
    assert_eq!((stderr(&output), collector.events().len()), (String::new(), 4));
}

#[test]
fn settings_that_are_broken_elsewhere_do_not_end_a_session() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join(".config/turnledger");
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("turnledger.toml");
    let events = home.path().join("events.jsonl").display().to_string();
    let said = |text: &str| {
        fs::write(&file, text).expect("a file");
        let output = pass(home.path(), &["--events", &events], &["cat"], b"{\"id\":1,\"result\":0}\n".to_vec());
        assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"{\"id\":1,\"result\":0}\n"[..]));
        stderr(&output)
    };
    let path = file.display();
    assert_eq!(said(""), "");
    assert_eq!(said("enabled = false\n"), format!("turnledger: analytics are off ({path}:1): there are no events\n"));
    let goes_on = "the session goes on without analytics";
    assert_eq!(
        said("\nspool_days = 0\n"),
        format!("turnledger: {path}:2: spool_days: expected a whole number, 1 or more; {goes_on}\n")
    );
    assert_eq!(
        said("upload = \"http://host.test\"\n"),
        format!(
            "turnledger: {path}:1: cannot send to this server: expected https://, or http:// on this machine; {goes_on}\n"
        )
    );
    let key = folder.join("no.key");
    assert_eq!(
        said("key_file = \"no.key\"\n"),
        format!(
            "turnledger: cannot read the key in {}: No such file or directory (os error 2); {goes_on}\n",
            key.display()
        )
    );
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let home = tempfile::tempdir().expect("a folder");
    let said = |options: &[&str], command: &[&str]| {
        let output = pass(home.path(), options, command, Vec::new());
        assert!(output.stdout.is_empty());
        (output.status.code(), stderr(&output))
    };
    let line = |code, text: &str| (Some(code), format!("turnledger: {text}\n"));
    assert_eq!(
        said(&[], &["no-such-command"]),
        line(127, "cannot run no-such-command: No such file or directory (os error 2)")
    );
    assert_eq!(said(&[], &["/etc/passwd"]), line(126, "cannot run /etc/passwd: Permission denied (os error 13)"));
    assert_eq!(
        said(&["--events", "/no/folder/events"], &["true"]),
        line(2, "cannot write /no/folder/events: No such file or directory (os error 2)")
    );
    assert_eq!(
        said(&["--upload", "http://user:secret@host.test"], &["true"]),
        line(
            2,
            "--upload: cannot send to this server: the URL holds a user or a password; credentials belong in the `auth` file"
        )
    );
    for arguments in [
        &["tap"][..],
        &["tap", "cat"],
        &["tap", "--nonsense", "--", "cat"],
        &["tap", "--websocket", "127.0.0.1:0", "--", "cat"],
        &["tap", "--websocket", "127.0.0.1:0", "--server", "wss://localhost:1", "--", "cat"],
    ] {
        assert_eq!(run(arguments, b"").status.code(), Some(2), "{arguments:?}");
    }
}
