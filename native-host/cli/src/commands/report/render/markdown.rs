//! A report as Markdown.

use comfy_table::{CellAlignment, Table, presets};
use turnledger_archive::report::{By, Report, Row};

use super::overview::{self, Line};
use super::sheet::{columns, gaps, key};
use super::table::heading;

/// A report as Markdown with tables. `notes` are further sentences about it.
pub(in crate::commands::report) fn markdown(report: &Report, notes: &[String]) -> String {
    let mut parts = vec![format!("## {}", heading(report))];
    if let Some(by) = report.query.by {
        parts.push(sheet(by, by.id(), &report.rows, Some(&report.total), report));
        let gaps = gaps(&columns(by, report.query.prices.is_some()), report);
        parts.extend(list(&gaps));
    } else {
        parts.push(lines(overview::work(report)));
        if !report.models.is_empty() {
            parts.push(sheet(By::Model, "model", &report.models, None, report));
        }
        if !report.tool_kinds.is_empty() {
            parts.push(sheet(By::ToolKind, "tool calls", &report.tool_kinds, Some(&report.total), report));
        }
        parts.push(lines(overview::others(report)));
    }
    parts.extend(list(&[notes, &overview::missing(report)].concat()));
    let mut text = parts.join("\n\n");
    if text.contains('≥') {
        text.push_str("\n\n≥: it can be more; `turnledger report --explain NUMBER` says why.");
    }
    text + "\n"
}

fn list(sentences: &[String]) -> Option<String> {
    let lines: Vec<String> = sentences.iter().map(|sentence| format!("- {}", plain(sentence))).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A text without meaning for Markdown.
fn plain(text: &str) -> String {
    text.chars().fold(String::new(), |mut plain, c| {
        if matches!(c, '|' | '*' | '_' | '`' | '[' | ']' | '<' | '>' | '\\' | '#') {
            plain.push('\\');
        }
        plain.push(c);
        plain
    })
}

fn lines(lines: Vec<Line>) -> String {
    let mut table = table(["", "", ""].map(ToOwned::to_owned).into(), 1..2);
    for Line { label, value, notes, gaps } in lines {
        let notes = notes.join(", ");
        let beside: Vec<String> = [notes].into_iter().filter(|notes| !notes.is_empty()).chain(gaps).collect();
        table.add_row([label.to_owned(), value, plain(&beside.join("; "))]);
    }
    table.to_string()
}

fn sheet(by: By, name: &str, rows: &[Row], total: Option<&Row>, report: &Report) -> String {
    let columns = columns(by, report.query.prices.is_some());
    let mut header = vec![name.to_owned()];
    header.extend(columns.iter().map(|column| column.header().to_owned()));
    let width = header.len();
    let mut table = table(header, 1..width);
    let total = total.filter(|_| rows.len() > 1).map(|row| (row, "total".to_owned()));
    for (row, label) in rows.iter().map(|row| (row, plain(&key(by, row)))).chain(total) {
        table.add_row([label].into_iter().chain(columns.iter().map(|column| column.cell(row))));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        if index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

fn table(header: Vec<String>, right: std::ops::Range<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(header);
    for index in right {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
