//! `turnledger doctor`: what is set up, and what is wrong with it.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};
use turnledger::delivery::account::AccountKey;
use turnledger::now;
use turnledger::store::{Spool, StoreLimits, StoredEvent, Wanted};
use turnledger_tests::codex::{Version, binary, is_installed};
use turnledger_tests::golden::{recording, replay};
use turnledger_tests::program::{command, stderr, stdout};
use turnledger_tests::rollouts::recordings;

/// The program in a home of its own, with no other program in reach.
fn doctor(home: &Path, arguments: &[&str]) -> Command {
    let mut doctor = command(home);
    doctor.env_remove("CODEX_HOME").env("PATH", home.join("bin")).arg("doctor").args(arguments);
    doctor
}

fn said(mut command: Command) -> (Option<i32>, String) {
    let output: Output = command.output().expect("it runs");
    assert_eq!(stderr(&output), "");
    (output.status.code(), stdout(&output))
}

fn json(mut command: Command) -> (Option<i32>, Value) {
    let output = command.args(["--format", "json"]).output().expect("it runs");
    assert_eq!(stderr(&output), "");
    (output.status.code(), serde_json::from_slice(&output.stdout).expect("JSON"))
}

/// A program of this name that prints a text and ends so.
#[cfg(unix)]
fn program(home: &Path, script: &str) {
    use std::os::unix::fs::PermissionsExt;

    let path = home.join("bin/codex");
    fs::create_dir_all(home.join("bin")).expect("a folder");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
}

/// The session of a recording, as Codex stores it.
fn store_session(home: &Path) -> u64 {
    let recorded = recordings("0.131.0").into_iter().find(|recorded| recorded.name == "plain_turn").expect("one");
    let (name, text) = &recorded.files[0];
    let folder = home.join(".codex/sessions/2026/11/28");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join(Path::new(name).file_name().expect("a name")), text).expect("a file");
    text.len() as u64
}

fn problems(checkup: &Value) -> Vec<(String, String, String)> {
    let problems = checkup["problems"].as_array().expect("problems").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    problems.map(|one| (text(&one["about"]), text(&one["problem"]), text(&one["remedy"]))).collect()
}

#[test]
fn an_empty_home_says_what_is_missing() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().display();
    let expected = format!(
        "program    turnledger {}\n\
         settings   {path}/.config/turnledger/turnledger.toml (not there)\n\
         analytics  on; hashes without a key\n\
         policy     none: everything leaves\n\
         Codex      not found in PATH\n\
         sessions   {path}/.codex (not there)\n\
         imports    nothing was imported yet\n\
         store      {path}/.local/state/turnledger/events.db (not there: `turnledger import` makes it)\n\
         spool      {path}/.local/state/turnledger/spool (not there, so no event waits)\n\
         upload     nowhere: nothing is sent\n\n\
         1 problem:\n\
         codex: neither Codex nor a session of it was found; put the folder of `codex` in PATH, or name the folder with its \
         sessions: `export CODEX_HOME=DIR`\n",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(said(doctor(home.path(), &[])), (Some(1), expected));
    // To look changes nothing.
    assert_eq!(fs::read_dir(home.path()).expect("a folder").count(), 0);
}

#[test]
fn what_is_there_is_told_with_its_size() {
    let home = tempfile::tempdir().expect("a folder");
    let bytes = store_session(home.path());
    let state = home.path().join(".local/state/turnledger");
    fs::create_dir_all(&state).expect("a folder");
    let mut spool = Spool::open(&state.join("spool"), StoreLimits::default(), Duration::default()).expect("a spool");
    let events = replay(turnledger::Sha2::default(), &recording("0.131.0", "plain_turn").messages()).events;
    let stored: Vec<_> = events.iter().map(|event| StoredEvent::new(now(), AccountKey::NONE, event)).collect();
    spool.append(&stored, now()).expect("room");
    let size = spool.size();
    drop(spool);
    let imported = command(home.path()).env_remove("CODEX_HOME").args(["import", "-q"]).output().expect("it runs");
    assert_eq!((imported.status.code(), stderr(&imported)), (Some(0), String::new()));

    let (code, checkup) = json(doctor(home.path(), &["--spool-days", "9"]));
    assert_eq!((code, &checkup["problems"]), (Some(0), &json!([])), "{checkup:#}");
    let oldest = &checkup["spool"]["holds"]["oldest_ms"];
    assert!(oldest.as_u64().is_some_and(|at| at <= now().0 && at + 60_000 > now().0), "{oldest}");
    let held = &checkup["store"]["holds"];
    assert!(held["bytes"].as_u64() > Some(4096) && held["newest_ms"].as_u64() > Some(1_795_854_745_775), "{held}");
    let file = |path: &str| home.path().join(path).display().to_string();
    let memory = fs::read_dir(state.join("imports")).expect("a folder").flatten();
    let memory = memory.filter(|file| file.path().extension().is_some_and(|extension| extension == "json"));
    let memory: u64 = memory.map(|file| file.metadata().expect("a file").len()).sum();
    let expected = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "settings": {
            "file": file(".config/turnledger/turnledger.toml"),
            "is_there": false,
            "set": [{"name": "spool_days", "value": "9", "by": "--spool-days"}],
        },
        "analytics": {"enabled": true, "by": "default", "has_key": false},
        "policy": {"file": null, "rules": null, "is_usable": true},
        "codex": null,
        "sessions": {
            "home": file(".codex"),
            "is_there": true,
            "folders": [
                {"path": file(".codex/sessions"), "files": 1, "bytes": bytes, "newest_ms": 1_795_854_745_775_u64},
            ],
        },
        "imports": {"folder": file(".local/state/turnledger/imports"), "places": 1, "bytes": memory},
        "store": {
            "path": file(".local/state/turnledger/events.db"),
            "is_there": true,
            "holds": {"version": 3, "bytes": held["bytes"], "events": 2, "sessions": 1, "newest_ms": held["newest_ms"]},
        },
        "spool": {
            "path": file(".local/state/turnledger/spool"),
            "is_there": true,
            "holds": {"bytes": size, "waiting": events.len(), "oldest_ms": oldest, "refused": 0},
        },
        "otlp": null,
        "upload": {"url": null, "auth": null, "credentials": null, "token_file": null, "certificates": null},
        "problems": [],
    });
    assert_eq!(checkup, expected);
}

#[test]
fn a_codex_says_its_version() {
    if !is_installed(Version::Contract) {
        return;
    }
    let codex = binary(Version::Contract).expect("it is installed").canonicalize().expect("a path");
    let home = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(home.path().join(".codex")).expect("a folder");
    let mut doctor = doctor(home.path(), &[]);
    doctor.env("PATH", env::join_paths([&home.path().join("no"), codex.parent().expect("a folder")]).expect("a path"));
    let (code, checkup) = json(doctor);
    assert_eq!((code, &checkup["codex"]), (Some(0), &json!({"path": codex, "version": "0.131.0"})), "{checkup:#}");
    assert_eq!(checkup["sessions"]["folders"], json!([]));
}

#[cfg(unix)]
#[test]
fn a_codex_that_cannot_say_its_version_is_a_problem() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("bin/codex");
    for (script, why) in [("exit 3", "exit status: 3"), ("exit 0", "it says nothing")] {
        program(home.path(), script);
        let (code, checkup) = json(doctor(home.path(), &[]));
        let path = path.display();
        let expected = (
            "codex".to_owned(),
            format!("{path} does not say its version: {why}"),
            format!("see what `{path} --version` says"),
        );
        assert_eq!((code, problems(&checkup)), (Some(1), vec![expected]));
        assert_eq!(checkup["codex"], json!({"path": path.to_string(), "version": null}));
    }
}

#[test]
fn broken_settings_do_not_hide_the_rest() {
    let home = tempfile::tempdir().expect("a folder");
    store_session(home.path());
    let folder = home.path().join(".config/turnledger");
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("turnledger.toml");
    fs::write(&file, "\nuplod = 1\n").expect("a file");
    let (code, checkup) = json(doctor(home.path(), &[]));
    let [(about, problem, remedy)] = &problems(&checkup)[..] else { panic!("one problem: {checkup:#}") };
    assert_eq!((code, about.as_str()), (Some(1), "settings"));
    assert!(problem.starts_with(&format!("{}:2: unknown setting; known are ", file.display())), "{problem}");
    assert_eq!(remedy, "correct it there; `turnledger config` checks it");
    for part in ["settings", "analytics", "store", "spool", "upload"] {
        assert_eq!(checkup[part], Value::Null, "{part}");
    }
    assert_eq!(checkup["sessions"]["folders"][0]["files"], 1);
    let (_, text) = said(doctor(home.path(), &[]));
    assert!(text.contains("\nspool      unknown: the settings cannot be used\n"), "{text}");

    // A named file that is not there says why.
    let (_, checkup) = json(doctor(home.path(), &["--config", "/no/such/file"]));
    assert_eq!(problems(&checkup)[0].1, "cannot read /no/such/file: No such file or directory (os error 2)");
    // A fault of the command line is no finding.
    fs::remove_file(&file).expect("a file");
    let output = doctor(home.path(), &["--spool-days", "0"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn whoever_says_no_is_named() {
    let home = tempfile::tempdir().expect("a folder");
    store_session(home.path());
    for name in ["DO_NOT_TRACK", "TURNLEDGER_DISABLED"] {
        let mut off = doctor(home.path(), &[]);
        let (code, text) = said({
            off.env(name, "1");
            off
        });
        let line = format!("\nanalytics  off, by {name}: `tap` makes no events, and nothing is sent\n");
        assert!(text.contains(&line) && code == Some(0), "{text}");
    }
}

#[test]
fn each_thing_that_is_wrong_has_what_mends_it() {
    let home = tempfile::tempdir().expect("a folder");
    store_session(home.path());
    let file = |name: &str, text: &str| {
        let path = home.path().join(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let (noise, key) = (file("noise", &"no database, ".repeat(1000)), file("key", "short"));
    let (api_key, pem) = (file("auth.json", r#"{"OPENAI_API_KEY":"sk-secret"}"#), file("ca.pem", "no certificate"));
    let arguments = [
        "--spool",
        &noise,
        "--store",
        &noise,
        "--key-file",
        &key,
        "--upload",
        "https://a.test",
        "--certificates",
        &pem,
    ];
    let (code, checkup) = json(doctor(home.path(), &[&arguments[..], &["--auth", &api_key]].concat()));
    assert_eq!(code, Some(1));
    let found = problems(&checkup);
    let expected = [
        (
            "analytics",
            format!("cannot use the key in {key}: a key needs at least 16 bytes; this one has 5"),
            "write 16 bytes or more to the file, or take `key_file` out of --key-file".to_owned(),
        ),
        (
            "store",
            format!("{noise} is no store, or a damaged one"),
            format!("`mv {noise} {noise}.damaged`, then `turnledger import` makes a new one"),
        ),
        (
            "spool",
            format!("{noise}: the spool is damaged: file is not a database"),
            "`turnledger spool set-aside` renames it, and a new one takes its place".to_owned(),
        ),
        (
            "upload",
            format!("{api_key} has an API key alone, and events of API keys are not sent"),
            "`codex login` writes credentials".to_owned(),
        ),
        (
            "upload",
            "cannot use the certificates that --certificates names: no PEM certificate found".to_owned(),
            "name a file with PEM certificates, or `none`, in --certificates".to_owned(),
        ),
    ];
    assert_eq!(found, expected.map(|(about, problem, remedy)| (about.to_owned(), problem, remedy)));
    assert!(!checkup.to_string().contains("sk-secret"));

    let gone = home.path().join("gone").display().to_string();
    let (_, checkup) = json(doctor(home.path(), &["--upload", "https://a.test", "--auth", &gone]));
    assert_eq!(problems(&checkup)[0].1, format!("{gone} has no credentials, so events are dropped"));
    let (_, checkup) = json(doctor(home.path(), &["--upload", "ftp://a.test"]));
    assert_eq!(
        problems(&checkup),
        [(
            "upload".to_owned(),
            "--upload: cannot send to this server: expected https:// and a host".to_owned(),
            "name a server, or `none`, in --upload".to_owned()
        )]
    );
    let mut lost = doctor(home.path(), &[]);
    lost.env("CODEX_HOME", &gone);
    let (_, checkup) = json(lost);
    assert_eq!(problems(&checkup)[0].1, format!("CODEX_HOME names {gone}, which is no folder"));
}

#[test]
fn refused_events_are_a_problem() {
    let home = tempfile::tempdir().expect("a folder");
    store_session(home.path());
    let path = home.path().join("spool");
    let mut spool = Spool::open(&path, StoreLimits::default(), Duration::default()).expect("a spool");
    let events = replay(turnledger::Sha2::default(), &recording("0.131.0", "plain_turn").messages()).events;
    let stored: Vec<_> = events.iter().map(|event| StoredEvent::new(now(), AccountKey::NONE, event)).collect();
    spool.append(&stored, now()).expect("room");
    let batch = spool.next(&Wanted::new(turnledger_core::UnixMillis(u64::MAX / 2), AccountKey::NONE)).expect("a spool");
    spool.refused(&batch.expect("a batch"), 400).expect("a spool");
    drop(spool);
    let (code, checkup) = json(doctor(home.path(), &["--spool", &path.display().to_string()]));
    let [(about, problem, remedy)] = &problems(&checkup)[..] else { panic!("one problem: {checkup:#}") };
    assert_eq!((code, about.as_str()), (Some(1), "spool"));
    assert_eq!(*problem, format!("the server refused {} events", events.len()));
    assert_eq!(*remedy, "`turnledger spool list --refused` lists them, `turnledger spool retry` sends them again");

    // What waits for a receiver of OpenTelemetry is beside it.
    let beside = home.path().join("spool.otlp");
    fs::rename(&path, &beside).expect("a folder");
    let (path, beside) = (path.display().to_string(), beside.display().to_string());
    let (code, checkup) = json(doctor(home.path(), &["--spool", &path]));
    assert_eq!(
        (code, &checkup["otlp"]["path"], &checkup["otlp"]["holds"]["refused"]),
        (Some(1), &json!(beside), &json!(2))
    );
    let remedy = format!(
        "`turnledger spool list --refused --spool {beside}` lists them, `turnledger spool retry --spool {beside}` sends them again"
    );
    let expected = ("otlp".to_owned(), "the server refused 2 events".to_owned(), remedy);
    assert_eq!(problems(&checkup), [expected]);
    let output = command(home.path()).args(["spool", "status", "--spool", &path]).output().expect("it runs");
    let said = stdout(&output);
    assert!(said.starts_with(&format!("for OpenTelemetry:\n{beside} (")), "{said}");
    assert!(said.ends_with("2 events refused by the server with status 400\n"), "{said}");
}
