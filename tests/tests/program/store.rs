//! `turnledger store`, and what writes to it: each event once, whoever is killed, and gone when it is forgotten.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use turnledger_tests::golden::folder;
use turnledger_tests::program::{command, lines, run, run_in, stderr, stdout};
use turnledger_tests::rollouts::{import, recordings};

/// The folder of a home in which Codex keeps its sessions, with two of them.
fn sessions(home: &Path) -> PathBuf {
    let sessions = home.join(".codex/sessions/2026/11/28");
    fs::create_dir_all(&sessions).expect("a folder");
    for name in ["plain_turn", "patch_files"] {
        fs::write(sessions.join(format!("rollout-{name}.jsonl")), recorded(name)).expect("a file");
    }
    sessions
}

fn recorded(name: &str) -> String {
    let recorded = recordings("0.131.0").into_iter().find(|recorded| recorded.name == name);
    recorded.expect("the recording").files.remove(0).1
}

fn events(file: &str) -> String {
    import(turnledger::Sha2::default(), file).events.iter().map(|event| event.to_json() + "\n").collect()
}

fn store(home: &Path) -> PathBuf {
    home.join(".local/state/turnledger/events.db")
}

fn traffic(name: &str) -> String {
    folder().join("0.131.0").join(name).join("traffic.jsonl").display().to_string()
}

/// Runs the program, which ends well, and returns its two outputs.
fn done(home: &Path, arguments: &[&str]) -> (String, String) {
    let output = command(home).env_remove("CODEX_HOME").args(arguments).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
    (stdout(&output), stderr(&output))
}

fn sorted(lines: &str) -> Vec<&str> {
    let mut lines: Vec<_> = lines.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn an_import_is_kept() {
    let home = tempfile::tempdir().expect("a folder");
    sessions(home.path());
    let store = store(home.path());
    let listed = done(home.path(), &["import", "--dry-run", "-q"]).0;
    assert_eq!((listed.lines().count(), store.exists()), (2, false), "to look makes no store");
    let (output, said) = done(home.path(), &["import"]);
    assert_eq!(output, "");
    assert!(said.ends_with(&format!("{}: 8 new events\n", store.display())), "{said}");
    let all = events(&recorded("plain_turn")) + &events(&recorded("patch_files"));
    let export = done(home.path(), &["store", "export"]).0;
    assert_eq!(sorted(&export), sorted(&all));
    let said = done(home.path(), &["import"]).1;
    assert_eq!(
        said,
        format!("2 files were imported before; --again reads them again\n{}: 0 new events\n", store.display())
    );
    let said = done(home.path(), &["import", "--again"]).1;
    assert!(said.ends_with(": 0 new events, 8 there already\n"), "{said}");
    assert_eq!(done(home.path(), &["store", "export"]).0, export);
    // A store that is gone is made anew, and has everything.
    fs::remove_file(&store).expect("it goes");
    done(home.path(), &["import", "-q"]);
    assert_eq!(done(home.path(), &["store", "export"]).0, export);
    // Lines, and the store as well.
    let other = home.path().join("other.db");
    let flag = format!("--store={}", other.display());
    assert_eq!(done(home.path(), &["import", "-q", "--output", "-", &flag]).0, all);
    let other = other.display().to_string();
    assert_eq!(done(home.path(), &["store", "export", "--store", &other]).0, export);
    assert_eq!(done(home.path(), &["import", "-q", "--output", "-", &flag]).0, "");
    // Events of files are events, and those of later versions are kept.
    let (file, third) = (home.path().join("events.jsonl"), home.path().join("third.db").display().to_string());
    let others = "{\"event_type\":\"codex_of_tomorrow\",\"event_params\":{}}\n{\"event_type\":1}\n";
    fs::write(&file, format!("{all}{others}")).expect("a file");
    let file = file.display().to_string();
    let output = run_in(home.path(), &["store", "add", &file, "--store", &third], b"");
    let expected = format!("{file}:10: no event\n{third}: 9 new events\n");
    assert_eq!((output.status.code(), stdout(&output), stderr(&output)), (Some(1), String::new(), expected));
    assert_eq!(done(home.path(), &["store", "export", "--store", &third]).0, export);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&store), mode(store.parent().expect("a folder"))), (0o600, 0o700));
    }
}

#[test]
fn a_recording_is_kept_with_its_times() {
    let home = tempfile::tempdir().expect("a folder");
    let names = ["hooks", "skills", "steer", "mixed_long"].map(traffic);
    let files: Vec<&str> = names.iter().map(String::as_str).collect();
    let all = stdout(&run(&[&["replay", "-q"], &files[..]].concat(), b""));
    for _ in 0..2 {
        let (output, _) = done(home.path(), &[&["replay", "-q", "--store"], &files[..]].concat());
        assert_eq!(output, "");
        assert_eq!(sorted(&done(home.path(), &["store", "export"]).0), sorted(&all));
    }
    let status = done(home.path(), &["store", "status"]).0;
    assert!(!status.contains("without a time") && status.contains("events of 4 sessions"), "{status}");
    // The same recording twice is one session.
    let said = done(home.path(), &["replay", "--store", &names[0], &names[0]]).1;
    assert!(said.contains(": 0 new events, "), "{said}");
}

#[test]
fn what_is_forgotten_is_nowhere() {
    let home = tempfile::tempdir().expect("a folder");
    sessions(home.path());
    done(home.path(), &["import", "-q"]);
    done(home.path(), &["replay", "-q", "--store", &traffic("mixed_long")]);
    let export: Vec<Value> = lines(&run_in(home.path(), &["store", "export"], b""));
    let thread = export[0]["event_params"]["thread_id"].as_str().expect("an id");
    let is_there = || {
        let files = fs::read_dir(store(home.path()).parent().expect("a folder")).expect("the folder");
        let files = files.map(|file| file.expect("a file").path()).filter(|path| path.is_file());
        files
            .map(|path| fs::read(path).expect("a file"))
            .any(|bytes| bytes.windows(thread.len()).any(|window| window == thread.as_bytes()))
    };
    assert!(is_there());
    let asked = run_in(home.path(), &["store", "forget", "--thread", thread], b"");
    assert_eq!(
        (asked.status.code(), &*stderr(&asked)),
        (Some(2), "turnledger: events would be deleted; --yes deletes without asking\n")
    );
    assert!(is_there());
    let (said, _) = done(home.path(), &["store", "forget", "--yes", "--thread", thread]);
    assert!(said.ends_with(" forgotten, and all that was known of 1 thread\n"), "{said}");
    assert!(!is_there());
    // The next import does not bring it back.
    done(home.path(), &["import", "-q"]);
    assert!(!is_there());
    let left = lines(&run_in(home.path(), &["store", "export"], b""));
    let of_thread = |event: &&Value| event["event_params"]["thread_id"] == thread;
    assert_eq!(left, export.iter().filter(|event| !of_thread(event)).cloned().collect::<Vec<_>>());
    done(home.path(), &["store", "forget", "--yes", "--before", "2100-01-01"]);
    assert_eq!(done(home.path(), &["store", "export"]).0, "");
}

#[test]
fn a_store_that_cannot_be_used_says_what_to_do() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("events.db").display().to_string();
    let said = |arguments: &[&str]| {
        let output = run_in(home.path(), &[arguments, &["--store", &path]].concat(), b"");
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()));
        stderr(&output)
    };
    assert_eq!(
        said(&["store", "status"]),
        format!("turnledger: {path}: no store here; `turnledger import` makes one\n")
    );
    fs::write(
        &path,
        "no database, but a text that is as long as the head of a file of SQLite, which has 100 bytes\n\n",
    )
    .expect("a file");
    assert_eq!(
        said(&["store", "vacuum"]),
        format!(
            "turnledger: {path}: no store, or a damaged one: move it away, and `turnledger import` makes a new one: \
             file is not a database: Error code 26: file is not a database\n"
        )
    );
    fs::remove_file(&path).expect("it goes");
    run_in(home.path(), &["store", "add", "-", "--store", &path], b"");
    let database = rusqlite::Connection::open(&path).expect("a database");
    database.pragma_update(None, "user_version", 7).expect("it is newer");
    drop(database);
    assert_eq!(
        said(&["store", "export"]),
        format!(
            "turnledger: {path}: the store has version 7, and this program knows 3: use the program that wrote it, or \
             a newer one\n"
        )
    );
    let folder = home.path().display().to_string();
    let none = run_in(home.path(), &["import", "--store=none", &folder], b"");
    let expected = "turnledger: there is no store: --store says `none`\n";
    assert_eq!((none.status.code(), &*stderr(&none)), (Some(2), expected));
}

/// Many events of many threads.
fn many(threads: usize) -> String {
    let file = events(&recorded("patch_files"));
    let first: Value = serde_json::from_str(file.lines().next().expect("an event")).expect("an event");
    let thread = first["event_params"]["thread_id"].as_str().expect("an id").to_owned();
    (0..threads).map(|number| file.replace(&thread, &format!("thread-{number}"))).collect()
}

#[test]
fn whoever_writes_may_be_killed() {
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join("events.jsonl").display().to_string();
    let all = many(2000);
    fs::write(&file, &all).expect("a file");
    let mut cut = 0;
    for delay in [5, 40, 90, 150, 250] {
        let mut child =
            command(home.path()).args(["store", "add", &file]).stderr(Stdio::null()).spawn().expect("it runs");
        thread::sleep(Duration::from_millis(delay));
        // SIGKILL.
        child.kill().expect("it is killed");
        cut += usize::from(!child.wait().expect("it ends").success());
        if store(home.path()).exists() {
            let export = run_in(home.path(), &["store", "export"], b"");
            assert!(lines(&export).len() <= all.lines().count());
        }
    }
    assert!(cut > 0, "none was killed as it wrote");
    done(home.path(), &["store", "add", &file]);
    assert_eq!(sorted(&done(home.path(), &["store", "export"]).0), sorted(&all));
    let database = rusqlite::Connection::open(store(home.path())).expect("a database");
    for (pragma, whole) in [("integrity_check", Some("ok")), ("foreign_key_check", None)] {
        let found: Option<String> = database.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).ok();
        assert_eq!(found.as_deref(), whole);
    }
}

#[test]
fn two_write_and_one_reads() {
    let home = tempfile::tempdir().expect("a folder");
    let all = many(1500);
    let lines: Vec<_> = all.lines().collect();
    // The second and third quarter come from both.
    let parts = [&lines[..lines.len() * 3 / 4], &lines[lines.len() / 4..]];
    let writers: Vec<_> = parts
        .iter()
        .enumerate()
        .map(|(number, part)| {
            let file = home.path().join(format!("{number}.jsonl"));
            fs::write(&file, part.join("\n")).expect("a file");
            command(home.path()).args(["store", "add"]).arg(&file).stderr(Stdio::null()).spawn().expect("it runs")
        })
        .collect();
    let mut sizes = Vec::new();
    while !store(home.path()).exists() {
        thread::sleep(Duration::from_millis(2));
    }
    for _ in 0..5 {
        sizes.push(done(home.path(), &["store", "export"]).0.lines().count());
    }
    assert!(sizes.is_sorted(), "{sizes:?}");
    for mut writer in writers {
        assert_eq!(writer.wait().expect("it ends").code(), Some(0));
    }
    assert_eq!(sorted(&done(home.path(), &["store", "export"]).0), sorted(&all));
}
