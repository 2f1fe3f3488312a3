//! `turnledger import`: rollouts from files and folders.

use std::fs;
use std::path::Path;
use std::process::Output;

use turnledger_tests::program::{command, lines, stderr};
use turnledger_tests::rollouts::{Recorded, import, recordings};

fn recorded(name: &str) -> Recorded {
    recordings("0.131.0").into_iter().find(|recorded| recorded.name == name).expect("the recording")
}

/// Runs an import whose events go to standard output, if to no file.
fn run(home: &Path, arguments: &[&str]) -> Output {
    let to: &[&str] = if arguments.contains(&"--output") { &[] } else { &["--output", "-"] };
    command(home).env_remove("CODEX_HOME").arg("import").args(to).args(arguments).output().expect("it runs")
}

/// The events of a file, one a line.
fn events(file: &str) -> String {
    import(turnledger::Sha2::default(), file).events.iter().map(|event| event.to_json() + "\n").collect()
}

#[test]
fn a_folder_becomes_events_in_the_order_of_time() {
    let home = tempfile::tempdir().expect("a folder");
    let sessions = home.path().join(".codex/sessions/2026/11/28");
    let archived = home.path().join(".codex/archived_sessions");
    fs::create_dir_all(&sessions).expect("a folder");
    fs::create_dir_all(&archived).expect("a folder");
    let (first, second) = (recorded("plain_turn"), recorded("patch_files"));
    let [(_, first)] = &first.files[..] else { panic!("one file") };
    let [(_, second)] = &second.files[..] else { panic!("one file") };
    // Named against their order; the second as a compressed copy, too, that lacks its end.
    fs::write(sessions.join("rollout-z.jsonl"), first).expect("a file");
    fs::write(archived.join("rollout-a.jsonl"), second).expect("a file");
    let begun = second.split_inclusive('\n').take(5).collect::<String>();
    let packed = zstd::encode_all(begun.as_bytes(), 1).expect("packing");
    fs::write(sessions.join("rollout-a.jsonl.zst"), packed).expect("a file");
    fs::write(sessions.join("other.txt"), "no rollout").expect("a file");
    #[cfg(unix)]
    {
        let outside = tempfile::tempdir().expect("a folder");
        let outside = outside.keep();
        fs::write(outside.join("rollout-out.jsonl"), first.replace("0.131.0", "0.130.0")).expect("a file");
        std::os::unix::fs::symlink(&outside, sessions.join("out")).expect("a link");
        std::os::unix::fs::symlink(outside.join("rollout-out.jsonl"), sessions.join("rollout-b.jsonl"))
            .expect("a link");
    }
    let expected = events(first) + &events(second);
    let before = fs::metadata(sessions.join("rollout-z.jsonl")).expect("a file").modified().expect("a time");

    let output = run(home.path(), &[]);
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stdout)), (Some(0), expected.clone().into()));
    assert_eq!(
        stderr(&output),
        "2 files: 2 sessions, 2 turns, 8 events; 6000 tokens in, 400 out\n         1  file of a thread that another file has\n \
         month    model          sessions  turns  tokens in  tokens out  accepted lines\n \
         2026-11  gpt-5.3-codex         2      2       6000         400              11\n\
         Rollouts say nothing of approvals, hooks, skills, and refused steers.\n"
    );
    assert_eq!(fs::metadata(sessions.join("rollout-z.jsonl")).expect("a file").modified().expect("a time"), before);

    let thread = &lines(&output)[0]["event_params"]["thread_id"];
    let one = run(home.path(), &["-q", "--again", "--thread", thread.as_str().expect("an id")]);
    assert_eq!((String::from_utf8_lossy(&one.stdout), stderr(&one)), (events(first).into(), String::new()));
    for (arguments, expected) in [
        (["--since", "2026-11-28"], &*expected),
        (["--until", "2026-11-28"], &expected),
        (["--until", "2026-11-28T08:32:40Z"], &events(first)),
        (["--since", "2026-11-28T08:32:40Z"], &events(second)),
        (["--until", "2026-11-27"], ""),
    ] {
        let output = run(home.path(), &["-q", arguments[0], arguments[1]]);
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{arguments:?}");
    }
    let listed = run(home.path(), &["--dry-run"]);
    assert_eq!(
        (String::from_utf8_lossy(&listed.stdout), stderr(&listed)),
        ("".into(), "0 files, 0 bytes\n3 files were imported before; --again reads them again\n".into())
    );
    let listed = run(home.path(), &["--dry-run", "--again"]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert_eq!(listed.lines().count(), 2);
    assert!(listed.ends_with(".codex/archived_sessions/rollout-a.jsonl\n"), "{listed}");
}

#[test]
fn what_cannot_be_used_is_told_and_passed_over() {
    let home = tempfile::tempdir().expect("a folder");
    let file = recorded("plain_turn").files.remove(0).1;
    let (begin, end) = file.split_once('\n').expect("lines");
    let path = |name: &str, text: &str| {
        let path = home.path().join(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let shape =
        r#"{"timestamp":"2026-11-28T08:00:00Z","type":"event_msg","payload":{"type":"task_started","turn_id":7}}"#;
    let bad = path("bad.jsonl", &format!("{begin}\n{{\"a\n{shape}\n{end}{{\"cut"));
    // Neither its lines nor where it is cut are of interest.
    let other = path("other.jsonl", "{\"a\":1}\n{\"b");
    let output = run(home.path(), &[&bad, &other]);
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stdout)), (Some(1), events(&file).into()));
    let column = shape.find('7').expect("the member") + 1;
    assert_eq!(
        stderr(&output),
        format!(
            "{other}:1: no rollout: no line of the file names a session\n{bad}:2: not JSON (column 4)\n\
             {bad}:3: a member that events need is missing or has the wrong type (column {column})\n\
             2 files: 1 session, 1 turn, 2 events; 1200 tokens in, 80 out\n         1  file with a last line that is cut off\n\
             \x20        1  file without a session\n         2  lines that cannot be used\n\
             \x20month    model          sessions  turns  tokens in  tokens out  accepted lines\n\
             \x202026-11  gpt-5.3-codex         1      1       1200          80               0\n\
             Rollouts say nothing of approvals, hooks, skills, and refused steers.\n"
        )
    );
    for (arguments, said) in [
        (vec![], "turnledger: there are no sessions of Codex below CODEX_HOME or ~/.codex; name a file or a folder\n"),
        (vec!["/nowhere/at/all"], "turnledger: cannot read /nowhere/at/all: No such file or directory (os error 2)\n"),
    ] {
        let output = run(home.path(), &arguments);
        assert_eq!((output.status.code(), &*stderr(&output)), (Some(2), said));
    }
}
