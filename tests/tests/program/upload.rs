//! `turnledger upload` and `turnledger spool`: what waits is delivered, looked at, and acted upon.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use turnledger::delivery::account::AccountKey;
use turnledger::now;
use turnledger::store::{Spool, StoreLimits, StoredEvent, Wanted};
use turnledger_core::UnixMillis;
use turnledger_testing::{Answer, Collector};
use turnledger_tests::golden::{folder, recording, replay, values};
use turnledger_tests::program::{command, run, run_in, stderr, stdout};

const PATIENCE: Duration = Duration::from_secs(10);

/// The events of a recording: in a file, one a line, and as they are.
fn events(home: &Path, name: &str) -> (String, Vec<Value>) {
    let traffic = folder().join("0.131.0").join(name).join("traffic.jsonl").display().to_string();
    let path = home.join(format!("{name}.jsonl")).display().to_string();
    assert_eq!(run(&["replay", "-q", &traffic, "--output", &path], b"").status.code(), Some(0));
    let text = fs::read_to_string(&path).expect("events");
    (path, text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
}

/// A spool in the default place, with the events of a recording.
fn fill(home: &Path, name: &str) -> Vec<Value> {
    fill_at(&home.join(".local/state/turnledger/spool"), name)
}

/// A spool with the events of a recording.
fn fill_at(path: &Path, name: &str) -> Vec<Value> {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let mut spool = Spool::open(path, StoreLimits::default(), PATIENCE).expect("a spool");
    let events = replay(turnledger::Sha2::default(), &recording("0.131.0", name).messages()).events;
    let stored: Vec<_> = events.iter().map(|event| StoredEvent::new(now(), AccountKey::NONE, event)).collect();
    spool.append(&stored, now()).expect("room");
    values(&events)
}

fn sorted(mut events: Vec<Value>) -> Vec<String> {
    let mut texts: Vec<_> = events.drain(..).map(|event| event.to_string()).collect();
    texts.sort();
    texts
}

fn ended(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), stderr(output))
}

fn said(code: i32, text: &str) -> (Option<i32>, String) {
    (Some(code), text.into())
}

#[test]
fn files_are_delivered_and_what_is_no_event_is_said() {
    let home = tempfile::tempdir().expect("a folder");
    let collector = Collector::new();
    let (path, expected) = events(home.path(), "mixed_long");
    let output = run_in(home.path(), &["upload", &path, "--upload", &collector.url()], b"");
    // An accepted-line event is alone in its request, so what is between two of them is, too.
    assert_eq!(ended(&output), said(0, "37 events delivered, in 12 requests\n"));
    assert_eq!(sorted(collector.events()), sorted(expected.clone()));
    // Once more, since who knows how far it was: the server knows the requests.
    run_in(home.path(), &["upload", &path, "--upload", &collector.url()], b"");
    assert_eq!(collector.count(), expected.len());

    // Request bodies do as well, packed too; what is unknown of an event stays here.
    let other = Collector::new();
    let traffic = folder().join("0.131.0/plain_turn/traffic.jsonl").display().to_string();
    let mut input = run(&["replay", "-q", "--batches", &traffic], b"").stdout;
    let known = serde_json::from_slice::<Value>(&input).expect("a body")["events"].as_array().expect("events").clone();
    let mut extended = known[0].clone();
    extended["event_params"]["prompt"] = "secret".into();
    input.extend_from_slice(b"\nnonsense\n{\"event_type\":\"codex_turn_event\",\"event_params\":{}}\n");
    input.extend_from_slice(extended.to_string().as_bytes());
    let output = run_in(home.path(), &["upload", "-", "--upload", &other.url()], &input);
    let neither = "neither an event nor a request body";
    assert_eq!(
        ended(&output),
        said(1, &format!("<stdin>:3: {neither}; 2 lines like it: 3-4\n3 events delivered, in 1 request\n"))
    );
    assert_eq!(other.events(), [known[0].clone(), known[1].clone(), known[0].clone()]);
}

#[test]
fn the_spool_is_drained() {
    let home = tempfile::tempdir().expect("a folder");
    let collector = Collector::new();
    let upload = |more: &[&str]| {
        let url = collector.url();
        run_in(home.path(), &[&["upload", "--upload", &url][..], more].concat(), b"")
    };
    let path = home.path().join(".local/state/turnledger/spool").display().to_string();
    let nothing = format!("turnledger: {path}: no spool here, so no event waits\n0 events delivered, in 0 requests\n");
    assert_eq!(ended(&upload(&[])), said(0, &nothing));
    assert!(!home.path().join(".local").exists(), "to look at a spool does not make one");
    let expected = fill(home.path(), "approve_patch");
    collector.script([Answer::status(503), Answer::hang_up()]);
    assert_eq!(ended(&upload(&[])), said(0, "9 events delivered, in 2 requests\n"));
    assert_eq!(sorted(collector.events()), sorted(expected));
    assert_eq!(ended(&upload(&["-q"])), said(0, ""));
}

#[test]
fn what_cannot_be_delivered_is_kept_and_said() {
    let home = tempfile::tempdir().expect("a folder");
    fill(home.path(), "plain_turn");
    let upload =
        |arguments: &[&str]| ended(&run_in(home.path(), &[&["upload", "--wait", "0"][..], arguments].concat(), b""));
    let waiting = |problem: &str| {
        said(4, &format!("0 events delivered, in 0 requests\nturnledger: {problem}; 2 events still waiting\n"))
    };
    let collector = Collector::new();
    let url = collector.url();
    let refused = "the server cannot be reached (127.0.0.1:1: the connection is refused: \
                   io: Connection refused (os error 111))";
    assert_eq!(upload(&["--upload", "http://127.0.0.1:1/secret-in-the-path"]), waiting(refused));
    collector.script([Answer::status(503)]);
    assert_eq!(upload(&["--upload", &url]), waiting("the server answers with status 503"));
    collector.script([Answer::status(404)]);
    assert_eq!(upload(&["--upload", &url]), waiting("the server does not take requests at this URL (status 404)"));
    collector.script([Answer::status(401)]);
    assert_eq!(
        upload(&["--upload", &url]),
        waiting("the server refuses the credentials (status 401): --token-file names a file with a token for it")
    );
    let auth = home.path().join("auth.json");
    let auth_path = auth.display().to_string();
    assert_eq!(
        upload(&["--upload", &url, "--auth", &auth_path]),
        waiting(
            "there are no credentials: the file that --auth, TURNLEDGER_AUTH or `auth` in turnledger.toml names is \
             missing or has none"
        )
    );
    fs::write(&auth, r#"{"OPENAI_API_KEY":"sk-1"}"#).expect("a file");
    assert_eq!(
        upload(&["--upload", &url, "--auth", &auth_path]),
        waiting("the credentials are an API key: events of API keys are not sent")
    );
    assert_eq!(
        upload(&[]),
        said(
            2,
            "turnledger: no server is set: name one by --upload, TURNLEDGER_UPLOAD or `upload` in turnledger.toml\n"
        )
    );
    let off =
        command(home.path()).args(["upload", "--upload", &url]).env("DO_NOT_TRACK", "1").output().expect("it runs");
    assert_eq!(ended(&off), said(2, "turnledger: analytics are off (DO_NOT_TRACK): nothing is sent\n"));
    assert_eq!(
        upload(&["--upload", &url, "/no/such/file"]),
        said(2, "turnledger: cannot read /no/such/file: No such file or directory (os error 2)\n")
    );
    assert_eq!(collector.received().len(), 3);
}

#[test]
fn a_spool_is_looked_at_and_acted_upon() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join(".local/state/turnledger/spool").display().to_string();
    let spool = |arguments: &[&str]| run_in(home.path(), &[&["spool"][..], arguments].concat(), b"");
    assert_eq!(ended(&spool(&["status"])), said(0, &format!("turnledger: {path}: no spool here, so no event waits\n")));
    let expected = fill(home.path(), "plain_turn");
    let listed = spool(&["list"]);
    let rows: Vec<Vec<String>> = stdout(&listed)
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect())
        .collect();
    let bytes = |number: usize| expected[number].to_string().len().to_string();
    assert_eq!(rows[0], ["NUMBER", "AGE", "STATE", "BYTES", "EVENT"]);
    for (number, name) in [(1, "codex_thread_initialized"), (2, "codex_turn_event")] {
        let row = &rows[number];
        assert_eq!([&row[0], &row[2], &row[3], &row[4]], [&number.to_string(), "waiting", &bytes(number - 1), name]);
    }
    let listed = stdout(&spool(&["list", "--json"]));
    let events: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(events, expected);

    let collector = Collector::new();
    collector.script([Answer::status(400)]);
    let url = collector.url();
    let upload = || run_in(home.path(), &["upload", "--upload", &url], b"");
    assert_eq!(
        ended(&upload()),
        said(
            4,
            "turnledger: the server refused 2 events (status 400); see `turnledger spool list --refused`\n0 events delivered, in 0 requests\n"
        )
    );
    let status = stdout(&spool(&["status"]));
    let status: Vec<_> = status.lines().skip(1).collect();
    assert_eq!(status, ["0 events waiting (0 B)", "2 events refused by the server with status 400"]);
    assert_eq!(stdout(&spool(&["list", "--json", "--refused", "--limit", "1"])), format!("{}\n", expected[0]));
    assert_eq!(stdout(&spool(&["retry"])), "2 events will be sent again\n");
    assert_eq!(ended(&upload()), said(0, "2 events delivered, in 1 request\n"));
    assert_eq!(collector.events(), expected);

    fill(home.path(), "plain_turn");
    assert_eq!(
        ended(&spool(&["clear"])),
        said(2, "turnledger: 2 events would be deleted; --yes deletes without asking\n")
    );
    assert_eq!(stdout(&spool(&["clear", "--refused", "--yes"])), "0 events deleted\n");
    assert_eq!(stdout(&spool(&["clear", "--yes"])), "2 events deleted\n");
    assert_eq!(stdout(&spool(&["list"])), "");
    assert_eq!(
        ended(&spool(&["status", "--spool", "none"])),
        said(2, "turnledger: there is no spool: --spool says `none`\n")
    );
    let noise = home.path().join("noise.db").display().to_string();
    fs::write(&noise, "no database, ".repeat(1000)).expect("a file");
    assert_eq!(
        ended(&spool(&["status", "--spool", &noise])),
        said(
            2,
            &format!(
                "turnledger: {noise}: the spool is damaged: file is not a database; `turnledger spool set-aside` renames it, and a new one takes its place\n"
            )
        )
    );
}

#[test]
fn what_waits_for_a_receiver_of_opentelemetry_is_acted_upon_with_the_rest() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join(".local/state/turnledger/spool");
    let beside = home.path().join(".local/state/turnledger/spool.otlp");
    let spool = |arguments: &[&str]| run_in(home.path(), &[&["spool"][..], arguments].concat(), b"");
    let waiting = |path: &Path| {
        let waiting = Spool::open(path, StoreLimits::default(), PATIENCE).expect("a spool").waiting().expect("counts");
        (waiting.events, waiting.refused)
    };
    // It is there alone.
    let events = fill_at(&beside, "plain_turn");
    let lines: String = events.iter().map(|event| event.to_string() + "\n").collect();
    assert_eq!(ended(&spool(&["list", "--json"])), said(0, ""));
    assert_eq!(stdout(&spool(&["list", "--json"])), lines);
    assert!(stdout(&spool(&["list"])).starts_with("for OpenTelemetry:\n"));
    assert_eq!(stdout(&spool(&["clear", "--yes"])), "2 events deleted\n");
    assert_eq!((waiting(&beside), path.exists()), ((0, 0), false));

    // Both are there.
    fill(home.path(), "plain_turn");
    fill_at(&beside, "plain_turn");
    for path in [&path, &beside] {
        let mut spool = Spool::open(path, StoreLimits::default(), PATIENCE).expect("a spool");
        let wanted = Wanted::new(UnixMillis(u64::MAX / 2), AccountKey::NONE);
        let batch = spool.next(&wanted).expect("a spool").expect("a batch");
        spool.refused(&batch, 400).expect("a spool");
    }
    assert_eq!((waiting(&path), waiting(&beside)), ((0, 2), (0, 2)));
    assert_eq!(stdout(&spool(&["list", "--json", "--refused"])), lines.repeat(2));
    assert_eq!(stdout(&spool(&["retry"])), "4 events will be sent again\n");
    assert_eq!((waiting(&path), waiting(&beside)), ((2, 0), (2, 0)));
    assert_eq!(
        ended(&spool(&["clear"])),
        said(2, "turnledger: 4 events would be deleted; --yes deletes without asking\n")
    );
    assert_eq!(stdout(&spool(&["clear", "--yes"])), "4 events deleted\n");
    assert_eq!((waiting(&path), waiting(&beside)), ((0, 0), (0, 0)));
}

#[test]
fn a_session_fills_a_spool_that_is_named_and_upload_delivers_it() {
    let home = tempfile::tempdir().expect("a folder");
    let spool = home.path().join("events.db").display().to_string();
    let traffic = recording("0.131.0", "plain_turn").messages();
    let lines: Vec<_> = traffic.iter().map(|message| message.text.as_str()).collect();
    // Both directions at once, which gives no events but those of notifications: enough to see that it waits.
    let output = run_in(home.path(), &["tap", "--spool", &spool, "--", "cat"], lines.join("\n").as_bytes());
    let (code, text) = ended(&output);
    assert_eq!(code, Some(0));
    // The server sends what only clients send.
    assert!(text.starts_with("turnledger: seen, not understood: ") && text.lines().count() == 1, "{text}");
    assert!(Path::new(&spool).exists());
    let waiting = Spool::open(Path::new(&spool), StoreLimits::default(), PATIENCE).expect("a spool").waiting();
    let waiting = waiting.expect("counts");
    assert!(waiting.events > 0);
    let collector = Collector::new();
    let output = run_in(home.path(), &["upload", "-q", "--spool", &spool, "--upload", &collector.url()], b"");
    assert_eq!((ended(&output), collector.count() as u64), (said(0, ""), waiting.events));
}

#[test]
fn a_preview_shows_what_is_sent() {
    let home = tempfile::tempdir().expect("a folder");
    let traffic = folder().join("0.131.0/approve_patch/traffic.jsonl").display().to_string();
    let url = "https://host.test/api";
    let output = run_in(home.path(), &["preview", &traffic, "--upload", url, "--auth", "/home/a/auth.json"], b"");
    assert_eq!(ended(&output), said(0, "9 events in 2 requests\n"));
    let text = stdout(&output);
    let head = "POST https://host.test/api/codex/analytics-events/events\nContent-Type: application/json\n\
                Idempotency-Key: (made when the request is formed)\nAuthorization: (from /home/a/auth.json)\n";
    let mut bodies = Vec::new();
    for (number, request) in text.split("# Request ").skip(1).enumerate() {
        let (title, rest) = request.split_once('\n').expect("a title");
        let (shown, body) = rest.split_once("\n\n").expect("a body");
        let body: Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(format!("{shown}\n"), head);
        let events = body["events"].as_array().expect("events").clone();
        assert_eq!(
            title,
            format!("{}: {} event{}", number + 1, events.len(), if events.len() == 1 { "" } else { "s" })
        );
        bodies.extend(events);
    }
    assert_eq!(bodies, events(home.path(), "approve_patch").1);
    let output = run_in(home.path(), &["preview", &traffic], b"");
    assert_eq!(
        ended(&output),
        said(0, "turnledger: no server is set (--upload): none of this would be sent\n9 events in 2 requests\n")
    );
}

#[test]
fn a_preview_follows_a_session_as_it_goes_on() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("traffic.jsonl");
    let traffic = fs::read_to_string(folder().join("0.131.0/plain_turn/traffic.jsonl")).expect("a recording");
    let (first, second) = traffic.split_at(traffic.len() / 2);
    fs::write(&path, first).expect("a file");
    let mut child = command(home.path())
        .args(["preview", "--follow", "--batch-events", "1", &path.display().to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut shown = BufReader::new(child.stdout.take().expect("its output")).lines().map_while(Result::ok);
    let mut next = || shown.find(|line| line.contains("event_type")).expect("an event");
    assert_eq!(next().trim(), r#""event_type": "codex_thread_initialized","#);
    fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(second.as_bytes()))
        .expect("more");
    assert_eq!(next().trim(), r#""event_type": "codex_turn_event","#);
    fs::write(&path, "").expect("another recording");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(
        ended(&output),
        said(
            2,
            &format!(
                "turnledger: {} became shorter, so another recording has taken its place; run this again\n",
                path.display()
            )
        )
    );
}

#[test]
fn what_is_too_large_is_split_and_keys_are_of_one_file_of_one_person() {
    let home = tempfile::tempdir().expect("a folder");
    let (path, expected) = events(home.path(), "mixed_long");
    let other = home.path().join("a copy.jsonl").display().to_string();
    fs::copy(&path, &other).expect("a copy");
    let upload = |home: &Path, files: &[&str]| {
        let collector = Collector::new();
        let most = 6000;
        collector.rule(move |request| (request.body.len() > most).then(|| Answer::status(413)));
        let url = collector.url();
        let output = run_in(home, &[&["upload", "--upload", &url][..], files].concat(), b"");
        (ended(&output), collector)
    };
    let keys = |collector: &Collector| -> BTreeMap<String, Vec<u8>> {
        let received = collector.received().into_iter();
        received.map(|one| (one.headers["idempotency-key"].clone(), one.body.clone())).collect()
    };
    let (said, collector) = upload(home.path(), &[&path]);
    let alone = collector.events().len();
    assert_eq!((said.0, alone), (Some(if alone == expected.len() { 0 } else { 4 }), alone), "{}", said.1);
    let too_large = expected.iter().filter(|event| event.to_string().len() + 13 > 6000).count();
    assert_eq!(alone + too_large, expected.len());
    assert_eq!(keys(&collector).len(), collector.received().len(), "each request has a key of its own");
    // The same file again has the same keys, and an equal one has others, as has the same file of another person.
    assert_eq!(keys(&upload(home.path(), &[&path]).1), keys(&collector));
    let both = upload(home.path(), &[&path, &other]).1;
    assert_eq!(both.events().len(), 2 * alone);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let theirs = keys(&upload(elsewhere.path(), &[&path]).1);
    assert!(theirs.keys().all(|key| !keys(&collector).contains_key(key)));
}

#[test]
fn a_server_that_asks_for_time_is_not_asked_again_by_the_next_process() {
    let home = tempfile::tempdir().expect("a folder");
    fill(home.path(), "plain_turn");
    let collector = Collector::new();
    collector.script([Answer::status(429).header("Retry-After", "3600")]);
    let url = collector.url();
    let upload = || run_in(home.path(), &["upload", "-q", "--upload", &url], b"");
    let first = upload();
    let problem = "turnledger: the server answers with status 429; 2 events still waiting\n";
    assert_eq!(ended(&first), said(4, problem));
    let second = stderr(&upload());
    assert!(second.starts_with("turnledger: the server asked for no request for another 60 minutes"), "{second}");
    assert_eq!(collector.received().len(), 1);
}
