//! `[policy]` in the settings file: what leaves, and that nothing does if it cannot be read.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use turnledger::Sha2;
use turnledger_core::Digest;
use turnledger_testing::Collector;
use turnledger_tests::golden::folder;
use turnledger_tests::program::{pass, run_in, stderr, stdout};

use crate::tap::play;

/// Hashes with the key below.
const RULES: &str = concat!(
    "key_file = \"key\"\n\n[policy]\n",
    "drop_events = [\"codex_review_event\", \"codex_accepted_line_fingerprints\"]\n",
    "drop_members = [\"runtime\", \"app_server_client.client_version\"]\n",
    "hash_members = [\"model\"]\n",
    "coarsen_times = \"hour\"\n",
);

fn traffic() -> String {
    folder().join("0.131.0/approve_patch/traffic.jsonl").display().to_string()
}

fn set(home: &Path, settings: &str) {
    let folder = home.join(".config/turnledger");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("turnledger.toml"), settings).expect("a file");
    fs::write(folder.join("key"), "a key of 16 bytes or more\n").expect("a file");
}

/// What leaves of an event by these rules.
fn leaving(mut event: Value) -> Option<Value> {
    if ["codex_review_event", "codex_accepted_line_fingerprints"].contains(&event["event_type"].as_str()?) {
        return None;
    }
    let keyed = Sha2::keyed(b"a key of 16 bytes or more").expect("a key");
    let hash = |text: &str| Value::from(keyed.digest(&[b"member\0", text.as_bytes()]).to_string());
    let params = event["event_params"].as_object_mut().expect("an object");
    params.remove("runtime");
    for (name, value) in params.iter_mut() {
        if name == "app_server_client" {
            value.as_object_mut().expect("an object").remove("client_version");
        } else if ["model", "thread_id", "turn_id", "item_id"].contains(&name.as_str()) {
            // Ids may hold a time.
            *value = hash(value.as_str().expect("text"));
        } else if let Some(hour) = [("_at", 3600), ("_at_ms", 3_600_000)].iter().find(|(end, _)| name.ends_with(end)) {
            *value = (value.as_u64().expect("a time") / hour.1 * hour.1).into();
        }
    }
    Some(event)
}

/// All events of the recording, and what leaves of them.
fn events(home: &Path) -> (String, Vec<Value>) {
    let path = home.join("events.jsonl").display().to_string();
    assert_eq!(run_in(home, &["replay", "-q", &traffic(), "--output", &path], b"").status.code(), Some(0));
    let text = fs::read_to_string(&path).expect("events");
    let all = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    let leaving: Vec<_> = all.filter_map(leaving).collect();
    assert_eq!(leaving.len(), 5);
    (path, leaving)
}

#[test]
fn files_leave_as_the_policy_says() {
    let home = tempfile::tempdir().expect("a folder");
    set(home.path(), RULES);
    let (path, leaving) = events(home.path());
    let collector = Collector::new();
    let output = run_in(home.path(), &["upload", &path, "--upload", &collector.url()], b"");
    let said = "5 events delivered, in 1 request\n4 events kept back by the policy\n";
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), said));
    assert_eq!(collector.events(), leaving);
}

#[test]
fn a_session_leaves_as_the_policy_says() {
    let home = tempfile::tempdir().expect("a folder");
    set(home.path(), RULES);
    let collector = Collector::new();
    let kept = home.path().join("kept.jsonl").display().to_string();
    let (_, output) = play(home.path(), &["--events", &kept, "--upload", &collector.url()], "approve_patch");
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("4 events kept back by the policy"), "{}", stderr(&output));
    // The user's own file has everything.
    let kept = fs::read_to_string(&kept).expect("events");
    let kept: Vec<Value> = kept.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(kept.len(), 9);
    let leaving: Vec<_> = kept.into_iter().filter_map(leaving).collect();
    assert_eq!(collector.events(), leaving);
}

#[test]
fn a_preview_shows_what_the_policy_does() {
    let home = tempfile::tempdir().expect("a folder");
    set(home.path(), RULES);
    let (_, leaving) = events(home.path());
    let output = run_in(home.path(), &["preview", &traffic()], b"");
    let text = stdout(&output);
    let notes: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# Policy: ")).collect();
    let patch = "codex_file_change_event: app_server_client.client_version left out, runtime.codex_rs_version left out, \
                 runtime.runtime_arch left out, runtime.runtime_os left out, runtime.runtime_os_version left out, \
                 item_id hashed, thread_id hashed, turn_id hashed, completed_at_ms coarsened, started_at_ms coarsened";
    let review = "codex_review_event stays: `drop_events` has `codex_review_event`";
    let fingerprints = "codex_accepted_line_fingerprints stays: `drop_events` has `codex_accepted_line_fingerprints`";
    let of_types = |name: &str| notes.iter().filter(|note| note.starts_with(name)).copied().collect::<Vec<_>>();
    assert_eq!(of_types("codex_file_change_event"), [patch; 3]);
    assert_eq!(of_types("codex_review_event"), [review; 3]);
    assert_eq!(of_types("codex_accepted"), [fingerprints]);
    let bodies =
        text.split("\n{\n").skip(1).map(|body| format!("{{\n{}", body.split("\n\n").next().unwrap_or_default()));
    let shown: Vec<Value> = bodies
        .flat_map(|body| {
            serde_json::from_str::<Value>(&body).expect("JSON")["events"].as_array().expect("events").clone()
        })
        .collect();
    assert_eq!(shown, leaving);
    assert!(
        stderr(&output).ends_with("5 events in 1 request\n4 events kept back by the policy\n"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn only_events_of_some_repositories_leave() {
    let home = tempfile::tempdir().expect("a folder");
    set(home.path(), "[policy]\nallow_repositories = [\"github.com/acme/*\"]\n");
    let preview = |remote: &str| {
        let output = run_in(home.path(), &["preview", &traffic(), "--remote", remote], b"");
        assert_eq!(output.status.code(), Some(0));
        (stdout(&output), stderr(&output))
    };
    assert!(preview("https://github.com/Acme/widget.git").1.ends_with("9 events in 2 requests\n"));
    let (shown, said) = preview("https://github.com/other/widget.git");
    let why = " stays: `allow_repositories` does not have it (github.com/other/widget)";
    let lines: Vec<_> = shown.lines().filter(|line| !line.is_empty()).collect();
    assert!(
        lines.len() == 9 && lines.iter().all(|line| line.starts_with("# Policy: ") && line.ends_with(why)),
        "{shown}"
    );
    assert!(said.ends_with("0 events in 0 requests\n9 events kept back by the policy\n"), "{said}");
    // A file of events does not say of which repository they are.
    let (path, _) = events(home.path());
    let collector = Collector::new();
    let output = run_in(home.path(), &["upload", &path, "--upload", &collector.url()], b"");
    assert!(stderr(&output).ends_with("9 events kept back by the policy\n"), "{}", stderr(&output));
    assert_eq!(collector.events(), Vec::<Value>::new());
}

#[test]
fn without_a_policy_that_can_be_read_nothing_leaves() {
    let home = tempfile::tempdir().expect("a folder");
    let (path, _) = events(home.path());
    let collector = Collector::new();
    let file = home.path().join(".config/turnledger/turnledger.toml").display().to_string();
    for (settings, line, problem) in [
        (
            "[policy]\ndrop_event = []\n",
            2,
            "unknown rule `drop_event`; known are allow_events, drop_events, allow_clients, \
          drop_clients, allow_repositories, drop_repositories, allow_members, drop_members, hash_members, coarsen_times",
        ),
        ("[policy]\n\ncoarsen_times = \"day\"\n", 3, "`coarsen_times`: expected \"hour\""),
        ("[policy]\ndrop_members = [\"runtime\", \"modell\"]\n", 2, "`drop_members`: no event has a member `modell`"),
        (
            "[policy]\nhash_members = [\"model\"]\n",
            1,
            "`hash_members` and `coarsen_times` need a key: without one, a hash \
          can be guessed (--key-file)",
        ),
    ] {
        set(home.path(), settings);
        let expected = format!("turnledger: {file}:{line}: policy: {problem}; nothing is sent\n");
        for arguments in [
            &["upload", &path, "--upload", &collector.url()][..],
            &["upload", "--upload", &collector.url()],
            &["preview", &traffic()],
        ] {
            let output = run_in(home.path(), arguments, b"");
            assert_eq!((output.status.code(), stderr(&output)), (Some(2), expected.clone()));
        }
        // A session goes on without analytics.
        let output = pass(home.path(), &["--upload", &collector.url()], &["cat"], b"hello\n".to_vec());
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(0), "hello\n"));
        assert!(stderr(&output).starts_with(expected.trim_end()), "{}", stderr(&output));
    }
    assert_eq!(collector.count(), 0);
}

#[test]
fn the_rules_in_force_are_printed() {
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join(".config/turnledger/turnledger.toml").display().to_string();
    let doctor = || {
        let output = run_in(home.path(), &["doctor", "--format", "json"], b"");
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    assert_eq!(doctor()["policy"], json!({ "file": null, "rules": null, "is_usable": true }));

    set(home.path(), RULES);
    let printed = stdout(&run_in(home.path(), &["config"], b""));
    let (_, rules) = printed.split_once("\n[policy]\n").expect("a policy");
    let rules: Vec<_> = rules.lines().filter_map(|line| line.split_once("  # ")).collect();
    let rules: Vec<_> =
        rules.iter().map(|(rule, place)| format!("{} # {}", rule.trim_end(), place.trim_start())).collect();
    let expected = [
        format!("drop_events = [\"codex_review_event\",\"codex_accepted_line_fingerprints\"] # {file}:4"),
        format!("drop_members = [\"runtime\",\"app_server_client.client_version\"] # {file}:5"),
        format!("hash_members = [\"model\"] # {file}:6"),
        format!("coarsen_times = \"hour\" # {file}:7"),
    ];
    let sorted = |mut lines: Vec<String>| {
        lines.sort();
        lines
    };
    assert_eq!(sorted(rules), sorted(expected.into()));
    assert_eq!(doctor()["policy"], json!({ "file": file, "rules": 4, "is_usable": true }));
    // What is printed can be used as the file.
    set(home.path(), &printed);
    let again = stdout(&run_in(home.path(), &["config"], b""));
    let without_places = |text: &str| {
        text.lines().map(|line| line.split("  # ").next().unwrap_or_default().trim_end().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(without_places(&again), without_places(&printed));

    set(home.path(), "[policy]\ncoarsen_times = \"day\"\n");
    let problem = format!("{file}:2: policy: `coarsen_times`: expected \"hour\"; nothing is sent");
    let output = run_in(home.path(), &["config"], b"");
    assert_eq!((output.status.code(), stderr(&output)), (Some(2), format!("turnledger: {problem}\n")));
    let checkup = doctor();
    assert_eq!(checkup["policy"], json!({ "file": file, "rules": 1, "is_usable": false }));
    let problems = checkup["problems"].as_array().expect("problems");
    assert!(problems.iter().any(|found| found["about"] == "policy" && found["problem"] == json!(problem)), "{checkup}");
}
