//! How true attribution is: histories whose authors are known, two people and an agent.
//!
//! The figures are printed, and stand in `docs/attribution.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::json;
use turnledger::Sha2;
use turnledger_git::attribution::{Attributor, EventReader};
use turnledger_git::fingerprint::{EventWriter, Labels};
use turnledger_git::repository::{ChangeReader, Git};
use turnledger_tests::repo::{AT, Repo, diff_of};

/// What a commit does. Each is one person's, or the agent's, alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    AgentNew,
    AgentCommon,
    AgentMoved,
    PersonNew,
    PersonCommon,
    PersonBefore,
    PersonPutsBack,
    PersonPutsBackTheAgents,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::AgentNew => "the agent's, new",
            Self::AgentCommon => "the agent's, common",
            Self::AgentMoved => "the agent's, moved by a person",
            Self::PersonNew => "a person's, new",
            Self::PersonCommon => "a person's, common",
            Self::PersonBefore => "a person's, which the agent writes again later",
            Self::PersonPutsBack => "a person's, deleted and put back",
            Self::PersonPutsBackTheAgents => "the agent's, deleted and put back by a person",
        }
    }

    fn is_agents(self) -> bool {
        matches!(self, Self::AgentNew | Self::AgentCommon | Self::AgentMoved)
    }
}

/// Numbers as if by chance, the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }

    fn seconds(&mut self, end: i64) -> i64 {
        i64::try_from(self.below(usize::try_from(end).expect("positive"))).expect("small")
    }
}

/// Lines that everybody writes.
const COMMON: [&str; 24] = [
    "return None",
    "return 0",
    "else:",
    "try:",
    "import os",
    "import sys",
    "from typing import Any",
    "self.value = value",
    "def __init__(self):",
    "if __name__ == \"__main__\":",
    "raise NotImplementedError",
    "continue",
    "break",
    "@property",
    "return self.value",
    "with open(path) as file:",
    "except ValueError:",
    "finally:",
    "return True",
    "return False",
    "for item in items:",
    "items = []",
    "result = {}",
    "return result",
];

const FILES: usize = 12;

struct Line {
    text: String,
    is_agents: bool,
}

/// A history as it grows.
struct History {
    chance: Chance,
    files: Vec<Vec<Line>>,
    at: i64,
    number: usize,
    /// What people have deleted: where, and what.
    deleted: Vec<(usize, Vec<Line>)>,
    /// What people wrote that the agent writes later.
    foretold: Vec<(usize, String)>,
    import: String,
    events: Vec<serde_json::Value>,
    kinds: Vec<Option<Kind>>,
    digest: Sha2,
}

impl History {
    fn new(seed: u64) -> Self {
        Self {
            chance: Chance(seed),
            files: (0..FILES).map(|_| Vec::new()).collect(),
            at: AT - 40_000_000,
            number: 0,
            deleted: Vec::new(),
            foretold: Vec::new(),
            import: String::new(),
            events: Vec::new(),
            kinds: Vec::new(),
            digest: Sha2::default(),
        }
    }

    fn unique(&mut self) -> String {
        self.number += 1;
        format!("value_{} = compute({})", self.number, self.chance.below(1000))
    }

    fn common(&mut self) -> String {
        COMMON[self.chance.below(COMMON.len())].to_owned()
    }

    fn insert(&mut self, file: usize, lines: &[String], is_agents: bool) {
        let place = self.chance.below(self.files[file].len() + 1);
        let lines = lines.iter().map(|text| Line { text: text.clone(), is_agents });
        self.files[file].splice(place..place, lines);
    }

    /// Commits what the files are now; `kind` is `None` where only deletions count.
    fn commit(&mut self, kind: Option<Kind>, at: i64) {
        let who = if kind.is_some_and(|kind| matches!(kind, Kind::AgentNew | Kind::AgentCommon)) {
            "agent"
        } else {
            ["ann", "bob"][self.chance.below(2)]
        };
        let who = format!("{who} <{who}@example.test> {at} +0000");
        let _ = write!(self.import, "commit refs/heads/main\nauthor {who}\ncommitter {who}\ndata 1\nc\n");
        for (number, file) in self.files.iter().enumerate() {
            let content: String = file.iter().flat_map(|line| [line.text.as_str(), "\n"]).collect();
            let _ = write!(self.import, "M 100644 inline file{number}.py\ndata {}\n{content}\n", content.len());
        }
        self.kinds.push(kind);
    }

    /// The agent writes lines in a turn, which it or a person commits: in the turn, after it, or much
    /// later by a rebase.
    fn agent(&mut self, kind: Kind) {
        let file = self.chance.below(FILES);
        let count = 3 + self.chance.below(20);
        let mut lines = Vec::new();
        for _ in 0..count {
            let line = if kind == Kind::AgentCommon { self.common() } else { self.unique() };
            lines.push(line);
        }
        let mut place = file;
        if kind == Kind::AgentNew && self.foretold.len() > 40 {
            let (file, line) = self.foretold.remove(0);
            place = file;
            lines.push(line);
        }
        let started = self.at;
        let ended = started + 60 + self.chance.seconds(1800);
        let committed = match self.chance.below(4) {
            0 => started + (ended - started) / 2,
            1 | 2 => ended + self.chance.seconds(600),
            _ => ended + 86_400,
        };
        self.insert(place, &lines, true);
        let turn = self.events.len();
        let labels = Labels::new("T", format!("U{turn}").as_str(), u64::try_from(ended).expect("positive"));
        let mut writer = EventWriter::new(self.digest.clone(), labels);
        let text: Vec<&str> = lines.iter().map(String::as_str).collect();
        writer.diff(&mut diff_of(&format!("file{place}.py"), &text).as_bytes()).expect("a diff");
        let mut event = Vec::new();
        writer.finish(&mut event).expect("an event");
        self.events.push(serde_json::from_slice(&event).expect("JSON"));
        // The turn's event; for one in ten only where the commit needs none.
        if self.chance.below(10) > 0 || committed < ended {
            let params = json!({"thread_id": "T", "turn_id": format!("U{turn}"), "started_at": started});
            self.events.push(json!({"event_type": "codex_turn_event", "event_params": params}));
        }
        self.commit(Some(kind), committed);
        self.at = committed.max(ended);
    }

    fn person(&mut self, kind: Kind) {
        let file = self.chance.below(FILES);
        let count = 3 + self.chance.below(20);
        for _ in 0..count {
            let line = if kind == Kind::PersonCommon { self.common() } else { self.unique() };
            if kind == Kind::PersonBefore {
                self.foretold.push((file, line.clone()));
            }
            self.insert(file, &[line], false);
        }
        self.commit(Some(kind), self.at);
    }

    /// Takes a run of lines of one author out of a file.
    fn cut(&mut self, is_agents: bool) -> Option<(usize, Vec<Line>)> {
        let file = self.chance.below(FILES);
        let first = self.files[file].iter().position(|line| line.is_agents == is_agents)?;
        let run = self.files[file][first..].iter().take(12).take_while(|line| line.is_agents == is_agents).count();
        Some((file, self.files[file].drain(first..first + run).collect()))
    }

    fn moves(&mut self) {
        let Some((from, lines)) = self.cut(true) else { return };
        let to = (from + 1 + self.chance.below(FILES - 1)) % FILES;
        let place = self.chance.below(self.files[to].len() + 1);
        self.files[to].splice(place..place, lines);
        self.commit(Some(Kind::AgentMoved), self.at);
    }

    fn deletes(&mut self) {
        let is_agents = self.chance.below(2) == 0;
        if let Some(cut) = self.cut(is_agents) {
            self.deleted.push(cut);
            self.commit(None, self.at);
        }
    }

    fn puts_back(&mut self) {
        if self.deleted.is_empty() {
            return;
        }
        let which = self.chance.below(self.deleted.len());
        let (file, lines) = self.deleted.swap_remove(which);
        let kind = if lines[0].is_agents { Kind::PersonPutsBackTheAgents } else { Kind::PersonPutsBack };
        let place = self.chance.below(self.files[file].len() + 1);
        self.files[file].splice(place..place, lines);
        self.commit(Some(kind), self.at);
    }

    fn grow(&mut self, commits: usize) {
        self.commit(None, self.at);
        while self.kinds.len() < commits {
            self.at += 60 + self.chance.seconds(7200);
            match self.chance.below(20) {
                0..7 => self.agent(Kind::AgentNew),
                7 | 8 => self.agent(Kind::AgentCommon),
                9..12 => self.person(Kind::PersonNew),
                12 | 13 => self.person(Kind::PersonCommon),
                14 => self.person(Kind::PersonBefore),
                15 | 16 => self.moves(),
                17 | 18 => self.deletes(),
                _ => self.puts_back(),
            }
        }
    }
}

/// How many lines of each kind there are, and how many of them are claimed.
fn measure(seed: u64, found: &mut BTreeMap<Kind, (u64, u64)>) {
    let mut history = History::new(seed);
    history.grow(700);
    let repo = Repo::new();
    repo.git_with(AT, &["fast-import", "--quiet"], history.import.as_bytes());
    let git = Git::open(Some(repo.path())).expect("the repository");
    let root = repo.ask(&["rev-list", "--max-parents=0", "main"]);
    // Any order will do.
    history.events.sort_by_cached_key(|event| event.to_string().bytes().rev().collect::<Vec<_>>());
    let mut events = EventReader::new(&history.digest, None);
    let text: String = history.events.iter().flat_map(|event| [event.to_string(), "\n".to_owned()]).collect();
    assert_eq!(events.read(&mut text.as_bytes()).expect("the events"), []);
    let mut attributor = Attributor::new(history.digest.clone(), events.finish());
    let mut reader = ChangeReader::new(&git).expect("a reader");
    for step in git.steps(&format!("{root}..main")).expect("a range") {
        let mut files = Vec::new();
        reader.read(&step, |change| files.push(attributor.changed_file(change))).expect("the changes");
        attributor.step(Some(&step), &files, &[]);
    }
    let report = attributor.report();
    assert_eq!(report.steps.len() + 1, history.kinds.len());
    for (step, kind) in report.steps.iter().zip(&history.kinds[1..]) {
        let Some(kind) = kind else { continue };
        let (lines, claimed) = found.entry(*kind).or_default();
        *lines += step.counts.effective;
        *claimed += step.counts.matched + step.counts.moved;
    }
}

#[test]
fn the_agents_lines_are_found_and_few_others_are_claimed() {
    let mut found = BTreeMap::new();
    for seed in 1..=4 {
        measure(seed, &mut found);
    }
    let mut table = String::from("| added lines | all | claimed | share |\n|---|---:|---:|---:|\n");
    #[allow(clippy::cast_precision_loss, reason = "few lines")]
    let mut row = |name: &str, (lines, claimed): (u64, u64)| {
        let share = claimed as f64 * 100.0 / lines as f64;
        let _ = writeln!(table, "| {name} | {lines} | {claimed} | {share:.1} % |");
        share
    };
    let mut sums = [(0, 0); 2];
    for (kind, counts) in &found {
        row(kind.name(), *counts);
        let sum = &mut sums[usize::from(kind.is_agents())];
        *sum = (sum.0 + counts.0, sum.1 + counts.1);
    }
    let recall = row("**all of the agent's**", sums[1]);
    let false_claims = row("**all others**", sums[0]);
    println!("{table}");
    assert!(recall > 98.5, "{recall}");
    assert!(false_claims < 3.0, "{false_claims}");
    for kind in [Kind::AgentNew, Kind::AgentCommon] {
        assert_eq!(found[&kind].1, found[&kind].0, "{kind:?}");
    }
    assert_eq!((found[&Kind::PersonNew].1, found[&Kind::PersonBefore].1), (0, 0));
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/attribution.md")).expect("the page");
    assert!(page.contains(&table), "docs/attribution.md has other figures than these:\n{table}");
}
