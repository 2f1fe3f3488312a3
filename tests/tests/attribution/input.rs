//! What `turnledger attribute` and `turnledger fingerprint` are given: events of every kind, keys,
//! remotes, names that others chose, and what cannot be used.

use std::fs;

use serde_json::Value;
use turnledger_tests::attribution::{REMOTE, accept, assert_refused, attribute, counts, report, repository};
use turnledger_tests::program::{lines, run, stderr};
use turnledger_tests::repo::{Repo, diff_of};

#[test]
fn events_of_other_repositories_do_not_match() {
    let repo = repository();
    let other = accept(&repo, "other.jsonl", &["agent one"], &["--remote", "git@github.com:acme/other.git"]);
    let unknown = accept(&repo, "unknown.jsonl", &["agent two"], &[]);
    repo.write("agent.txt", "agent one\nagent two\n");
    repo.commit("both");
    let differs = "1 accepted-line event not used: the repo_hash is another repository's; --any-repository includes \
                   such events";
    assert_refused(&attribute(&repo, &other, &["HEAD"]), &format!("no events to compare with: {differs}"));
    let output = attribute(&repo, &other, &["HEAD", "--any-repository"]);
    assert_eq!((stderr(&output), counts(&report(&output)["total"])), (String::new(), [2, 2, 1, 0, 0]));

    let output = attribute(&repo, &other, &["HEAD", "--events", &unknown]);
    assert_eq!(
        stderr(&output),
        format!(
            "turnledger: {differs}\n\
             turnledger: 1 accepted-line event without a repository (repo_hash is null): used all the same\n"
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
        "1 accepted-line event not used: hashed by {scheme}, not by sha256; name the file with their key by --key-file"
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
    assert_eq!(stderr(&output), "turnledger: 1 accepted-line event repeated: counted once\n");
    assert_eq!(counts(&report(&output)["total"]), [2, 2, 1, 0, 0]);
    // As an upload that was tried again.
    let twice = repo.keep("twice.jsonl", text.repeat(2));
    assert_eq!(counts(&report(&attribute(&repo, &twice, &["HEAD"]))["total"]), [2, 2, 1, 0, 0]);
    // The later events of a turn are equal if their lines are, and are different lines all the same.
    let many = accept(&repo, "many.jsonl", &vec!["agent one"; 40_000], &["--remote", REMOTE]);
    repo.write("agent.txt", "agent one\n".repeat(40_001));
    repo.commit("many");
    let output = attribute(&repo, &many, &["HEAD"]);
    assert_eq!((stderr(&output), counts(&report(&output)["total"])), (String::new(), [39_999, 39_999, 39_999, 0, 0]));
    let again = repo.keep("again.jsonl", fs::read_to_string(&many).expect("events").repeat(2));
    let output = attribute(&repo, &again, &["HEAD~2..HEAD"]);
    assert_eq!(stderr(&output), "turnledger: 4 accepted-line events repeated: counted once\n");
    assert_eq!(counts(&report(&output)["total"]), [40_001, 40_001, 40_000, 0, 0]);

    // Bad lines are named, and their neighbours used.
    let other = r#"{"event_type":"codex_turn_event","event_params":{}}"#;
    let bad = repo.keep("bad.jsonl", format!("secret\n\n{other}\n{text}{{\"secret\":1}}\n"));
    let output = attribute(&repo, &bad, &["HEAD~1"]);
    assert_eq!(
        stderr(&output),
        format!("{bad}:1: neither an event nor a request body (column 1); 2 lines like it: 1, 5\n")
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
    assert_refused(
        &at(&path, &events, &["HEAD"]),
        &format!(
            "{path}: cannot open a Git repository: Could not find a git repository in \"{path}\" or in any of its parents"
        ),
    );
    assert_refused(&at(&here, &events, &["nope"]), "\"nope\" names no commit");
    assert_refused(&at(&here, &events, &["HEAD..nope"]), "\"HEAD..nope\" names no commit");
    assert_refused(&at(&here, &events, &["HEAD:base.txt"]), "\"HEAD:base.txt\" names no commit");
    assert_refused(&at(&here, &events, &["HEAD^@"]), "\"HEAD^@\" names no commit");
    assert_refused(&at(&here, &events, &["HEAD..HEAD"]), "\"HEAD..HEAD\" is an empty range: it has no commit");
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
    let outside = "/etc/hostname";
    assert_refused(&at(&here, &events, &["--blame", outside]), &format!("{outside}: outside the repository"));
    assert_refused(&at(&here, &events, &["--blame", ".git/config"]), ".git/config: outside the repository");
    let no_diff = repo.keep("no.diff", "no diff\n\u{1b}[32m+green\u{1b}[0m\n");
    assert_refused(&at(&here, &events, &["--diff", &no_diff]), &format!("{no_diff}: not a unified diff"));
    assert_refused(&run(&["fingerprint", &no_diff], b""), &format!("{no_diff}: not a unified diff"));
    let nested = repo.keep("nested.jsonl", "{\"events\":[".repeat(100_000));
    assert_eq!(at(&here, &events, &["HEAD", "--events", &nested]).status.code(), Some(1));
    repo.git(&["checkout", "--quiet", "--orphan", "orphan"]);
    repo.commit("orphan");
    assert_refused(
        &run(&["fingerprint", "--repo", &here, "--git", "main...orphan"], b""),
        "\"main...orphan\": the two ends have no common ancestor",
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
        "\"HEAD..HEAD\" is an empty range: it has no commit",
    );
    assert_refused(&fingerprint(&["none"]), "cannot read none: No such file or directory (os error 2)");
    let nothing = fingerprint(&[]);
    assert_eq!((nothing.status.code(), nothing.stdout.len()), (Some(0), 0));
    assert_eq!(stderr(&nothing), "turnledger: the diff adds and deletes nothing, so there is no event\n");
}

/// The hash of a repository is of its URL letter by letter, as Git shows it.
#[test]
fn a_remote_is_its_url() {
    let repo = repository();
    let hash = |arguments: &[&str]| {
        let output = run(&[&["fingerprint", "--at", "1"], arguments].concat(), diff_of("a", &["b"]).as_bytes());
        lines(&output)[0]["event_params"]["repo_hash"].clone()
    };
    let here = repo.argument();
    for url in [
        "git+ssh://git@github.com/acme/widget.git",
        "https://host.test/\u{e4}/b",
        "git@[::1]:a/b",
        "https://github.com/Acme/W idget",
        "../relative",
    ] {
        repo.git(&["remote", "set-url", "origin", url]);
        assert_eq!(hash(&["--repo", &here, "--git", "HEAD"]), hash(&["--remote", url]), "{url}");
    }
    repo.git(&["remote", "set-url", "origin", "short:acme/widget"]);
    repo.git(&["config", "url.git@github.com:.insteadOf", "short:"]);
    repo.git(&["config", "url.git@wrong.test:.insteadOf", "sh"]);
    let shown = String::from_utf8(repo.git(&["remote", "get-url", "origin"])).expect("a URL");
    assert_eq!(hash(&["--repo", &here, "--git", "HEAD"]), hash(&["--remote", shown.trim()]));
    assert_eq!(shown.trim(), "git@github.com:acme/widget");
}

#[test]
fn what_others_wrote_does_nothing_to_a_terminal_or_a_page() {
    let repo = repository();
    let thread = "T\u{1b}[31m\nline";
    let events = accept(&repo, "events.jsonl", &["agent one", "```"], &["--remote", REMOTE, "--thread", thread]);
    repo.write("a`|b.txt", "agent one\n");
    repo.write("new\nline.txt", "agent one\n");
    repo.commit("\u{1b}]0;title\u{7} @name `code` | <b>");
    let print = |arguments: &[&str]| {
        let output =
            run(&[&["attribute", "--repo", &repo.argument(), "--events", &events, "-q"], arguments].concat(), b"");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        String::from_utf8(output.stdout).expect("text")
    };
    for arguments in
        [&["HEAD"][..], &["HEAD", "--by", "thread"], &["HEAD", "--format", "markdown"], &["--blame", "a`|b.txt"]]
    {
        let text = print(arguments);
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text}");
    }
    let markdown = print(&["HEAD", "--format", "markdown"]);
    assert_eq!(markdown.lines().filter(|line| line.contains(".txt")).count(), 2, "{markdown}");
    assert!(markdown.contains("| ``a`\\|b.txt`` "), "{markdown}");
    assert!(markdown.contains("| `new\\nline.txt` "), "{markdown}");
    assert!(markdown.contains("``\\u{1b}]0;title\\u{7} @name `code` \\| <b>``"), "{markdown}");
    let blame = print(&["--blame", "a`|b.txt", "--format", "markdown"]);
    assert!(
        blame.starts_with("``a`\\|b.txt``: 1 of 1 comparable added lines match an agent's (100.0 %).\n\n```\n"),
        "{blame}"
    );
}
