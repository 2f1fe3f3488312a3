//! `turnledger attribute` on repositories of every kind, and on what is none.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Output;

use serde_json::Value;
use turnledger_tests::program::{run, stderr};
use turnledger_tests::repo::{Repo, diff_of};

const REMOTE: &str = "https://github.com/acme/widget.git";

fn repository() -> Repo {
    let repo = Repo::new();
    repo.git(&["remote", "add", "origin", REMOTE]);
    repo.write("base.txt", "of the base\n");
    repo.commit("base");
    repo
}

/// The events of a diff that adds these lines to `agent.txt`, made with `options`.
fn accept(repo: &Repo, file: &str, lines: &[&str], options: &[&str]) -> String {
    let diff = diff_of("agent.txt", lines);
    let output = run(&[&["fingerprint", "--at", "1"], options].concat(), diff.as_bytes());
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    repo.keep(file, &output.stdout)
}

fn attribute(repo: &Repo, events: &str, arguments: &[&str]) -> Output {
    let repo = repo.argument();
    run(&[&["attribute", "--repo", &repo, "--events", events, "--format", "json"], arguments].concat(), b"")
}

fn report(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Added, effective, matched and moved lines, and the lines of a merge that are in no parent.
fn counts(value: &Value) -> [u64; 5] {
    ["added", "effective", "matched", "moved", "in_no_parent"].map(|name| value[name].as_u64().unwrap_or_default())
}

fn steps(repo: &Repo, events: &str, revisions: &str) -> Vec<(String, [u64; 5])> {
    let output = attribute(repo, events, &[revisions]);
    assert_eq!(stderr(&output), "");
    let report = report(&output);
    let steps = report["steps"].as_array().expect("a list").iter();
    steps.map(|step| (step["commit"]["summary"].as_str().unwrap_or_default().to_owned(), counts(step))).collect()
}

/// Exit code 2, one line, nothing printed.
fn assert_refused(output: &Output, said: &str) {
    assert_eq!(stderr(output), format!("turnledger: {said}\n"));
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
}

fn step(name: &str, counts: [u64; 5]) -> (String, [u64; 5]) {
    (name.into(), counts)
}

#[test]
fn merges_follow_their_first_parent() {
    let repo = repository();
    let events = accept(&repo, "events.jsonl", &["agent one", "agent two"], &["--remote", REMOTE]);
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write("agent.txt", "agent one\nagent two\n");
    repo.commit("by the agent");
    repo.git(&["checkout", "--quiet", "main"]);
    repo.write("main.txt", "main one\nmain two\n");
    repo.commit("by hand");

    // A pull request, merged: what the merge brings is in no other step.
    repo.git(&["merge", "--quiet", "--no-ff", "--message", "merged", "topic"]);
    let merged = step("merged", [2, 2, 2, 0, 0]);
    assert_eq!(steps(&repo, &events, "HEAD~2..HEAD"), [step("by hand", [2, 2, 0, 0, 0]), merged.clone()]);
    assert_eq!(steps(&repo, &events, "HEAD"), [merged]);

    // A branch that main was merged into: main's lines are not the branch's.
    repo.git(&["checkout", "--quiet", "-b", "back", "topic"]);
    repo.git(&["merge", "--quiet", "--no-ff", "--message", "back-merge", "main~1"]);
    assert_eq!(
        steps(&repo, &events, "main~1..back"),
        [step("by the agent", [2, 2, 2, 0, 0]), step("back-merge", [0, 0, 0, 0, 0])]
    );

    // An evil merge: a line of its own in a file that both sides have, and a file that neither has.
    repo.git(&["checkout", "--quiet", "-b", "evil", "topic"]);
    repo.git(&["merge", "--quiet", "--no-ff", "--no-commit", "main~1"]);
    repo.write("main.txt", "main one\nmain two\nslipped in\n");
    repo.write("new.txt", "slipped in too\n");
    repo.commit("evil merge");
    assert_eq!(
        steps(&repo, &events, "main~1..evil"),
        [step("by the agent", [2, 2, 2, 0, 0]), step("evil merge", [2, 2, 0, 0, 2])]
    );
    assert_eq!(steps(&repo, &events, "evil"), [step("evil merge", [4, 4, 0, 0, 2])]);
    let table = run(&["attribute", "--repo", &repo.argument(), "--events", &events, "evil", "--by", "commit"], b"");
    assert!(String::from_utf8_lossy(&table.stdout).contains("evil merge (merge, 2 lines in no parent)"));
}

#[test]
fn a_shallow_clone_ends_somewhere() {
    let origin = repository();
    let events = accept(&origin, "events.jsonl", &["agent one"], &["--remote", REMOTE]);
    origin.write("agent.txt", "agent one\n");
    origin.commit("by the agent");
    origin.write("agent.txt", "agent one\nby hand\n");
    origin.commit("by hand");
    let clone = Repo::clone_of(&origin, &["--depth", "2"]);
    clone.git(&["remote", "set-url", "origin", REMOTE]);
    assert_eq!(steps(&clone, &events, "HEAD"), [step("by hand", [1, 1, 0, 0, 0])]);

    let output = attribute(&clone, &events, &["HEAD~1"]);
    let id = String::from_utf8(clone.git(&["rev-parse", "--short", "HEAD~1"])).expect("an id");
    assert_eq!(
        stderr(&output),
        format!(
            "turnledger: the shallow clone ends at {}, whose changes are unknown; `git fetch --unshallow` brings what is missing\n",
            id.trim()
        )
    );
    let report = report(&output);
    assert_eq!((counts(&report["steps"][0]), &report["steps"][0]["is_cut_off"]), ([0; 5], &Value::Bool(true)));
    assert_refused(
        &attribute(&clone, &events, &["HEAD~2..HEAD"]),
        "\"HEAD~2..HEAD\" names no commit: the clone is shallow, `git fetch --unshallow` brings what is missing",
    );
}

#[test]
fn submodules_links_binary_and_large_files() {
    let inner = repository();
    let repo = repository();
    let events = accept(&repo, "events.jsonl", &["agent one"], &["--remote", REMOTE]);
    let url = format!("file://{}", inner.path().display());
    repo.git(&["submodule", "--quiet", "add", &url, "inner"]);
    repo.git(&["config", "core.bigFileThreshold", "1k"]);
    symlink("base.txt", repo.file("link")).expect("a link");
    repo.write("binary.bin", b"agent one\0\n");
    repo.write("marked.txt", "agent one\n");
    repo.write(".gitattributes", "marked.txt -diff\n");
    repo.write("large.txt", "agent one\n".repeat(200));
    repo.write("agent.txt", "agent one\n");
    repo.commit("all kinds");
    let report = report(&attribute(&repo, &events, &["HEAD"]));
    let files = report["steps"][0]["files"].as_array().expect("a list");
    let found: Vec<_> = files
        .iter()
        .map(|file| (file["path"].as_str().unwrap_or_default(), counts(file)[..4].to_vec(), file["unread"].as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (".gitattributes", vec![1, 1, 0, 0], None),
            (".gitmodules", vec![3, 3, 0, 0], None),
            ("agent.txt", vec![1, 1, 1, 0], None),
            ("binary.bin", vec![0; 4], Some("binary")),
            ("large.txt", vec![0; 4], Some("too_large")),
            ("link", vec![1, 1, 0, 0], None),
            ("marked.txt", vec![0; 4], Some("binary")),
        ]
    );
}

#[test]
fn what_is_not_committed() {
    let repo = repository();
    let events = accept(&repo, "events.jsonl", &["agent one", "agent two"], &["--remote", REMOTE]);
    let found = |kind: &str| {
        let output = attribute(&repo, &events, &[kind]);
        assert_eq!(stderr(&output), "");
        let report = report(&output);
        let step = &report["steps"][0];
        assert_eq!(step["kind"], kind.trim_start_matches("--"));
        let files = step["files"].as_array().expect("a list").iter();
        files.map(|file| (file["path"].as_str().unwrap_or_default().to_owned(), counts(file))).collect::<Vec<_>>()
    };
    assert_eq!((found("--staged"), found("--worktree")), (Vec::new(), Vec::new()));

    repo.write(".gitignore", "ignored\n");
    repo.commit("ignore");
    let before = repo.git(&["rev-parse", "HEAD"]);
    repo.write("ignored/agent.txt", "agent one\n");
    repo.write("agent.txt", "agent one\n");
    repo.git(&["add", "agent.txt"]);
    repo.write("agent.txt", "agent one\nby hand\n");
    repo.write("base.txt", "agent two\n");
    repo.write("folder/untracked.txt", "untracked\n");
    assert_eq!(found("--staged"), [("agent.txt".to_owned(), [1, 1, 1, 0, 0])]);
    assert_eq!(
        found("--worktree"),
        [
            ("agent.txt".to_owned(), [2, 2, 1, 0, 0]),
            ("base.txt".to_owned(), [1, 1, 0, 1, 0]),
            ("folder/untracked.txt".to_owned(), [1, 1, 0, 0, 0]),
        ]
    );
    // Staged and then deleted again; a tracked file deleted; a folder named, from inside.
    fs::remove_file(repo.file("agent.txt")).expect("no file");
    fs::remove_file(repo.file("base.txt")).expect("no file");
    assert_eq!(
        found("--worktree"),
        [("base.txt".to_owned(), [0; 5]), ("folder/untracked.txt".to_owned(), [1, 1, 0, 0, 0])]
    );
    let inside = repo.file("folder").display().to_string();
    let output = run(&["attribute", "--repo", &inside, "--events", &events, "--staged", "--format", "json"], b"");
    assert_eq!(counts(&report(&output)["total"]), [1, 1, 1, 0, 0]);
    assert_eq!(repo.git(&["rev-parse", "HEAD"]), before);
    assert_eq!(repo.git(&["fsck", "--unreachable", "--no-reflogs"]), b"", "nothing is written into the repository");

    // Before the first commit everything is new.
    let young = Repo::new();
    young.write("agent.txt", "agent one\n");
    let output = attribute(&young, &events, &["--worktree"]);
    assert_eq!(counts(&report(&output)["total"]), [1, 1, 1, 0, 0]);
}

#[test]
fn line_ends_that_git_converts_are_no_change() {
    let repo = repository();
    let events = accept(&repo, "events.jsonl", &["agent one"], &["--remote", REMOTE]);
    repo.git(&["config", "core.autocrlf", "true"]);
    repo.write("base.txt", "of the base\r\n");
    repo.write("agent.txt", "agent one\r\n");
    assert_eq!(counts(&report(&attribute(&repo, &events, &["--worktree"]))["total"]), [1, 1, 1, 0, 0]);
}

#[test]
fn no_program_of_the_repository_is_run() {
    let repo = repository();
    let events = accept(&repo, "events.jsonl", &["agent one"], &["--remote", REMOTE]);
    let trace = repo.file(".git/ran");
    let touch = format!("touch '{}'; cat", trace.display());
    for setting in
        ["filter.f.clean", "filter.f.smudge", "filter.f.process", "diff.d.textconv", "diff.d.command", "core.fsmonitor"]
    {
        repo.git(&["config", setting, &touch]);
    }
    repo.write(".gitattributes", "*.txt filter=f diff=d\n");
    repo.write("agent.txt", "agent one\n");
    repo.write("base.txt", "agent one\n");
    for arguments in [&["--worktree"][..], &["--staged"], &["HEAD"], &["--blame", "agent.txt"]] {
        let output = attribute(&repo, &events, arguments);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    assert!(!trace.exists());
    // They are what Git itself would have run.
    repo.git(&["-c", "filter.f.process=", "add", "agent.txt"]);
    assert!(trace.exists());
}

#[test]
fn events_of_other_repositories_do_not_match() {
    let repo = repository();
    let other = accept(&repo, "other.jsonl", &["agent one"], &["--remote", "git@github.com:acme/other.git"]);
    let unknown = accept(&repo, "unknown.jsonl", &["agent two"], &[]);
    repo.write("agent.txt", "agent one\nagent two\n");
    repo.commit("both");
    let differs =
        "1 accepted-line events come from another repository (their repo_hash differs); --any-repository uses them";
    assert_refused(&attribute(&repo, &other, &["HEAD"]), &format!("no events to compare with: {differs}"));
    let output = attribute(&repo, &other, &["HEAD", "--any-repository"]);
    assert_eq!((stderr(&output), counts(&report(&output)["total"])), (String::new(), [2, 2, 1, 0, 0]));

    let output = attribute(&repo, &other, &["HEAD", "--events", &unknown]);
    assert_eq!(
        stderr(&output),
        format!(
            "turnledger: {differs}\nturnledger: 1 accepted-line events do not say which repository they come from\n"
        )
    );
    assert_eq!(counts(&report(&output)["total"]), [2, 2, 1, 0, 0]);
    assert_eq!(stderr(&attribute(&repo, &other, &["HEAD", "--events", &unknown, "--quiet"])), "");

    // Any of the remotes will do: a fork is known by where it came from.
    repo.git(&["remote", "add", "upstream", "ssh://git@github.com/Acme/Other"]);
    assert_eq!(counts(&report(&attribute(&repo, &other, &["HEAD"]))["total"]), [2, 2, 1, 0, 0]);
}

#[test]
fn hashes_of_another_key_do_not_match() {
    let repo = repository();
    repo.write(".git/key", "an organisation's key\n");
    repo.write(".git/other-key", "another organisation's key\n");
    repo.write(".git/short-key", "short\n");
    let key = |name: &str| repo.file(&format!(".git/{name}")).display().to_string();
    let plain = accept(&repo, "plain.jsonl", &["agent one"], &["--remote", REMOTE]);
    let keyed = accept(&repo, "keyed.jsonl", &["agent two"], &["--remote", REMOTE, "--key-file", &key("key")]);
    repo.write("agent.txt", "agent one\nagent two\n");
    repo.commit("both");
    let event: Value = serde_json::from_str(fs::read_to_string(&keyed).expect("events").trim()).expect("an event");
    let scheme = event["event_params"]["fingerprint_scheme"].as_str().expect("a scheme").to_owned();
    assert!(scheme.starts_with("hmac-sha256:"), "{scheme}");

    let skipped = format!(
        "1 accepted-line events are of the scheme {scheme}, not sha256; --key-file names the file of their key"
    );
    assert_refused(&attribute(&repo, &keyed, &["HEAD"]), &format!("no events to compare with: {skipped}"));
    let output = attribute(&repo, &keyed, &["HEAD", "--events", &plain]);
    assert_eq!(
        (stderr(&output), counts(&report(&output)["total"])),
        (format!("turnledger: {skipped}\n"), [2, 2, 1, 0, 0])
    );
    let output = attribute(&repo, &keyed, &["HEAD", "--key-file", &key("key")]);
    assert_eq!((stderr(&output), counts(&report(&output)["total"])), (String::new(), [2, 2, 1, 0, 0]));
    let output = attribute(&repo, &keyed, &["HEAD", "--key-file", &key("other-key")]);
    assert_eq!(output.status.code(), Some(2));
    assert_refused(
        &attribute(&repo, &keyed, &["HEAD", "--key-file", &key("short-key")]),
        &format!("cannot use the key in {}: a key needs at least 16 bytes; this one has 5", key("short-key")),
    );
    assert_refused(
        &attribute(&repo, &keyed, &["HEAD", "--key-file", &key("no-key")]),
        &format!("cannot read the key in {}: No such file or directory (os error 2)", key("no-key")),
    );
}

#[test]
fn events_in_files_bodies_and_copies() {
    let repo = repository();
    let events = accept(&repo, "events.jsonl", &["agent one"], &["--remote", REMOTE]);
    let text = fs::read_to_string(&events).expect("events");
    repo.write("agent.txt", "agent one\nagent one\n");
    repo.commit("twice");
    // A folder with a copy, packed, of what another of its files has as a request body.
    repo.write(".git/found/body.jsonl", format!("{{\"events\":[{}]}}\n", text.trim()));
    repo.write(".git/found/deeper/events.jsonl.gz", pack(text.as_bytes()));
    repo.write(".git/found/notes.txt", "no events\n");
    let folder = repo.file(".git/found").display().to_string();
    let output = attribute(&repo, &folder, &["HEAD"]);
    assert_eq!(stderr(&output), "turnledger: 1 accepted-line events are in several files and count once\n");
    assert_eq!(counts(&report(&output)["total"]), [2, 2, 1, 0, 0]);
    // What stands twice in one file was accepted twice.
    let twice = repo.keep("twice.jsonl", text.repeat(2));
    assert_eq!(counts(&report(&attribute(&repo, &twice, &["HEAD"]))["total"]), [2, 2, 2, 0, 0]);

    // Bad lines are named, and their neighbours used.
    let other = r#"{"event_type":"codex_turn_event","event_params":{}}"#;
    let bad = repo.keep("bad.jsonl", format!("secret\n\n{other}\n{text}{{\"secret\":1}}\n"));
    let output = attribute(&repo, &bad, &["HEAD"]);
    assert_eq!(
        stderr(&output),
        format!(
            "{bad}:1: neither an event nor a request body (column 1)\n{bad}:5: neither an event nor a request body\n"
        )
    );
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(counts(&report["total"]), [2, 2, 1, 0, 0]);
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).expect("writing to memory");
    packer.finish().expect("writing to memory")
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let repo = repository();
    let events = accept(&repo, "events.jsonl", &["agent one"], &["--remote", REMOTE]);
    let nowhere = tempfile::tempdir().expect("a folder");
    let path = nowhere.path().display().to_string();
    let at = |repo: &str, events: &str, arguments: &[&str]| {
        run(&[&["attribute", "--repo", repo, "--events", events], arguments].concat(), b"")
    };
    let here = repo.argument();
    assert_refused(&at(&path, &events, &["HEAD"]), &format!("{path}: not in a Git repository"));
    assert_refused(&at(&here, &events, &["nope"]), "\"nope\" names no commit");
    assert_refused(&at(&here, &events, &["HEAD..nope"]), "\"HEAD..nope\" names no commit");
    assert_refused(&at(&here, &events, &["HEAD:base.txt"]), "\"HEAD:base.txt\" names no commit");
    assert_refused(&at(&here, &events, &["HEAD^@"]), "\"HEAD^@\" names no commit");
    assert_refused(&at(&here, &events, &["HEAD..HEAD"]), "\"HEAD..HEAD\" is an empty range: no commit is in it");
    assert_refused(&at(&here, &events, &["--blame", "none.txt", "HEAD"]), "none.txt: no such file in HEAD");
    assert_refused(
        &at(&here, &events, &["--blame", "none.txt"]),
        &format!("cannot read {here}/none.txt: No such file or directory (os error 2)"),
    );
    assert_refused(
        &at(&here, &format!("{path}/none"), &["HEAD"]),
        &format!("cannot read {path}/none: No such file or directory (os error 2)"),
    );
    assert_refused(
        &at(&here, &path, &["HEAD"]),
        &format!("{path}: no .jsonl, .ndjson or .json file in this folder, plain or compressed (.gz, .zst)"),
    );
    repo.write(".git/none.jsonl", "");
    assert_refused(
        &at(&here, &format!("{here}/.git/none.jsonl"), &["HEAD"]),
        "no events to compare with: the files have no accepted-line event",
    );
    assert_refused(
        &at(&here, &events, &["--diff", &format!("{path}/none")]),
        &format!("cannot read {path}/none: No such file or directory (os error 2)"),
    );
    let bare = Repo::clone_of(&repo, &["--bare"]);
    assert_refused(
        &at(&bare.argument(), &events, &["--staged"]),
        "the repository is bare: it has neither staged changes nor a working tree",
    );
    for arguments in
        [&[][..], &["HEAD", "--staged"], &["--staged", "--worktree"], &["--blame", "base.txt", "--diff", "-"]]
    {
        let output = at(&here, &events, arguments);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}");
    }
    let fingerprint = |arguments: &[&str]| run(&[&["fingerprint"], arguments].concat(), b"");
    assert_refused(&fingerprint(&["--repo", &here, "--git", "nope"]), "\"nope\" names no commit");
    assert_refused(
        &fingerprint(&["--repo", &here, "--git", "HEAD..HEAD"]),
        "\"HEAD..HEAD\" is an empty range: no commit is in it",
    );
    assert_refused(&fingerprint(&["none"]), "cannot read none: No such file or directory (os error 2)");
    let nothing = fingerprint(&[]);
    assert_eq!((nothing.status.code(), nothing.stdout.len()), (Some(0), 0));
    assert_eq!(stderr(&nothing), "turnledger: nothing is added or deleted, so there is no event\n");
}
