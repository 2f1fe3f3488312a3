//! `turnledger attribute` on repositories, and what it finds.

use std::process::Output;

use serde_json::Value;

use crate::program::{run, stderr};
use crate::repo::{AT, Repo, diff_of};

/// The remote of every repository here.
pub const REMOTE: &str = "https://github.com/acme/widget.git";

/// A repository with a commit.
pub fn repository() -> Repo {
    let repo = Repo::new();
    repo.git(&["remote", "add", "origin", REMOTE]);
    repo.write("base.txt", "of the base\n");
    repo.commit("base");
    repo
}

/// The events of a diff that adds these lines to `agent.txt`, made with `options`.
///
/// # Panics
///
/// If it does something else.
pub fn accept(repo: &Repo, file: &str, lines: &[&str], options: &[&str]) -> String {
    let diff = diff_of("agent.txt", lines);
    let at = AT.to_string();
    let output = run(&[&["fingerprint", "--at", &at], options].concat(), diff.as_bytes());
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    repo.keep(file, &output.stdout)
}

/// Runs `turnledger attribute` with these events.
pub fn attribute(repo: &Repo, events: &str, arguments: &[&str]) -> Output {
    let repo = repo.argument();
    run(&[&["attribute", "--repo", &repo, "--events", events, "--format", "json"], arguments].concat(), b"")
}

/// What it printed, if that was all it had to do.
///
/// # Panics
///
/// If it does something else.
pub fn report(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Added, effective, matched and moved lines, and the lines of a merge that are in no parent.
pub fn counts(value: &Value) -> [u64; 5] {
    ["added", "effective", "matched", "moved", "in_no_parent"].map(|name| value[name].as_u64().unwrap_or_default())
}

/// The steps that it found, by their summaries.
///
/// # Panics
///
/// If it does something else.
pub fn steps(repo: &Repo, events: &str, revisions: &str) -> Vec<(String, [u64; 5])> {
    let output = attribute(repo, events, &[revisions]);
    assert_eq!(stderr(&output), "");
    let report = report(&output);
    let steps = report["steps"].as_array().expect("a list").iter();
    steps.map(|step| (step["commit"]["summary"].as_str().unwrap_or_default().to_owned(), counts(step))).collect()
}

/// Exit code 2, one line, nothing printed.
///
/// # Panics
///
/// If it does something else.
pub fn assert_refused(output: &Output, said: &str) {
    assert_eq!(stderr(output), format!("turnledger: {said}\n"));
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
}

/// A step as [`steps`] has it.
pub fn step(name: &str, counts: [u64; 5]) -> (String, [u64; 5]) {
    (name.into(), counts)
}

/// Added lines as Git counts them.
///
/// # Panics
///
/// If Git fails.
pub fn numstat(repo: &Repo, arguments: &[&str]) -> u64 {
    let text = repo.ask(&[&["diff", "--numstat"], arguments].concat());
    text.lines().filter_map(|line| line.split('\t').next()?.parse::<u64>().ok()).sum()
}

/// What was found in all steps.
pub fn total(repo: &Repo, events: &str, arguments: &[&str]) -> [u64; 5] {
    counts(&report(&attribute(repo, events, arguments))["total"])
}
