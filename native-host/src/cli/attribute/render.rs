//! What was found, for people and for programs.

use std::io::Write;

use anyhow::Context;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;
use turnledger::attribution::{BlameLine, Counts, Match, Report};

use super::Format;
use super::rows::{By, Row, has_own_lines, labels, rows};

pub(super) fn report(output: &mut Vec<u8>, format: Format, by: Option<By>, report: &Report) -> anyhow::Result<()> {
    match format {
        Format::Json => json(output, report),
        Format::Csv => csv(output, by, report),
        Format::Table => {
            writeln!(output, "{}", table(by, report, false))?;
            writeln!(output, "{}", sentence(report.total))?;
            Ok(())
        }
        Format::Markdown => {
            writeln!(output, "**{}**\n", sentence(report.total))?;
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

fn sentence(total: Counts) -> String {
    match total.share() {
        None if total.added == 0 => "No line is added.".into(),
        None => format!("None of {} added lines can be compared.", total.added),
        Some(share) => format!(
            "{} of {} comparable added lines match an agent's ({}).",
            total.matched + total.moved,
            total.effective,
            percent(share)
        ),
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
    header.extend(if own_lines {
        &["added", "effective", "matched", "moved", "share"][..]
    } else {
        &["matched", "moved", "share"]
    });
    table.set_header(&header);
    let mut rows = rows(by, report);
    if rows.iter().filter(|row| !row.is_sum).count() > 1 {
        let mut labels = vec![String::new(); labels(by).len()];
        "total".clone_into(&mut labels[0]);
        rows.push(Row { labels, counts: report.total, note: String::new(), is_sum: true });
    }
    for row in &rows {
        let labels = if is_markdown { markdown_labels(by, row) } else { row.labels.clone() };
        table.add_row(cells(by, row, labels, own_lines));
    }
    for column in table.column_iter_mut().skip(first_number) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A row's labels as Markdown shows them letter by letter: paths as code, the rest escaped.
fn markdown_labels(by: Option<By>, row: &Row) -> Vec<String> {
    let escape = |text: &String, marks: &[char]| {
        let escaped = text.chars().flat_map(|c| marks.contains(&c).then_some('\\').into_iter().chain([c]));
        escaped.collect::<String>()
    };
    let mut cells: Vec<String> =
        row.labels.iter().map(|label| escape(label, &['\\', '|', '<', '*', '_', '`', '['])).collect();
    if let (None | Some(By::File), false, Some(path)) = (by, row.is_sum, row.labels.last()) {
        let last = cells.len() - 1;
        cells[last] = format!("`{}`", escape(path, &['|']));
    }
    cells
}

fn cells(by: Option<By>, row: &Row, labels: Vec<String>, own_lines: bool) -> Vec<String> {
    let mut cells = match (by, &labels[..]) {
        // A commit stands above its files.
        (None, [commit, summary, file]) if file.is_empty() => {
            vec![format!("{commit} {summary}").trim().into(), String::new()]
        }
        (None, [.., file]) => vec![String::new(), file.clone()],
        _ => labels,
    };
    if !row.note.is_empty()
        && let Some(last) = cells.iter_mut().rfind(|cell| !cell.is_empty())
    {
        *last = format!("{last} ({})", row.note);
    }
    let Counts { added, effective, matched, moved } = row.counts;
    if own_lines {
        cells.extend([added, effective].map(|count| count.to_string()));
    }
    cells.extend([matched, moved].map(|count| count.to_string()));
    cells.push(row.counts.share().map_or_else(|| "–".into(), |share| format!("{} {}", percent(share), bar(share))));
    cells
}

fn csv(output: &mut Vec<u8>, by: Option<By>, report: &Report) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(output);
    let own_lines = has_own_lines(by);
    let mut header = labels(by).to_vec();
    header.extend(if own_lines {
        &["added", "effective", "matched", "moved", "share", "note"][..]
    } else {
        &["matched", "moved", "share"]
    });
    writer.write_record(&header)?;
    for row in rows(by, report).into_iter().filter(|row| !row.is_sum) {
        let Counts { added, effective, matched, moved } = row.counts;
        let mut record = row.labels;
        if own_lines {
            record.extend([added, effective].map(|count| count.to_string()));
        }
        record.extend([matched, moved].map(|count| count.to_string()));
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
    let total = Counts {
        added: marks.len() as u64,
        effective: marks.iter().filter(|mark| mark.is_effective).count() as u64,
        matched: of(Match::Matched),
        moved: of(Match::Moved),
    };
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
            writeln!(output, "**{path}**: {}\n\n```", sentence(total))?;
            text(output, content, marks)?;
            writeln!(output, "```")?;
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
        };
        let thread = mark.thread_id.as_deref().unwrap_or_default();
        Some(format!("{sign} {thread} {}", mark.model_slug.as_deref().unwrap_or_default()).trim_end().to_owned())
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
