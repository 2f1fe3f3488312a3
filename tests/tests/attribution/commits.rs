//! `turnledger attribute` on real repositories: what an agent's turn left accepted stays known
//! through everything that Git does with it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use turnledger_tests::golden::{REMOTE, folder, recording};
use turnledger_tests::program::{run, stderr};
use turnledger_tests::repo::{AT, Repo, diff_of};

const THREAD: &str = "01a1fc2d-8f22-7c41-9ccf-e532d31cb4c1";

const BASE: &str = "import sys\n\n\ndef main():\n    print(\"hello\")\n    return 0\n\n\nif __name__ == \"__main__\":\n    sys.exit(main())\n";

/// The workspace of the recordings, committed.
fn workspace() -> Repo {
    let repo = Repo::new();
    repo.git(&["remote", "add", "origin", REMOTE]);
    repo.write("README.md", "# Demo\n\nA small program.\n");
    repo.write("src/main.py", BASE);
    repo.write("src/old.py", "VALUE = 1\nNAME = \"old\"\n");
    repo.commit("base");
    repo
}

/// The last diff of a recorded session.
fn recorded_diff(name: &str) -> String {
    let messages = recording("0.131.0", name).messages();
    let mut values = messages.iter().filter_map(|message| serde_json::from_str::<Value>(&message.text).ok());
    let last = values.rfind(|message| message["method"] == "turn/diff/updated").expect("a diff");
    last["params"]["diff"].as_str().expect("its text").into()
}

/// What the program prints, in a file.
fn events(repo: &Repo, file: &str, arguments: &[&str], input: &[u8]) -> String {
    let output = run(arguments, input);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    repo.keep(file, &output.stdout)
}

/// The events of a recorded session.
fn recorded(repo: &Repo, name: &str) -> String {
    let traffic = folder().join("0.131.0").join(name).join("traffic.jsonl").display().to_string();
    events(repo, &format!("{name}.jsonl"), &["replay", "-q", "--remote", REMOTE, &traffic], b"")
}

/// The events of a diff that adds these lines to a file.
fn accepted(repo: &Repo, thread: &str, path: &str, lines: &[&str]) -> String {
    let at = AT.to_string();
    let arguments = ["fingerprint", "--thread", thread, "--model", "m", "--at", &at, "--remote", REMOTE];
    events(repo, &format!("{thread}.jsonl"), &arguments, diff_of(path, lines).as_bytes())
}

fn attribute(repo: &Repo, events: &str, arguments: &[&str]) -> std::process::Output {
    let repo = repo.argument();
    run(&[&["attribute", "--repo", &repo, "--events", events], arguments].concat(), b"")
}

fn report(repo: &Repo, events: &str, arguments: &[&str]) -> Value {
    let output = attribute(repo, events, &[arguments, &["--format", "json"]].concat());
    assert_eq!((stderr(&output), output.status.code()), (String::new(), Some(0)));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Added, effective, matched and moved lines.
fn counts(value: &Value) -> [u64; 4] {
    ["added", "effective", "matched", "moved"].map(|name| value[name].as_u64().expect("a count"))
}

/// What was found in all steps.
fn total(repo: &Repo, events: &str, arguments: &[&str]) -> [u64; 4] {
    counts(&report(repo, events, arguments)["total"])
}

#[test]
fn a_session_stays_known_through_everything_that_git_does() {
    let repo = workspace();
    let events = recorded(&repo, "patch_files");
    let range = |revisions: &str| total(&repo, &events, &[revisions]);
    repo.apply(&recorded_diff("patch_files"));
    assert_eq!(total(&repo, &events, &["--worktree"]), [11, 9, 9, 0]);
    repo.git(&["add", "--all"]);
    assert_eq!(total(&repo, &events, &["--staged"]), [11, 9, 9, 0]);

    // Committed, with a line by hand; amended with one more.
    repo.write("src/added.py", repo.read("src/added.py") + "AUTHOR = 'someone'\n");
    repo.commit("agent");
    assert_eq!(range("HEAD"), [12, 10, 9, 0]);
    repo.write("src/added.py", repo.read("src/added.py") + "YEAR = 2026\n");
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--amend", "--no-edit"]);
    assert_eq!(range("HEAD"), [13, 11, 9, 0]);

    // Rebased onto a change of the same file.
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.git(&["checkout", "--quiet", "main"]);
    repo.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    repo.write("src/main.py", BASE.replace("if __name__", "# The entry.\nif __name__"));
    repo.commit("elsewhere");
    repo.git(&["checkout", "--quiet", "topic"]);
    repo.git(&["rebase", "--quiet", "main"]);
    assert_eq!(range("main..topic"), [13, 11, 9, 0]);
    assert_eq!(range("main...topic"), [13, 11, 9, 0]);

    // Cherry-picked.
    repo.git(&["checkout", "--quiet", "-b", "picked", "main~1"]);
    repo.git(&["cherry-pick", "topic"]);
    assert_eq!(range("HEAD"), [13, 11, 9, 0]);
    repo.git(&["checkout", "--quiet", "topic"]);

    // Indented anew, and partly rewritten by hand: two lines changed.
    repo.write("src/added.py", repo.read("src/added.py").replace("    ", "\t"));
    repo.commit("tabs");
    assert_eq!(range("HEAD"), [4, 4, 4, 0]);
    repo.write("src/added.py", repo.read("src/added.py").replace("total = 0", "total = start").replace("+=", "+= 2 *"));
    repo.commit("by hand");
    assert_eq!(range("HEAD"), [2, 2, 0, 0]);
    assert_eq!(range("main..topic"), [19, 17, 13, 0]);

    // Renamed: nothing is added. Moved by hand into a file that is there: six lines of which two are
    // not the agent's.
    repo.git(&["mv", "src/added.py", "src/sums.py"]);
    repo.commit("rename");
    assert_eq!(range("HEAD"), [0, 0, 0, 0]);
    repo.write("README.md", repo.read("README.md") + &repo.read("src/sums.py"));
    repo.git(&["rm", "--quiet", "--force", "src/sums.py"]);
    repo.commit("move");
    assert_eq!(range("HEAD"), [10, 8, 0, 4]);

    // Squashed: what is left of it all.
    repo.git(&["reset", "--quiet", "--soft", "main"]);
    repo.commit("squash");
    assert_eq!(range("HEAD"), [13, 11, 3, 4]);
    // The same as a diff that someone sends.
    let diff = repo.git(&["diff", "main", "topic"]);
    let sent = repo.keep("sent.diff", diff);
    assert_eq!(total(&repo, &events, &["--diff", &sent]), [13, 11, 3, 4]);
}

#[test]
fn each_file_of_each_commit_in_every_format() {
    let repo = workspace();
    let events = recorded(&repo, "patch_files");
    repo.apply(&recorded_diff("patch_files"));
    repo.commit("The agent's, \"quoted\"");
    repo.write("src/added.py", repo.read("src/added.py") + "AUTHOR = 'someone'\n");
    repo.commit("By hand | piped");
    let id = |revision: &str| String::from_utf8(repo.git(&["rev-parse", revision])).expect("an id").trim().to_owned();
    let short = |revision: &str| id(revision)[..7].to_owned();
    let print = |arguments: &[&str]| {
        let output = attribute(&repo, &events, &[&["main~2..main"], arguments].concat());
        assert_eq!((stderr(&output), output.status.code()), (String::new(), Some(0)));
        String::from_utf8(output.stdout).expect("text")
    };
    let (one, two) = (short("HEAD~1"), short("HEAD"));

    let file = |path: &str, counts: [u64; 4], share: Value| {
        json!({ "path": path, "renamed_from": null, "added": counts[0], "effective": counts[1], "matched": counts[2],
            "moved": counts[3], "share": share, "unread": null })
    };
    let mut renamed = file("src/app.py", [3, 3, 3, 0], json!(1.0));
    renamed["renamed_from"] = json!("src/main.py");
    let expected = json!({
        "total": { "added": 12, "effective": 10, "matched": 9, "moved": 0, "share": 0.9 },
        "steps": [
            { "kind": "commit", "commit": { "id": id("HEAD~1"), "summary": "The agent's, \"quoted\"", "is_merge": false },
              "is_cut_off": false, "in_no_parent": 0, "added": 11, "effective": 9, "matched": 9, "moved": 0, "share": 1.0,
              "files": [file("src/added.py", [8, 6, 6, 0], json!(1.0)), renamed, file("src/old.py", [0; 4], Value::Null)] },
            { "kind": "commit", "commit": { "id": id("HEAD"), "summary": "By hand | piped", "is_merge": false },
              "is_cut_off": false, "in_no_parent": 0, "added": 1, "effective": 1, "matched": 0, "moved": 0, "share": 0.0,
              "files": [file("src/added.py", [1, 1, 0, 0], json!(0.0))] },
        ],
        "threads": [{ "thread_id": THREAD, "model_slug": "gpt-5.3-codex", "added": 12, "effective": 10, "matched": 9, "moved": 0, "share": 0.9 }],
    });
    assert_eq!(serde_json::from_str::<Value>(&print(&["--format", "json"])).expect("JSON"), expected);

    assert_eq!(
        print(&["--format", "csv"]),
        format!(
            "commit,summary,file,added,effective,matched,moved,share,note\n\
             {one},\"The agent's, \"\"quoted\"\"\",src/added.py,8,6,6,0,1,\n\
             {one},\"The agent's, \"\"quoted\"\"\",src/app.py,3,3,3,0,1,renamed from src/main.py\n\
             {one},\"The agent's, \"\"quoted\"\"\",src/old.py,0,0,0,0,,\n\
             {two},By hand | piped,src/added.py,1,1,0,0,0,\n"
        )
    );
    let table = print(&["--by", "commit"]);
    let table: Vec<&str> = table.lines().map(str::trim_end).collect();
    assert_eq!(
        table,
        [
            " commit   summary                added  effective  matched  moved               share".to_owned(),
            format!(" {one}  The agent's, \"quoted\"     11          9        9      0  100.0 % ██████████"),
            format!(" {two}  By hand | piped            1          1        0      0    0.0 %"),
            " total                              12         10        9      0   90.0 % █████████".to_owned(),
            "9 of 10 comparable added lines match an agent's (90.0 %).".to_owned(),
        ]
    );
    let markdown = print(&["--format", "markdown"]);
    let markdown: Vec<&str> = markdown.lines().collect();
    assert_eq!(markdown[0], "**9 of 10 comparable added lines match an agent's (90.0 %).**");
    assert_eq!(
        markdown[2..6],
        [
            "| commit                          | file                                    | added | effective | matched | moved |              share |",
            "|---------------------------------|-----------------------------------------|-------|-----------|---------|-------|--------------------|",
            &format!(
                "| {one} `The agent's, \"quoted\"` |                                         |    11 |         9 |       9 |     0 | 100.0 % ██████████ |"
            ),
            "|                                 | `src/added.py`                          |     8 |         6 |       6 |     0 | 100.0 % ██████████ |",
        ]
    );
    assert!(markdown[8].starts_with(&format!("| {two} `By hand \\| piped` ")), "{}", markdown[8]);

    assert_eq!(
        print(&["--by", "file", "--format", "csv"]),
        "file,added,effective,matched,moved,share,note\nsrc/added.py,9,7,6,0,0.8571428571428571,\n\
         src/app.py,3,3,3,0,1,\nsrc/old.py,0,0,0,0,,\n"
    );
    assert_eq!(
        print(&["--by", "thread", "--format", "csv"]),
        format!("thread,model,matched,moved,share\n{THREAD},gpt-5.3-codex,9,0,0.9\n")
    );
    assert_eq!(print(&["--by", "model", "--format", "csv"]), "model,matched,moved,share\ngpt-5.3-codex,9,0,0.9\n");
}

#[test]
fn an_accepted_line_stands_for_one_line() {
    let repo = workspace();
    let events = accepted(&repo, "T", "a.py", &["return None", "return None", "shared = 1"]);
    repo.write("a.py", "return None\n".repeat(5));
    repo.write("b.py", "return None\nshared = 1\nshared = 1\n");
    repo.commit("many");
    // Two at their path, none left for another; one of the two that moved.
    assert_eq!(total(&repo, &events, &["HEAD"]), [8, 8, 2, 1]);

    // Deleting gives back: the first commit's two, in the second at another place.
    repo.write("a.py", "x = 1\n");
    repo.write("c.py", "return None\n".repeat(3));
    repo.commit("elsewhere");
    let report = report(&repo, &events, &["HEAD~2..HEAD"]);
    let steps: Vec<_> = report["steps"].as_array().expect("a list").iter().map(counts).collect();
    assert_eq!(steps, [[8, 8, 2, 1], [4, 4, 0, 2]]);
}

#[test]
fn a_person_who_deletes_a_line_of_their_own_gives_nothing_back() {
    let repo = workspace();
    let events = accepted(&repo, "T", "a.py", &["return None"]);
    repo.write("a.py", "return None\n");
    repo.commit("by the agent");
    for _ in 0..3 {
        repo.write("a.py", "return None\n  return None\n");
        repo.commit("by hand");
        repo.write("a.py", "return None\n");
        repo.commit("not any more");
    }
    repo.write("b.py", "return None\n");
    repo.commit("by hand, elsewhere");
    assert_eq!(total(&repo, &events, &["HEAD~8..HEAD"]), [5, 5, 1, 0]);
    assert_eq!(total(&repo, &events, &["HEAD~8..HEAD", "--by", "thread"]), [5, 5, 1, 0]);
}

#[test]
fn the_oldest_thread_that_accepted_a_line_comes_first() {
    let repo = workspace();
    accepted(&repo, "two", "a.py", &["shared = 1", "own = 2"]);
    let one = accepted(&repo, "one", "a.py", &["shared = 1"]);
    repo.write(
        ".git/one.jsonl",
        fs::read_to_string(one).expect("events").replace(&AT.to_string(), &(AT - 1).to_string()),
    );
    repo.write("a.py", "shared = 1\nown = 2\n");
    repo.commit("both");
    let folder = repo.file(".git/found");
    fs::create_dir(&folder).expect("a folder");
    for name in ["one", "two"] {
        fs::copy(repo.file(&format!(".git/{name}.jsonl")), folder.join(format!("{name}.jsonl"))).expect("a copy");
    }
    let report = report(&repo, &folder.display().to_string(), &["HEAD"]);
    let threads: Vec<_> = report["threads"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|thread| (thread["thread_id"].as_str(), thread["matched"].as_u64()))
        .collect();
    assert_eq!(threads, [(Some("one"), Some(1)), (Some("two"), Some(1))]);
}

#[test]
fn a_file_with_its_lines_marked() {
    let repo = workspace();
    let events = accepted(&repo, "T", "src/a.py", &["first = 1", "  moved = 2"]);
    repo.write("src/a.py", "first = 1\n}\nby_hand = 3\n");
    repo.write("src/b.py", "moved = 2\n");
    repo.commit("both");
    repo.write("src/a.py", "first = 1\n");
    let print = |arguments: &[&str]| String::from_utf8(attribute(&repo, &events, arguments).stdout).expect("text");
    assert_eq!(print(&["--blame", "src/a.py"]), "= T m 1 │ first = 1\n");
    assert_eq!(print(&["--blame", "src/a.py", "HEAD"]), "= T m 1 │ first = 1\n      2 │ }\n      3 │ by_hand = 3\n");
    assert_eq!(
        print(&["--blame", "src/b.py", "--format", "csv"]),
        "line,is_effective,match,thread_id,model_slug\n1,true,moved,T,m\n"
    );
    assert_eq!(
        print(&["--blame", "src/b.py", "--format", "markdown"]),
        "`src/b.py`: 1 of 1 comparable added lines match an agent's (100.0 %).\n\n```\n~ T m 1 │ moved = 2\n```\n"
    );
    let blame: Value =
        serde_json::from_str(&print(&["--blame", "src/a.py", "HEAD", "--format", "json"])).expect("JSON");
    assert_eq!(blame["total"], json!({ "added": 3, "effective": 2, "matched": 1, "moved": 0, "share": 0.5 }));
    assert_eq!(
        blame["lines"][1],
        json!({ "line": 2, "is_effective": false, "match": null, "thread_id": null, "model_slug": null })
    );
    assert_eq!(
        attribute(&repo, &events, &["--blame", "src/a.py", "HEAD", "--fail-over", "49.9"]).status.code(),
        Some(3)
    );
    assert_eq!(
        attribute(&repo, &events, &["--blame", "src/a.py", "HEAD", "--fail-over", "50%"]).status.code(),
        Some(0)
    );
}

#[test]
fn a_gate_for_continuous_integration() {
    let repo = workspace();
    let events = accepted(&repo, "T", "a.py", &["first = 1"]);
    repo.write("a.py", "first = 1\nsecond = 2\n");
    repo.commit("half");
    let output = attribute(&repo, &events, &["HEAD", "--fail-over", "40"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(stderr(&output), "turnledger: 50.0 % of the lines match, more than the 40 % allowed\n");
    assert!(!output.stdout.is_empty(), "the report is printed all the same");
    assert_eq!(attribute(&repo, &events, &["HEAD", "--fail-over", "50"]).status.code(), Some(0));
    // Seven of a hundred are not more than seven percent.
    let agent: Vec<String> = (0..7).map(|line| format!("agent {line}")).collect();
    let seven = accepted(&repo, "seven", "b.py", &agent.iter().map(String::as_str).collect::<Vec<_>>());
    let hand: Vec<String> = (0..93).map(|line| format!("by hand {line}")).collect();
    repo.write("b.py", agent.join("\n") + "\n" + &hand.join("\n") + "\n");
    repo.commit("seven");
    assert_eq!(attribute(&repo, &seven, &["HEAD", "--fail-over", "7"]).status.code(), Some(0));
    assert_eq!(attribute(&repo, &seven, &["HEAD", "--fail-over", "6.99"]).status.code(), Some(3));
    assert_eq!(attribute(&repo, &events, &["HEAD", "--fail-over", "101"]).status.code(), Some(2));
}

#[test]
fn a_diff_needs_no_repository() {
    let repo = workspace();
    let events = accepted(&repo, "T", "a.py", &["first = 1"]);
    let diff = b"--- a/a.py\n+++ b/a.py\n@@ -1 +1,2 @@\n-first  =  1\n+\tfirst = 1\n+}\n";
    let nowhere = tempfile::tempdir().expect("a folder");
    let elsewhere = nowhere.path().display().to_string();
    let output = run(&["attribute", "--events", &events, "--diff", "-", "--format", "csv"], diff);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "commit,summary,file,added,effective,matched,moved,share,note\n,diff,a.py,2,1,1,0,1,\n"
    );
    assert_eq!(
        stderr(&output),
        "turnledger: a diff does not name its repository (--repo does), so events of every repository are used\n"
    );
    let hunk = b"@@ -0,0 +1 @@\n+first = 1\n";
    let output = run(&["attribute", "--events", &events, "--diff", "-", "--format", "csv", "-q"], hunk);
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("\n,diff,(unnamed),1,1,0,1,1,\n"));
    // Said to be of a repository that the events are not of.
    let other = Repo::new();
    other.git(&["remote", "add", "origin", "https://github.com/acme/other"]);
    let output = run(&["attribute", "--repo", &other.argument(), "--events", &events, "--diff", "-"], hunk);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(Path::new(&elsewhere).read_dir().expect("the folder").next().is_none(), "nothing is written anywhere");
}
