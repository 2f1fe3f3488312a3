//! What Git can read is read as Git reads it, and what cannot be read says why.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use serde_json::{Value, json};
use turnledger_tests::attribution::{
    REMOTE, accept, assert_refused, attribute, counts, report, repository, steps, total,
};
use turnledger_tests::program::{PROGRAM, lines, run, stderr};
use turnledger_tests::repo::{AT, Repo, diff_of};

/// Writes a commit whose header lines after the tree and the parent are `lines`, and moves `main` to it.
fn commit_with(repo: &Repo, lines: &str) -> String {
    repo.git(&["add", "--all"]);
    let tree = repo.ask(&["write-tree"]);
    let parent = repo.ask(&["rev-parse", "HEAD"]);
    let text = format!("tree {tree}\nparent {parent}\n{lines}\n\nmade by hand\n");
    let id = repo.git_with(AT, &["hash-object", "-t", "commit", "-w", "--literally", "--stdin"], text.as_bytes());
    let id = String::from_utf8(id).expect("an id").trim().to_owned();
    repo.git(&["update-ref", "refs/heads/main", &id]);
    id
}

#[test]
fn commits_of_every_form_are_read() {
    let repo = repository();
    let events = accept(&repo, "events.jsonl", &["agent one", "agent two"], &["--remote", REMOTE]);
    let base = repo.ask(&["rev-parse", "HEAD"]);
    let author = format!("author A <a@example.test> {AT} +0000");
    let committer = format!("committer A <a@example.test> {AT} +0000");
    let forms = [
        (format!("{author}\n{author}\n{committer}"), false),
        (format!("{author}\n{committer}\n{committer}"), false),
        (format!("author A <a@exa\nmple.test> {AT} +0000\n{committer}"), false),
        (format!("author A {AT} +0000\ncommitter A {AT} +0000"), false),
        (format!("{author}\ncommitter A <a@example.test>x> {AT} +0000"), false),
        (format!("{author}\n{committer}\nencoding none\nmergetag object\n more\ngpgsig x"), false),
        (format!("author <> {AT}\ncommitter <> {AT}"), false),
        (author, true),
        (committer.replace(&AT.to_string(), "yesterday"), true),
        (String::new(), true),
    ];
    let mut undated = Vec::new();
    for (number, (header, is_undated)) in forms.iter().enumerate() {
        repo.write(&format!("file {number}.txt"), "a line\n");
        if number == 3 {
            repo.write("agent.txt", "agent one\n");
        }
        let id = commit_with(&repo, header);
        undated.extend(is_undated.then(|| id[..7].to_owned()));
    }
    repo.write("agent.txt", "agent one\nagent two\n");
    repo.commit("as usual");
    let range = format!("{base}..HEAD");
    let output = attribute(&repo, &events, &[&range]);
    assert_eq!(
        stderr(&output),
        format!(
            "turnledger: 3 commits with an impossible date, whose lines match events of any time: {}\n",
            undated.join(", ")
        )
    );
    let found = report(&output);
    assert_eq!(counts(&found["total"]), [12, 12, 2, 0, 0]);
    let ids: Vec<&str> = found["steps"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|step| step["commit"]["id"].as_str().expect("an id"))
        .collect();
    assert_eq!(ids.join("\n"), repo.ask(&["log", "--reverse", "--format=%H", &range]));
    let summaries: Vec<&str> = found["steps"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|step| step["commit"]["summary"].as_str().expect("text"))
        .collect();
    assert_eq!(summaries.join("\n"), repo.ask(&["log", "--reverse", "--format=%s", &range]));
    // The same below a merge, behind the end of a range, and by name.
    repo.git(&["checkout", "--quiet", "-b", "other", &base]);
    repo.commit("other");
    repo.git(&["merge", "--quiet", "--no-ff", "--message", "merged", "main"]);
    let output = attribute(&repo, &events, &["--quiet", "other~1..other"]);
    assert_eq!(counts(&report(&output)["total"]), [12, 12, 2, 0, 0]);
    let output = attribute(&repo, &events, &["--quiet", "main~1..other"]);
    assert_eq!(counts(&report(&output)["total"]), [1, 1, 1, 0, 0]);
    assert_eq!(counts(&report(&attribute(&repo, &events, &["--quiet", "main~1"]))["total"]), [1, 1, 0, 0, 0]);
}

#[test]
fn commits_that_cannot_be_read_are_named_and_unknown() {
    let repo = repository();
    let events = accept(&repo, "events.jsonl", &["agent one"], &["--remote", REMOTE]);
    repo.git(&["config", "gc.auto", "0"]);
    // A commit whose tree is gone, between two that are whole.
    repo.write("agent.txt", "agent one\n");
    repo.commit("by the agent");
    repo.write("lost.txt", "lost\n");
    repo.commit("lost");
    let (lost, tree) = (repo.ask(&["rev-parse", "HEAD"]), repo.ask(&["rev-parse", "HEAD^{tree}"]));
    repo.write("lost.txt", "lost\nmore\n");
    repo.commit("whole");
    repo.write("after.txt", "after\n");
    repo.commit("after");
    let object = |id: &str| repo.file(&format!(".git/objects/{}/{}", &id[..2], &id[2..]));
    fs::remove_file(object(&tree)).expect("a loose object");
    let short = &lost[..7];
    let unread =
        format!("\"{short}\": the commit cannot be read, so its changes are unknown; `git fsck` says what is wrong");
    let next = repo.ask(&["rev-parse", "--short", "HEAD~1"]);
    let output = attribute(&repo, &events, &["HEAD~4..HEAD"]);
    assert_eq!(
        stderr(&output),
        format!("turnledger: skipped: {unread}\nturnledger: skipped: {}\n", unread.replace(short, &next))
    );
    let found = report(&output);
    assert_eq!((counts(&found["total"]), &found["unknown_commits"]), ([2, 2, 1, 0, 0], &json!(2)));
    assert_eq!(found["steps"][1]["unread"], json!([lost]));
    let table = run(&["attribute", "-q", "--repo", &repo.argument(), "--events", &events, "HEAD~4..HEAD"], b"");
    let table = String::from_utf8(table.stdout).expect("text");
    assert!(table.contains(&format!("lost (changes unknown: cannot read {short})")), "{table}");
    assert!(
        table
            .ends_with("1 of 2 comparable added lines match an agent's (50.0 %). What 2 commits changed is unknown.\n"),
        "{table}"
    );
    assert_refused(&attribute(&repo, &events, &["HEAD~4..HEAD", "--fail-over", "0"]), &unread);

    // One that merges brought.
    repo.git(&["checkout", "--quiet", "--orphan", "fresh"]);
    repo.git(&["reset", "--quiet", "--hard"]);
    repo.write("fresh.txt", "fresh\n");
    repo.commit("fresh");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write("gone.txt", "gone\n");
    repo.commit("gone");
    let gone = repo.ask(&["rev-parse", "HEAD^{tree}"]);
    repo.write("gone.txt", "gone\nmore\n");
    repo.write("agent.txt", "agent one\n");
    repo.commit("there");
    repo.git(&["checkout", "--quiet", "fresh"]);
    repo.git(&["merge", "--quiet", "--no-ff", "--message", "merged", "topic"]);
    fs::remove_file(object(&gone)).expect("a loose object");
    let found = report(&attribute(&repo, &events, &["-q", "HEAD~1..HEAD"]));
    let ids = json!([repo.ask(&["rev-parse", "topic~1"]), repo.ask(&["rev-parse", "topic"])]);
    assert_eq!((&found["steps"][0]["unread"], &found["unknown_commits"]), (&ids, &json!(2)));

    // A commit that is gone itself, and one that is no commit.
    let tip = repo.ask(&["rev-parse", "fresh~1"]);
    fs::remove_file(object(&tip)).expect("a loose object");
    let output = attribute(&repo, &events, &["main..HEAD"]);
    assert!(stderr(&output).contains(&format!("skipped: \"{}\"", &tip[..7])), "{}", stderr(&output));
    let text = repo.git_with(AT, &["hash-object", "-t", "commit", "-w", "--literally", "--stdin"], b"no commit\n");
    let id = String::from_utf8(text).expect("an id").trim().to_owned();
    let output = attribute(&repo, &events, &["-q", &id]);
    assert_eq!(report(&output)["steps"][0]["unread"], json!([id]));
}

/// The hash by which the program knows a repository, and that of a URL.
fn repo_hash(arguments: &[&str]) -> Value {
    let output = run(&[&["fingerprint", "--at", "1"], arguments].concat(), diff_of("a", &["b"]).as_bytes());
    lines(&output)[0]["event_params"]["repo_hash"].clone()
}

#[test]
fn a_repository_is_known_as_git_remote_says() {
    let set = |repo: &Repo, settings: &[(&str, &str)]| {
        for (name, value) in settings {
            repo.git(&["config", "--add", name, value]);
        }
    };
    let cases: [&[(&str, &str)]; 7] = [
        &[("remote.origin.url", "https://gitlab.test/mirror/shop.git")],
        &[("remote.origin.pushurl", "https://github.com/someone/shop.git")],
        &[("url.https://github.com/other/.insteadOf", "https://github.com/acme/")],
        &[("url.https://github.com/other/.pushInsteadOf", "https://github.com/acme/")],
        &[
            ("url.ssh://git@one.test/.insteadOf", "https://github.com/"),
            ("url.ssh://git@two.test/.insteadOf", "https://github.com/acme/"),
            ("url.ssh://git@three.test/.insteadOf", "https://"),
        ],
        &[("remote.origin.url", ""), ("remote.origin.url", "https://gitlab.test/after/shop.git")],
        &[("remote.aaa.url", "https://gitlab.test/first/by-name.git")],
    ];
    for settings in cases {
        let repo = repository();
        set(&repo, settings);
        let url = repo.ask(&["remote", "get-url", "origin"]);
        let here = repo.argument();
        assert_eq!(repo_hash(&["--repo", &here, "--git", "HEAD"]), repo_hash(&["--remote", &url]), "{settings:?}");
        // Events of any of its URLs are its own.
        repo.write("agent.txt", "agent one\n");
        repo.commit("by the agent");
        for url in repo.ask(&["remote", "get-url", "--all", "origin"]).lines() {
            let events = accept(&repo, "events.jsonl", &["agent one"], &["--remote", url]);
            assert_eq!(counts(&report(&attribute(&repo, &events, &["HEAD"]))["total"])[2], 1, "{settings:?} {url}");
        }
        let other = accept(&repo, "other.jsonl", &["agent one"], &["--remote", "https://github.com/someone/shop.git"]);
        assert_eq!(attribute(&repo, &other, &["HEAD"]).status.code(), Some(2), "{settings:?}");
    }
    // The last of the settings that a file includes, and no origin.
    let repo = Repo::new();
    repo.write("base.txt", "of the base\n");
    repo.commit("base");
    let more = repo.keep("more.config", "[remote \"upstream\"]\n\turl = https://github.com/acme/widget\n");
    repo.git(&["config", "include.path", &more]);
    assert_eq!(repo_hash(&["--repo", &repo.argument(), "--git", "HEAD"]), repo_hash(&["--remote", REMOTE]));
}

/// A push that its hook looks at: what it brings is apart from the repository until the hook has ended.
#[test]
fn a_hook_sees_what_is_pushed() {
    let origin = Repo::new();
    let served = Repo::clone_of(&origin, &["--bare"]);
    let repo = repository();
    let events = accept(&repo, "events.jsonl", &["agent one"], &["--remote", REMOTE]);
    repo.git(&["remote", "add", "served", &format!("file://{}", served.argument())]);
    repo.git(&["push", "--quiet", "served", "main"]);
    served.git(&["remote", "set-url", "origin", REMOTE]);
    let program = PROGRAM.display();
    let out = repo.file(".git/seen");
    let script = format!(
        "#!/bin/sh\nread old new ref\nfor repo in '' '--repo=.'; do\n  '{program}' attribute --events '{events}' --format csv $repo \"$old..$new\" 2>&1\ndone > '{}'\n",
        out.display()
    );
    for hook in ["pre-receive", "update"] {
        let script =
            script.replace("read old new ref", if hook == "update" { "old=$2 new=$3" } else { "read old new ref" });
        served.write(&format!("hooks/{hook}"), script);
        let file = served.file(&format!("hooks/{hook}"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a hook");
        repo.git(&["checkout", "--quiet", "-B", hook, "main"]);
        repo.write("agent.txt", format!("{hook}\nagent one\n"));
        repo.commit(hook);
        repo.git(&["push", "--quiet", "served", &format!("{hook}:main"), "--force"]);
        let short = repo.ask(&["rev-parse", "--short", "HEAD"]);
        let expected = format!(
            "commit,summary,file,added,effective,matched,moved,share,note\n{short},{hook},agent.txt,2,2,1,0,0.5,\n"
        );
        assert_eq!(fs::read_to_string(&out).expect("what it said"), expected.repeat(2), "{hook}");
        fs::remove_file(&file).expect("no hook");
        repo.git(&["push", "--quiet", "served", "main", "--force"]);
    }
}

/// A commit hook sees the index that is to be committed.
#[test]
fn a_hook_sees_what_is_about_to_be_committed() {
    let repo = repository();
    let events = accept(&repo, "events.jsonl", &["agent one"], &["--remote", REMOTE]);
    let out = repo.file(".git/seen");
    let script = format!(
        "#!/bin/sh\n'{}' attribute --events '{events}' --format csv --staged > '{}' 2>&1\n",
        PROGRAM.display(),
        out.display()
    );
    repo.write(".git/hooks/pre-commit", script);
    fs::set_permissions(repo.file(".git/hooks/pre-commit"), fs::Permissions::from_mode(0o755)).expect("a hook");
    repo.write("agent.txt", "agent one\n");
    repo.write("other.txt", "other\n");
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", "only one", "--", "agent.txt"]);
    let seen = fs::read_to_string(&out).expect("what it said");
    assert_eq!(seen, "commit,summary,file,added,effective,matched,moved,share,note\n,staged,agent.txt,1,1,1,0,1,\n");
}

#[test]
fn a_partial_clone_says_what_it_lacks() {
    let origin = repository();
    let events = accept(&origin, "events.jsonl", &["agent one"], &["--remote", REMOTE]);
    origin.git(&["config", "uploadpack.allowFilter", "true"]);
    origin.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    origin.write("base.txt", "of the base\nagent one\n");
    origin.commit("by the agent");
    origin.write("base.txt", "of the base\nagent one\nby hand\n");
    origin.commit("by hand");
    let said = "a file of the history is missing, because the clone is partial; \
                `git fetch --refetch --no-filter` fetches everything, `git log --patch RANGE` what a range needs";
    let refused = |output: &Output| {
        let stderr = stderr(output);
        assert!(stderr.starts_with(&format!("turnledger: {said}")), "{stderr}");
        assert_eq!((output.status.code(), output.stdout.len(), stderr.lines().count()), (Some(2), 0, 1));
    };
    for filter in ["blob:none", "tree:0"] {
        for command in [&["fetch", "--refetch", "--no-filter"][..], &["log", "--patch", "HEAD~2..HEAD"]] {
            let clone = Repo::clone_of(&origin, &[&format!("--filter={filter}"), "--no-checkout"]);
            // The program knows the repository by the URL that its events have; Git fetches from where it is.
            clone.git(&["remote", "add", "upstream", REMOTE]);
            for arguments in [&["HEAD~2..HEAD"][..], &["HEAD"], &["--blame", "base.txt", "HEAD"]] {
                refused(&attribute(&clone, &events, arguments));
            }
            refused(&run(&["fingerprint", "--repo", &clone.argument(), "--git", "HEAD"], b""));
            clone.git(command);
            assert_eq!(total(&clone, &events, &["HEAD~2..HEAD"]), [2, 2, 0, 1, 0], "{filter} {command:?}");
        }
    }
}

/// Needs a Git that has reftables; an older one has nothing to be tested here.
#[test]
fn a_reftable_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let init = std::process::Command::new("git")
        .args(["init", "--quiet", "--ref-format=reftable"])
        .arg(folder.path())
        .output();
    if !init.expect("git runs").status.success() {
        eprintln!("this Git has no reftables");
        return;
    }
    let repo = Repo::new();
    repo.git(&["refs", "migrate", "--ref-format=reftable"]);
    repo.git(&["remote", "add", "origin", REMOTE]);
    repo.commit("base");
    let events = accept(&repo, "events.jsonl", &["agent one"], &["--remote", REMOTE]);
    repo.write("agent.txt", "agent one\n");
    repo.commit("by the agent");
    let said = "the branches and tags are in a reftable, which cannot be read; \
                use full commit ids, or a copy made with `git clone --ref-format=files`";
    for arguments in
        [&["HEAD"][..], &["main~1..main"], &["--staged"], &["--worktree"], &["--blame", "agent.txt", "HEAD"]]
    {
        assert_refused(&attribute(&repo, &events, arguments), said);
    }
    assert_refused(&run(&["fingerprint", "--repo", &repo.argument(), "--git", "HEAD"], b""), said);
    let (old, new) = (repo.ask(&["rev-parse", "HEAD~1"]), repo.ask(&["rev-parse", "HEAD"]));
    for revisions in [new.clone(), format!("{old}..{new}")] {
        assert_eq!(total(&repo, &events, &[&revisions]), [1, 1, 1, 0, 0]);
    }
    let copy = Repo::clone_of(&repo, &["--ref-format=files"]);
    copy.git(&["remote", "set-url", "origin", REMOTE]);
    assert_eq!(total(&copy, &events, &["HEAD"]), [1, 1, 1, 0, 0]);
}

#[test]
fn a_sparse_index_is_named_where_it_counts() {
    let repo = repository();
    let events = accept(&repo, "events.jsonl", &["agent one"], &["--remote", REMOTE]);
    for name in ["in/a.txt", "out/deep/b.txt", "out/c.txt"] {
        repo.write(name, "a line\n");
    }
    repo.commit("folders");
    repo.write("in/agent.txt", "agent one\n");
    repo.commit("by the agent");
    repo.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "in"]);
    assert!(repo.ask(&["ls-files", "--sparse"]).contains("out/"), "the index is sparse");
    assert_eq!(steps(&repo, &events, "HEAD"), [("by the agent".to_owned(), [1, 1, 0, 1, 0])]);
    let said = "the index is sparse; `git sparse-checkout reapply --no-sparse-index` makes it whole";
    repo.write("in/more.txt", "agent one\n");
    for arguments in [&["--staged"], &["--worktree"]] {
        assert_refused(&attribute(&repo, &events, arguments), said);
    }
    repo.git(&["sparse-checkout", "reapply", "--no-sparse-index"]);
    assert_eq!(total(&repo, &events, &["--worktree"]), [1, 1, 0, 1, 0]);
    assert_eq!(total(&repo, &events, &["--staged"]), [0; 5]);
}
