//! `A..B` against Git: the commits of any graph with any dates.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;
use turnledger_tests::attribution::{REMOTE, accept, attribute, report};
use turnledger_tests::repo::{AT, Repo};

/// A commit: its parents among those before it, and its date.
type Node = (Vec<Index>, i64);

/// Dates that are equal, rise, fall, or have nothing to do with one another.
fn dates(count: usize) -> impl Strategy<Value = Vec<i64>> {
    let day = 86_400;
    let number = |index: usize| i64::try_from(index).expect("few commits");
    prop_oneof![
        Just(vec![AT; count]),
        Just((0..count).map(|index| AT + 60 * number(index)).collect()),
        Just((0..count).map(|index| AT - day * number(index)).collect()),
        prop::collection::vec(AT - 3600..AT + 3600, count),
        prop::collection::vec(prop_oneof![Just(0), Just(AT), 0..AT, AT..AT * 2], count),
    ]
}

fn graph() -> impl Strategy<Value = Vec<Node>> {
    (2..24_usize).prop_flat_map(|count| {
        let parents = prop::collection::vec(any::<Index>(), 0..4);
        (prop::collection::vec(parents, count), dates(count))
            .prop_map(|(parents, dates)| parents.into_iter().zip(dates).collect())
    })
}

/// Writes the graph into a repository: each commit has the files of its parents and one of its own, and a
/// branch of its own number.
fn build(graph: &[Node]) -> Repo {
    let repo = Repo::new();
    repo.git(&["remote", "add", "origin", REMOTE]);
    let mut input = String::new();
    let mut files: Vec<BTreeSet<usize>> = Vec::new();
    for (number, (parents, date)) in graph.iter().enumerate() {
        let parents: BTreeSet<usize> = parents.iter().filter(|_| number > 0).map(|index| index.index(number)).collect();
        let here: BTreeSet<usize> = parents.iter().flat_map(|parent| files[*parent].clone()).chain([number]).collect();
        let _ = write!(input, "commit refs/heads/c{number}\nmark :{}\n", number + 1);
        let _ = write!(input, "author A <a@example.test> {date} +0000\ncommitter A <a@example.test> {date} +0000\n");
        let _ = write!(input, "data 2\nc\n");
        for (index, parent) in parents.iter().enumerate() {
            let _ = writeln!(input, "{} :{}", if index == 0 { "from" } else { "merge" }, parent + 1);
        }
        input.push_str("deleteall\n");
        for file in &here {
            let content = format!("line of {file}\n");
            let _ = write!(input, "M 100644 inline f{file}\ndata {}\n{content}\n", content.len());
        }
        files.push(here);
    }
    repo.git_with(AT, &["fast-import", "--quiet"], input.as_bytes());
    repo
}

/// What Git says of a range: by the sets of both ends, so that dates play no part.
fn named_by_git(repo: &Repo, from: usize, to: usize) -> BTreeSet<String> {
    let all =
        |end: usize| repo.ask(&["rev-list", &format!("c{end}")]).lines().map(Into::into).collect::<BTreeSet<String>>();
    all(to).difference(&all(from)).cloned().collect()
}

/// The commits of a report: its steps and what they merge.
fn counted(report: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut ids = Vec::new();
    for step in list(&report["steps"]) {
        ids.extend(
            list(&step["merged"])
                .iter()
                .chain([&step["commit"]["id"]])
                .map(|id| id.as_str().expect("an id").to_owned()),
        );
    }
    ids
}

fn check(repo: &Repo, events: &str, from: usize, to: usize) {
    let expected = named_by_git(repo, from, to);
    let range = format!("c{from}..c{to}");
    let output = attribute(repo, events, &["--quiet", &range]);
    if expected.is_empty() {
        assert_eq!(output.status.code(), Some(2), "{range}");
        return;
    }
    let report = report(&output);
    let counted = counted(&report);
    assert_eq!(counted.len(), expected.len(), "{range}: each once");
    assert_eq!(counted.iter().cloned().collect::<BTreeSet<_>>(), expected, "{range}");
    // Each commit adds one line, which nobody else adds.
    assert_eq!(report["total"]["added"].as_u64(), Some(expected.len() as u64), "{range}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_range_is_what_git_rev_list_names(graph in graph(), ends in prop::collection::vec((any::<Index>(), any::<Index>()), 3)) {
        let repo = build(&graph);
        let events = accept(&repo, "events.jsonl", &["agent one"], &["--remote", REMOTE]);
        let ends: Vec<_> = ends.iter().map(|(from, to)| (from.index(graph.len()), to.index(graph.len()))).collect();
        for (from, to) in &ends {
            check(&repo, &events, *from, *to);
        }
        // With a commit-graph that has all commits, Git's own walk by generation says the same, and so do we.
        repo.git(&["commit-graph", "write", "--reachable"]);
        for (from, to) in &ends {
            let range = format!("c{from}..c{to}");
            let listed = repo.ask(&["rev-list", "--topo-order", &range]);
            prop_assert_eq!(listed.lines().map(Into::into).collect::<BTreeSet<String>>(), named_by_git(&repo, *from, *to));
            check(&repo, &events, *from, *to);
        }
    }
}

/// A long history whose dates fall: without a commit-graph Git takes an ancestor for none.
#[test]
fn dates_that_fall() {
    let graph: Vec<Node> = (0..40).map(|number| (Vec::new(), AT - 86_400 * number)).collect();
    let repo = Repo::new();
    repo.git(&["remote", "add", "origin", REMOTE]);
    let mut input = String::new();
    for (number, (_, date)) in graph.iter().enumerate() {
        let who = format!("A <a@example.test> {date} +0000");
        let _ = write!(input, "commit refs/heads/main\nauthor {who}\ncommitter {who}\ndata 2\nc\n");
        let _ = write!(
            input,
            "M 100644 inline f{number}\ndata 4\nline\n\nreset refs/heads/c{number}\nfrom refs/heads/main\n\n"
        );
    }
    repo.git_with(AT, &["fast-import", "--quiet"], input.as_bytes());
    let events = accept(&repo, "events.jsonl", &["agent one"], &["--remote", REMOTE]);
    for (from, to) in [(10, 30), (30, 10), (39, 0), (0, 39), (5, 6)] {
        check(&repo, &events, from, to);
    }
}

/// The order of steps is that of first parents, and of what a merge brings parents come first.
#[test]
fn parents_come_first() {
    let repo = Repo::new();
    repo.commit("base");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    for name in ["one", "two", "three"] {
        repo.write(name, "line\n");
        repo.commit(name);
    }
    repo.git(&["checkout", "--quiet", "main"]);
    repo.git(&["merge", "--quiet", "--no-ff", "--message", "merged", "topic"]);
    let events = accept(&repo, "events.jsonl", &["agent one"], &[]);
    let report = report(&attribute(&repo, &events, &["--quiet", "main~1..main"]));
    let names: BTreeMap<String, usize> =
        ["topic~2", "topic~1", "topic", "main"].iter().map(|name| repo.ask(&["rev-parse", name])).zip(0..).collect();
    assert_eq!(counted(&report).iter().map(|id| names[id]).collect::<Vec<_>>(), [0, 1, 2, 3]);
}
