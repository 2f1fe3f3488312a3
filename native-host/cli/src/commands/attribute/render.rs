//! What was found, for people and for programs.

use std::borrow::Cow;
use std::io::Write;

use anyhow::Context;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;
use turnledger_git::attribution::{BlameLine, Counts, Match, Report};

use super::Format;
use super::rows::{By, Row, has_own_lines, labels, rows};

pub(super) fn report(output: &mut Vec<u8>, format: Format, by: Option<By>, report: &Report) -> anyhow::Result<()> {
    match format {
        Format::Json => json(output, report),
        Format::Csv => csv(output, by, report),
        Format::Table => {
            writeln!(output, "{}", table(by, report, false))?;
            writeln!(output, "{}", sentence(report.total, report.unknown_commits))?;
            Ok(())
        }
        Format::Markdown => {
            writeln!(output, "**{}**\n", sentence(report.total, report.unknown_commits))?;
            writeln!(output, "{}\n", table(by, report, true))?;
            writeln!(output, "{FOOTNOTE}")?;
            Ok(())
        }
    }
}

const FOOTNOTE: &str = "Lines are compared by hashes of their words. *Matched* lines were accepted at the same path, *moved* ones \
     at another; lines of at most three bytes or without a word are not compared. A line that does not match may still be an agent's.";

fn json(output: &mut Vec<u8>, value: &impl Serialize) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *output, value).context("cannot write JSON")?;
    output.push(b'\n');
    Ok(())
}

fn sentence(total: Counts, unknown_commits: u64) -> String {
    let sentence = match total.share() {
        None if total.added == 0 => "No line is added.".into(),
        None => format!("None of {} added lines can be compared.", total.added),
        Some(share) => format!(
            "{} of {} comparable added lines match an agent's ({}).",
            total.matched + total.moved,
            total.effective,
            percent(share)
        ),
    };
    match unknown_commits {
        0 => sentence,
        1 => sentence + " What 1 commit changed is unknown.",
        commits => format!("{sentence} What {commits} commits changed is unknown."),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A bar of ten characters, in eighths.
fn bar(share: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is from 0 to 1")]
    let eighths = (share * 80.0).round() as usize;
    format!("{:<10}", "█".repeat(eighths / 8) + EIGHTHS[eighths % 8])
}

/// The label of the last row.
const TOTAL: &str = "total";

fn table(by: Option<By>, report: &Report, is_markdown: bool) -> Table {
    let mut table = Table::new();
    table.load_style(if is_markdown { presets::ASCII_MARKDOWN } else { presets::NOTHING });
    if !is_markdown {
        // A table that is not for a terminal is as wide as it has to be.
        if let Some((_, width)) = console::Term::stdout().size_checked() {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
    }
    let own_lines = has_own_lines(by);
    let mut header: Vec<&str> = labels(by).to_vec();
    if by.is_none() {
        header = vec!["commit", "file"];
    }
    let first_number = header.len();
    header.extend(count_names(own_lines));
    table.set_header(&header);
    let mut rows = rows(by, report);
    if rows.iter().filter(|row| !row.is_sum).count() > 1 {
        let mut labels = vec![String::new(); labels(by).len()];
        TOTAL.clone_into(&mut labels[0]);
        rows.push(Row { labels, counts: report.total, note: String::new(), is_sum: true });
    }
    for row in &rows {
        let as_code = is_markdown && row.labels[0] != TOTAL;
        // A commit's id is as plain as it is.
        let plain = usize::from(matches!(by, None | Some(By::Commit)));
        let label = |(index, label): (usize, &String)| {
            let label = printable(label);
            if as_code && index >= plain { code(&label) } else { label.into_owned() }
        };
        let labels = row.labels.iter().enumerate().map(label).collect();
        let mut note = printable(&row.note).into_owned();
        if as_code && note.contains(['|', '`', '<', '*', '_', '@', '[']) {
            note = code(&note);
        }
        table.add_row(cells(by, row, labels, &note, own_lines));
    }
    for column in table.column_iter_mut().skip(first_number) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// What the columns of numbers are.
fn count_names(own_lines: bool) -> &'static [&'static str] {
    let names = &["added", "effective", "matched", "moved", "share"];
    if own_lines { names } else { &names[2..] }
}

/// The numbers of a row, but for the share.
fn counts(Counts { added, effective, matched, moved, .. }: Counts, own_lines: bool) -> impl Iterator<Item = String> {
    [added, effective, matched, moved].into_iter().skip(if own_lines { 0 } else { 2 }).map(|count| count.to_string())
}

/// A text that can do nothing to a terminal or a table.
fn printable(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        let escape = |c: char| if c.is_control() { c.escape_default().collect() } else { String::from(c) };
        Cow::Owned(text.chars().map(escape).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// A text as code in a Markdown table, which shows it letter by letter.
fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run_of_backticks(text) + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{}{space}{fence}", text.replace('|', "\\|"))
}

fn longest_run_of_backticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

fn cells(by: Option<By>, row: &Row, labels: Vec<String>, note: &str, own_lines: bool) -> Vec<String> {
    let mut cells = match (by, &labels[..]) {
        // A commit stands above its files.
        (None, [commit, summary, file]) if file.is_empty() => {
            vec![format!("{commit} {summary}").trim().into(), String::new()]
        }
        (None, [.., file]) => vec![String::new(), file.clone()],
        _ => labels,
    };
    if !note.is_empty()
        && let Some(last) = cells.iter_mut().rfind(|cell| !cell.is_empty())
    {
        *last = format!("{last} ({note})");
    }
    cells.extend(counts(row.counts, own_lines));
    cells.push(row.counts.share().map_or_else(|| "–".into(), |share| format!("{} {}", percent(share), bar(share))));
    cells
}

fn csv(output: &mut Vec<u8>, by: Option<By>, report: &Report) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(output);
    let own_lines = has_own_lines(by);
    let mut header = labels(by).to_vec();
    header.extend(count_names(own_lines));
    header.extend(own_lines.then_some("note"));
    writer.write_record(&header)?;
    for row in rows(by, report).into_iter().filter(|row| !row.is_sum) {
        let mut record = row.labels;
        record.extend(counts(row.counts, own_lines));
        record.push(row.counts.share().map_or_else(String::new, |share| share.to_string()));
        if own_lines {
            record.push(row.note);
        }
        writer.write_record(&record)?;
    }
    writer.flush().context("cannot write CSV")
}

/// A file with its lines marked. Returns how many match.
pub(super) fn blame(
    output: &mut Vec<u8>,
    format: Format,
    path: &str,
    content: &[&[u8]],
    marks: &[BlameLine],
) -> anyhow::Result<Counts> {
    #[derive(Serialize)]
    struct Blame<'a> {
        path: &'a str,
        total: Counts,
        lines: &'a [BlameLine],
    }
    let of = |kind| marks.iter().filter(|mark| mark.found == Some(kind)).count() as u64;
    let effective = marks.iter().filter(|mark| mark.is_effective).count() as u64;
    let total = Counts::new(marks.len() as u64, effective, of(Match::Matched), of(Match::Moved));
    match format {
        Format::Json => json(output, &Blame { path, total, lines: marks })?,
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(&mut *output);
            for mark in marks {
                writer.serialize(mark)?;
            }
            writer.flush().context("cannot write CSV")?;
        }
        Format::Table => text(output, content, marks)?,
        Format::Markdown => {
            let mut marked = Vec::new();
            text(&mut marked, content, marks)?;
            let fence = "`".repeat(longest_run_of_backticks(&String::from_utf8_lossy(&marked)).max(2) + 1);
            writeln!(output, "{}: {}\n\n{fence}", code(&printable(path)), sentence(total, 0))?;
            output.append(&mut marked);
            writeln!(output, "{fence}")?;
        }
    }
    Ok(total)
}

/// Each line with who accepted it: `=` at this path, `~` at another.
fn text(output: &mut Vec<u8>, content: &[&[u8]], marks: &[BlameLine]) -> anyhow::Result<()> {
    let who = |mark: &BlameLine| {
        let sign = match mark.found? {
            Match::Matched => '=',
            Match::Moved => '~',
            _ => '?',
        };
        let thread = mark.thread_id.as_deref().unwrap_or_default();
        let who = format!("{sign} {thread} {}", mark.model_slug.as_deref().unwrap_or_default());
        Some(printable(who.trim_end()).into_owned())
    };
    let whos: Vec<String> = marks.iter().map(|mark| who(mark).unwrap_or_default()).collect();
    let width = whos.iter().map(|who| who.chars().count()).max().unwrap_or_default();
    let digits = marks.len().to_string().len();
    for ((line, who), number) in content.iter().zip(&whos).zip(1..) {
        write!(output, "{who:<width$} {number:>digits$} │ ")?;
        output.extend_from_slice(line);
        output.push(b'\n');
    }
    Ok(())
}
