//! When an event counts: from the beginning of its turn on, whatever comes in which order.

use serde_json::{Value, json};
use turnledger_tests::attribution::{REMOTE, attribute, counts, report, repository};
use turnledger_tests::program::{lines, run, stderr};
use turnledger_tests::repo::{AT, Repo, diff_of};

/// An accepted-line event of a turn that ended at a time, for lines of `agent.txt`.
fn accepted(turn: &str, completed_at: i64, content: &[&str]) -> Value {
    let diff = diff_of("agent.txt", content);
    let at = completed_at.to_string();
    let arguments = ["fingerprint", "--thread", "T", "--turn", turn, "--at", &at, "--remote", REMOTE];
    lines(&run(&arguments, diff.as_bytes())).remove(0)
}

/// As much of a turn's event as counts.
fn turn(turn: &str, started_at: impl Into<Value>) -> Value {
    json!({"event_type": "codex_turn_event", "event_params": {"thread_id": "T", "turn_id": turn, "started_at": started_at.into()}})
}

fn file(repo: &Repo, events: &[&Value]) -> String {
    let text: Vec<String> = events.iter().map(|event| format!("{event}\n")).collect();
    repo.keep("found.jsonl", text.concat())
}

/// A repository whose only line of interest was committed at a time.
fn committed(at: i64) -> Repo {
    let repo = repository();
    repo.write("agent.txt", "the line\n");
    repo.commit_at(at, "the commit");
    repo
}

/// How many lines match, and what is said.
fn found(repo: &Repo, events: &[&Value], arguments: &[&str]) -> (u64, String) {
    let output = attribute(repo, &file(repo, events), arguments);
    (counts(&report(&output)["total"])[2], stderr(&output))
}

#[test]
fn an_event_counts_from_the_beginning_of_its_turn_on() {
    let event = accepted("U", AT + 1000, &["the line"]);
    let begun = turn("U", AT);
    for (committed_at, expected) in [(AT - 1, 0), (AT, 1), (AT + 500, 1), (AT + 5000, 1)] {
        let repo = committed(committed_at);
        for events in [[&begun, &event], [&event, &begun]] {
            assert_eq!(found(&repo, &events, &["HEAD"]), (expected, String::new()), "{committed_at}");
        }
    }
    // The turn's event may be in another file, and more than once.
    let repo = committed(AT - 1);
    let other = repo.keep("other.jsonl", format!("{}\n{}\n", turn("U", AT - 1), turn("U", AT)));
    let output = attribute(&repo, &file(&repo, &[&event]), &["HEAD", "--events", &other]);
    assert_eq!(counts(&report(&output)["total"])[2], 1);
    // Another turn's beginning, or another thread's, is none of this one's.
    assert_eq!(found(&repo, &[&event, &turn("V", AT - 9)], &["HEAD"]).0, 0);
    let mut other = turn("U", AT - 9);
    other["event_params"]["thread_id"] = json!("S");
    assert_eq!(found(&repo, &[&event, &other], &["HEAD"]).0, 0);
}

#[test]
fn without_a_beginning_an_event_counts_from_a_little_before_its_own_time_on() {
    let event = accepted("U", AT, &["the line"]);
    for (committed_at, expected) in [(AT - 301, 0), (AT - 300, 1), (AT + 5000, 1)] {
        let repo = committed(committed_at);
        assert_eq!(found(&repo, &[&event], &["HEAD"]), (expected, String::new()), "{committed_at}");
        assert_eq!(found(&repo, &[&event, &turn("U", Value::Null)], &["HEAD"]).0, expected, "no beginning is said");
    }
}

#[test]
fn rebased_lines_are_as_young_as_their_commit() {
    let repo = committed(AT - 1000);
    let event = accepted("U", AT, &["the line"]);
    assert_eq!(found(&repo, &[&event], &["HEAD"]).0, 0);
    repo.git_at(AT, &["commit", "--quiet", "--amend", "--no-edit"]);
    assert_eq!(found(&repo, &[&event], &["HEAD"]).0, 1);
}

#[test]
fn a_line_that_was_there_before_takes_nothing_from_the_agent() {
    let repo = committed(AT - 5000);
    repo.write("agent.txt", "the line\nanother\nthe line\n");
    repo.commit_at(AT, "the agent's");
    let event = accepted("U", AT, &["the line"]);
    let output = attribute(&repo, &file(&repo, &[&event]), &["HEAD~2..HEAD"]);
    let report = report(&output);
    let steps: Vec<_> = report["steps"].as_array().expect("a list").iter().map(counts).collect();
    assert_eq!(steps, [[1, 1, 0, 0, 0], [2, 2, 1, 0, 0]]);
    // A file as it was is as old as its commit; as it is, it may be of today.
    for (arguments, expected) in [(&["--blame", "agent.txt", "HEAD~1"][..], 0), (&["--blame", "agent.txt"], 1)] {
        assert_eq!(found(&repo, &[&event], arguments).0, expected, "{arguments:?}");
    }
    repo.write("other.txt", "the line\n");
    let output = attribute(&repo, &file(&repo, &[&event]), &["--worktree"]);
    assert_eq!(counts(&turnledger_tests::attribution::report(&output)["total"]), [1, 1, 0, 1, 0]);
}

#[test]
fn a_merge_brings_lines_that_are_as_old_as_their_commits() {
    let repo = repository();
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write("agent.txt", "the line\n");
    repo.commit_at(AT - 5000, "by hand, before");
    repo.write("agent.txt", "the line\nlater\n");
    repo.commit_at(AT + 5, "by the agent");
    repo.git(&["checkout", "--quiet", "main"]);
    repo.git_at(AT + 10, &["merge", "--quiet", "--no-ff", "--message", "merged", "topic"]);
    let event = accepted("U", AT, &["the line", "later"]);
    let output = attribute(&repo, &file(&repo, &[&event]), &["HEAD~1..HEAD"]);
    let found = report(&output);
    assert_eq!(counts(&found["total"]), [2, 2, 1, 0, 0]);
    let merged = [repo.ask(&["rev-parse", "topic~1"]), repo.ask(&["rev-parse", "topic"])];
    assert_eq!(found["steps"][0]["merged"], json!(merged));
    // Alone it is one change of its own time.
    let output = attribute(&repo, &file(&repo, &[&event]), &["HEAD"]);
    assert_eq!(counts(&report(&output)["total"]), [2, 2, 2, 0, 0]);
}

#[test]
fn dates_that_cannot_be_true_are_said_and_hold_nothing_back() {
    let year = 365 * 86_400;
    let event = accepted("U", AT, &["the line"]);
    let short = |repo: &Repo| repo.ask(&["rev-parse", "--short", "HEAD"]);
    let said = |repo: &Repo| {
        let commit = short(repo);
        format!("turnledger: 1 commit with an impossible date, whose lines match events of any time: {commit}\n")
    };
    // A commit of 1970, of the far future, and one that is long before its parent.
    for at in [0, 3600, AT + 20 * year, AT - year] {
        let repo = committed(at);
        assert_eq!(found(&repo, &[&event], &["HEAD"]), (1, said(&repo)), "{at}");
        let output = attribute(&repo, &file(&repo, &[&event]), &["HEAD", "--quiet"]);
        assert_eq!(report(&output)["steps"][0]["wrong_dates"], json!([repo.ask(&["rev-parse", "HEAD"])]));
        // It says nothing of those that come after it.
        repo.write("agent.txt", "the line\nmore\n");
        repo.commit_at(AT - 1000, "after");
        let late = accepted("V", AT, &["more"]);
        assert_eq!(found(&repo, &[&late], &["HEAD"]), (0, String::new()), "{at}");
    }
    // An event of 1970, or of years from now.
    let events =
        "1 accepted-line event with an impossible time (before 1980 or after now): used for commits of any time";
    let repo = committed(AT - 5000);
    for at in [0, AT + 20 * year] {
        let event = accepted("U", at, &["the line"]);
        assert_eq!(found(&repo, &[&event], &["HEAD"]), (1, format!("turnledger: {events}\n")), "{at}");
        // Its turn may know better.
        assert_eq!(found(&repo, &[&event, &turn("U", AT - 5001)], &["HEAD"]), (1, String::new()));
        if at > AT {
            assert_eq!(found(&repo, &[&event, &turn("U", AT)], &["HEAD"]), (0, String::new()));
        }
    }
    // A beginning of 1970, in milliseconds, or after the end.
    let starts = "1 accepted-line event with an impossible start of the turn: used from 300 seconds before the event's \
                  own time";
    for start in [0, AT * 1000, AT + 301] {
        assert_eq!(found(&repo, &[&event, &turn("U", start)], &["HEAD"]), (0, format!("turnledger: {starts}\n")));
        assert_eq!(found(&committed(AT), &[&event, &turn("U", start)], &["HEAD"]).0, 1);
        // One that can be true is enough.
        let both = [&event, &turn("U", start), &turn("U", AT - 5000)];
        assert_eq!(found(&repo, &both, &["HEAD"]), (1, String::new()));
    }
}

#[test]
fn events_of_commits_are_as_old_as_the_last_of_them() {
    let repo = repository();
    repo.write("agent.txt", "the line\n");
    repo.commit_at(AT - 86_400, "old");
    let output = run(&["fingerprint", "--repo", &repo.argument(), "--git", "HEAD"], b"");
    assert_eq!(lines(&output)[0]["event_params"]["completed_at"], json!(AT - 86_400));
    let events = repo.keep("events.jsonl", &output.stdout);
    assert_eq!(counts(&report(&attribute(&repo, &events, &["HEAD"]))["total"])[2], 1);
}
