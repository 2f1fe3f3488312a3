//! `turnledger attribute` on repositories of every kind.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;
use turnledger_tests::attribution::{
    REMOTE, accept, assert_refused, attribute, counts, report, repository, step, steps,
};
use turnledger_tests::program::{run, stderr};
use turnledger_tests::repo::Repo;

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

    // A branch that began at a newer main, merged into one that began at an older: main's lines are not
    // the range's.
    repo.git(&["checkout", "--quiet", "-b", "side", "main~1"]);
    repo.write("side.txt", "side\n");
    repo.commit("side");
    repo.git(&["checkout", "--quiet", "-b", "with-side", "topic"]);
    repo.git(&["merge", "--quiet", "--no-ff", "--message", "merged side", "side"]);
    assert_eq!(
        steps(&repo, &events, "main~1..with-side"),
        [step("by the agent", [2, 2, 2, 0, 0]), step("merged side", [1, 1, 0, 0, 0])]
    );

    // The branch renamed what main changed: a clean merge, and main's line is main's.
    repo.git(&["checkout", "--quiet", "-b", "renaming", "main~2"]);
    repo.write("longer.txt", "a line\nanother line\na third line\na fourth line\n");
    repo.commit("longer");
    repo.git(&["branch", "changing"]);
    repo.git(&["mv", "longer.txt", "renamed.txt"]);
    repo.commit("rename");
    repo.git(&["checkout", "--quiet", "changing"]);
    repo.write("longer.txt", repo.read("longer.txt") + "main's line\n");
    repo.commit("change");
    repo.git(&["checkout", "--quiet", "renaming"]);
    repo.git(&["merge", "--quiet", "--no-ff", "--message", "both", "changing"]);
    assert_eq!(steps(&repo, &events, "changing..renaming"), [step("rename", [0; 5]), step("both", [0; 5])]);

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
            "turnledger: not counted: \"{}\": the shallow clone ends here, so its changes are unknown; `git fetch --unshallow` fetches the rest\n",
            id.trim()
        )
    );
    let report = report(&output);
    assert_eq!((counts(&report["steps"][0]), &report["steps"][0]["is_cut_off"]), ([0; 5], &Value::Bool(true)));
    let gate = attribute(&clone, &events, &["HEAD~1", "--fail-over", "0"]);
    let unknown = "the shallow clone ends here, so its changes are unknown; `git fetch --unshallow` fetches the rest";
    assert_refused(&gate, &format!("\"{}\": {unknown}", id.trim()));
    assert_refused(
        &run(&["fingerprint", "--repo", &clone.argument(), "--git", "HEAD~1"], b""),
        &format!("\"HEAD~1\": {unknown}"),
    );
    assert_refused(
        &attribute(&clone, &events, &["HEAD~2..HEAD"]),
        "\"HEAD~2..HEAD\" names no commit: the clone is shallow, `git fetch --unshallow` fetches the rest",
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
            ("inner", vec![1, 1, 0, 0], None),
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

    // Folders where files were, many of them: whatever order they are seen in.
    repo.git(&["reset", "--quiet", "--hard"]);
    for number in 0..200 {
        repo.write(&format!("many/{number}"), "of the base\n");
    }
    repo.commit("many");
    for number in 0..200 {
        fs::remove_file(repo.file(&format!("many/{number}"))).expect("no file");
        repo.write(&format!("many/{number}/inner"), "agent one\n");
    }
    let sum = |found: Vec<(String, [u64; 5])>| found.iter().map(|(_, counts)| counts[0]).sum::<u64>();
    assert_eq!(sum(found("--worktree")), 200);
    repo.git(&["add", "--all"]);
    assert_eq!(sum(found("--staged")), 200);

    // Before the first commit everything is new.
    let young = Repo::new();
    young.write("agent.txt", "agent one\n");
    let output = attribute(&young, &events, &["--worktree"]);
    assert_eq!(
        stderr(&output),
        "turnledger: the repository has no remote to compare with repo_hash, so events of every repository are used\n"
    );
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

/// What the working tree has is not what the repository would have of it.
#[test]
fn filtered_files_are_not_compared() {
    let repo = repository();
    let events = accept(&repo, "events.jsonl", &["agent one"], &["--remote", REMOTE]);
    repo.git(&["config", "filter.upper.clean", "tr a-z A-Z"]);
    repo.git(&["config", "filter.upper.smudge", "tr A-Z a-z"]);
    repo.write(".gitattributes", "*.up filter=upper\n");
    repo.write("file.up", "agent one\n");
    repo.commit("filtered");
    repo.write("file.up", "agent one\nanother\n");
    let report = report(&attribute(&repo, &events, &["--worktree"]));
    let file = &report["steps"][0]["files"][0];
    assert_eq!(
        (counts(file), &file["path"], &file["unread"]),
        ([0; 5], &Value::from("file.up"), &Value::from("filtered"))
    );
}

#[test]
fn a_file_in_place_of_a_submodule_is_new() {
    let (inner, repo) = (repository(), repository());
    let events = accept(&repo, "events.jsonl", &["agent one"], &["--remote", REMOTE]);
    repo.git(&["submodule", "--quiet", "add", &format!("file://{}", inner.path().display()), "inner"]);
    repo.commit("submodule");
    repo.git(&["rm", "--quiet", "--force", "inner"]);
    repo.write("inner", "agent one\n");
    repo.commit("file");
    assert_eq!(steps(&repo, &events, "HEAD"), [step("file", [1, 1, 0, 1, 0])]);
}
