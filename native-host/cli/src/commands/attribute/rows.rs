//! A report as rows: for each file of each commit, or added up.

use std::collections::BTreeMap;

use clap::ValueEnum;
use turnledger_git::attribution::{Counts, FileReport, Report, StepReport};
use turnledger_git::repository::{StepKind, Unread};

/// What to add up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum By {
    Commit,
    File,
    Thread,
    Model,
}

/// One row of a table.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// What it is about; as many as there are [`labels`].
    pub(super) labels: Vec<String>,
    pub(super) counts: Counts,
    pub(super) note: String,
    /// Whether other rows have its parts.
    pub(super) is_sum: bool,
}

impl Row {
    fn new(labels: &[&str], counts: Counts) -> Self {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        Self { labels, counts, note: String::new(), is_sum: false }
    }

    fn noted(self, note: String) -> Self {
        Self { note, ..self }
    }
}

/// What the first columns are.
pub(super) fn labels(by: Option<By>) -> &'static [&'static str] {
    match by {
        None => &["commit", "summary", "file"],
        Some(By::Commit) => &["commit", "summary"],
        Some(By::File) => &["file"],
        Some(By::Thread) => &["thread", "model"],
        Some(By::Model) => &["model"],
    }
}

/// Whether a row's added and effective lines are its own, and not those of everything.
pub(super) fn has_own_lines(by: Option<By>) -> bool {
    !matches!(by, Some(By::Thread | By::Model))
}

pub(super) fn rows(by: Option<By>, report: &Report) -> Vec<Row> {
    match by {
        None => report.steps.iter().flat_map(step_and_files).collect(),
        Some(By::Commit) => report.steps.iter().map(step).collect(),
        Some(By::File) => {
            let mut files: BTreeMap<&str, Counts> = BTreeMap::new();
            for file in report.steps.iter().flat_map(|step| &step.files) {
                *files.entry(&file.path).or_default() += file.counts;
            }
            files.into_iter().map(|(path, counts)| Row::new(&[path], counts)).collect()
        }
        Some(By::Thread) => report
            .threads
            .iter()
            .map(|thread| Row::new(&[&thread.thread_id, model(thread.model_slug.as_deref())], thread.counts))
            .collect(),
        Some(By::Model) => {
            let mut models: BTreeMap<&str, Counts> = BTreeMap::new();
            for thread in &report.threads {
                let of = thread.counts;
                let none = Counts::new(of.added, of.effective, 0, 0);
                let counts = models.entry(model(thread.model_slug.as_deref())).or_insert(none);
                counts.matched += of.matched;
                counts.moved += of.moved;
            }
            models.into_iter().map(|(model, counts)| Row::new(&[model], counts)).collect()
        }
    }
}

fn model(slug: Option<&str>) -> &str {
    slug.unwrap_or("unknown")
}

fn names(step: &StepReport) -> (&str, &str) {
    let name = match step.kind {
        StepKind::Staged => "staged",
        StepKind::Worktree => "working tree",
        _ => "diff",
    };
    step.commit.as_ref().map_or(("", name), |commit| (&commit.short, &commit.summary))
}

fn step(step: &StepReport) -> Row {
    let (id, summary) = names(step);
    Row::new(&[id, summary], step.counts).noted(step_note(step))
}

fn step_and_files(step: &StepReport) -> Vec<Row> {
    let (id, summary) = names(step);
    let sum = Row { is_sum: true, ..Row::new(&[id, summary, ""], step.counts) }.noted(step_note(step));
    let file = |file: &FileReport| Row::new(&[id, summary, &file.path], file.counts).noted(file_note(file));
    std::iter::once(sum).chain(step.files.iter().map(file)).collect()
}

fn step_note(step: &StepReport) -> String {
    let mut notes = Vec::new();
    if step.is_cut_off {
        notes.push("changes unknown: the shallow clone ends here".into());
    }
    if step.commit.as_ref().is_some_and(|commit| commit.is_merge) {
        notes.push("merge".into());
    }
    if !step.unread.is_empty() {
        let commits: Vec<&str> = step.unread.iter().map(|id| id.get(..7).unwrap_or(id)).collect();
        notes.push(format!("changes unknown: cannot read {}", commits.join(", ")));
    }
    if !step.wrong_dates.is_empty() {
        notes.push("date cannot be true".into());
    }
    if step.in_no_parent > 0 {
        notes.push(format!("{} lines in no parent", step.in_no_parent));
    }
    notes.join(", ")
}

fn file_note(file: &FileReport) -> String {
    let renamed = file.renamed_from.as_ref().map(|old| format!("renamed from {old}"));
    let unread = file.unread.map(|unread| match unread {
        Unread::Binary => "binary".to_owned(),
        Unread::Filtered => "filtered".to_owned(),
        _ => "too large".to_owned(),
    });
    renamed.into_iter().chain(unread).collect::<Vec<_>>().join(", ")
}
