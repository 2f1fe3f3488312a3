//! A report for a terminal.

use console::{Alignment, measure_text_width, pad_str, style, truncate_str};
use turnledger_archive::report::{By, Number, Report, Row};

use super::overview::{self, Line};
use super::sheet::{Column, bars, columns, gaps, key};
use super::words::{self, count};
use super::{Look, chart};
use crate::commands::report::period;

/// Where the numbers of the overview end.
const LABELS: usize = 18;
const VALUES: usize = 12;
/// The most rows of what has no order of time.
const MOST_ROWS: usize = 40;
const WIDEST_BAR: usize = 20;
const NARROWEST_BAR: usize = 4;
const SHORTEST_KEY: usize = 8;

/// A report as text. `notes` are further sentences about it.
pub(in crate::commands::report) fn table(report: &Report, notes: &[String], look: Look) -> String {
    let mut page = Page { text: String::new(), look, has_lower_bounds: false };
    page.bold(&heading(report));
    if let Some(by) = report.query.by {
        page.blank();
        let columns = page.sheet(by, &report.rows, Some(&report.total), report);
        let gaps = gaps(&columns, report);
        if !gaps.is_empty() {
            page.blank();
        }
        for gap in gaps {
            page.faint(&gap);
        }
    } else {
        page.blank();
        page.lines(&overview::work(report));
        page.trend(report);
        if !report.models.is_empty() {
            page.blank();
            page.sheet(By::Model, &report.models, None, report);
        }
        if !report.tool_kinds.is_empty() {
            page.blank();
            page.sheet(By::ToolKind, &report.tool_kinds, Some(&report.total), report);
        }
        page.blank();
        page.lines(&overview::others(report));
    }
    let missing: Vec<_> = notes.iter().cloned().chain(overview::missing(report)).collect();
    if !missing.is_empty() || page.has_lower_bounds {
        page.blank();
    }
    for sentence in missing {
        page.faint(&sentence);
    }
    if page.has_lower_bounds {
        page.faint("≥ can be more: `turnledger report --explain NUMBER` says why.");
    }
    page.text
}

/// From when to when it is.
pub(super) fn heading(report: &Report) -> String {
    let (query, zone) = (&report.query, &report.query.time_zone);
    match query.since.zip(query.until) {
        Some((since, until)) => period::words(since, until, zone),
        None => match report.span {
            Some((first, last)) => {
                let last = turnledger_core::UnixMillis(last.0.saturating_add(1));
                format!("All events: {}", period::words(first, last, zone))
            }
            None => "All events".into(),
        },
    }
}

struct Page {
    text: String,
    look: Look,
    has_lower_bounds: bool,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    fn bold(&mut self, text: &str) {
        let text = style(self.plain(text)).bold().force_styling(self.look.is_styled).to_string();
        self.line(&text);
    }

    /// What may be passed over, in lines that fit.
    fn faint(&mut self, text: &str) {
        let text = self.plain(text);
        for line in wrapped(text.split(' ').map(ToOwned::to_owned), " ", self.look.width) {
            let line = self.dim(&line);
            self.line(&line);
        }
    }

    fn dim(&self, text: &str) -> String {
        style(text).dim().force_styling(self.look.is_styled).to_string()
    }

    /// A text that the terminal can show.
    fn plain(&self, text: &str) -> String {
        if self.look.is_unicode {
            return text.to_owned();
        }
        text.replace('≥', ">=").replace('–', "-").replace('…', "...")
    }

    fn number(&mut self, text: &str) -> String {
        self.has_lower_bounds |= text.starts_with('≥');
        self.plain(text)
    }

    fn lines(&mut self, lines: &[Line]) {
        let beginning = LABELS + VALUES + 3;
        for Line { label, value, notes, gaps } in lines {
            let value = self.number(value);
            let room = self.look.width.saturating_sub(beginning).max(20);
            let notes: Vec<String> = notes.iter().map(|note| self.plain(note)).collect();
            let mut beside = wrapped(notes.into_iter(), ", ", room);
            for gap in gaps {
                let gap = self.plain(gap);
                match beside.last_mut() {
                    Some(line) if measure_text_width(line) + measure_text_width(&gap) + 2 <= room => {
                        line.push_str("  ");
                        line.push_str(&self.dim(&gap));
                    }
                    _ => {
                        let lines = wrapped(gap.split(' ').map(ToOwned::to_owned), " ", room);
                        beside.extend(lines.iter().map(|line| self.dim(line)));
                    }
                }
            }
            let mut beside = beside.into_iter();
            let value = style(pad_str(&value, VALUES, Alignment::Right, None)).bold();
            let value = value.force_styling(self.look.is_styled);
            self.line(&format!("{label:<LABELS$} {value}  {}", beside.next().unwrap_or_default()));
            for more in beside {
                self.line(&format!("{:beginning$}{more}", ""));
            }
        }
    }

    fn trend(&mut self, report: &Report) {
        let rows: Vec<&Row> = report.trend.iter().filter(|row| row.key.is_some()).collect();
        if rows.len() < 2 {
            return;
        }
        self.blank();
        let width = self.look.width.saturating_sub(LABELS + 2);
        for (number, what) in [(Number::Turns, "Turns"), (Number::Tokens, "Tokens")] {
            let value = |row: &&Row| row.get(number).map_or(0.0, turnledger_archive::report::Amount::real);
            let values: Vec<f64> = rows.iter().map(value).collect();
            let most = rows.iter().max_by(|a, b| value(a).total_cmp(&value(b)).then_with(|| b.key.cmp(&a.key)));
            let said = most.filter(|row| value(row) > 0.0).map(|row| {
                let key = row.key.as_deref().unwrap_or_default();
                format!("{} on {key}", words::number(row, number).trim_start_matches(['≥', ' ']))
            });
            let said = said.map(|said| format!("  most: {said}")).unwrap_or_default();
            let room = width.saturating_sub(measure_text_width(&said)).max(20);
            let (line, each) = chart::line(&values, room, self.look);
            let step = match (report.trend_by, each) {
                (By::Week, 1) => "a week".into(),
                (By::Week, each) => format!("in {each} weeks"),
                (_, 1) => "a day".into(),
                (_, each) => format!("in {each} days"),
            };
            let said = self.dim(&said);
            self.line(&format!("{:<LABELS$}  {line}{said}", format!("{what} {step}")));
        }
    }

    /// A table; returns its columns.
    fn sheet(&mut self, by: By, rows: &[Row], total: Option<&Row>, report: &Report) -> Vec<Column> {
        let columns = columns(by, report.query.prices.is_some());
        let most = if by.is_time() { rows.len() } else { MOST_ROWS };
        let (shown, left) = rows.split_at(rows.len().min(most));
        let total = total.filter(|_| rows.len() > 1);
        let mut cells: Vec<Vec<String>> = Vec::new();
        for (row, label) in shown.iter().map(|row| (row, key(by, row))).chain(total.map(|row| (row, "total".into()))) {
            let mut texts = vec![self.plain(&label)];
            for column in &columns {
                let text = column.cell(row);
                texts.push(self.number(&text));
            }
            cells.push(texts);
        }
        let title = match by {
            By::ToolKind => "Tool calls",
            By::Model if report.query.by.is_none() => "Models",
            other => other.id(),
        };
        let mut header = vec![title];
        header.extend(columns.iter().map(|column| column.header()));
        let widths: Vec<usize> = (0..header.len())
            .map(|column| {
                let cells = cells.iter().map(|row| measure_text_width(&row[column]));
                cells.chain([measure_text_width(header[column])]).max().unwrap_or_default()
            })
            .collect();
        let numbers: usize = widths[1..].iter().map(|width| width + 2).sum();
        let room = self.look.width.saturating_sub(numbers).max(SHORTEST_KEY);
        // Bars beside bars: the two tables of the overview begin theirs at the same place, if there is room.
        let label = widths[0].max(LABELS.min(room)).min(room);
        let bar = self.look.width.saturating_sub(label + numbers + 2).min(WIDEST_BAR);
        let bar = if bar < NARROWEST_BAR { 0 } else { bar };
        let number = bars(by);
        let value = |row: &Row| row.get(number).map_or(0.0, turnledger_archive::report::Amount::real);
        let most = shown.iter().map(value).fold(0.0, f64::max);
        let heading = self.row(&header, label, &widths, "");
        let (title, names) = heading.split_at_checked(title.len()).unwrap_or((&heading, ""));
        let title = style(title).bold().force_styling(self.look.is_styled);
        let heading = format!("{title}{}", self.dim(names.trim_end()));
        self.line(&heading);
        for (index, texts) in cells.iter().enumerate() {
            let bar = match shown.get(index) {
                Some(row) if most > 0.0 && bar > 0 => chart::bar(value(row) / most, bar, self.look),
                _ => String::new(),
            };
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let line = self.row(&texts, label, &widths, &bar);
            self.line(&line);
        }
        if !left.is_empty() {
            let more = u64::try_from(left.len()).unwrap_or(u64::MAX);
            self.faint(&format!("and {} more: --format csv has all of them", count(more)));
        }
        columns
    }

    fn row(&self, texts: &[&str], label: usize, widths: &[usize], bar: &str) -> String {
        let tail = if self.look.is_unicode { "…" } else { "..." };
        let first = truncate_str(texts.first().copied().unwrap_or_default(), label, tail);
        let mut line = pad_str(&first, label, Alignment::Left, None).into_owned();
        for (text, width) in texts.iter().zip(widths).skip(1) {
            line.push_str("  ");
            line.push_str(&pad_str(text, *width, Alignment::Right, None));
        }
        line + "  " + bar
    }
}

/// Pieces in lines of a width, as many as a line takes.
fn wrapped(pieces: impl Iterator<Item = String>, between: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces {
        match lines.last_mut() {
            Some(line) if measure_text_width(line) + measure_text_width(&piece) + between.len() <= width => {
                line.push_str(between);
                line.push_str(&piece);
            }
            Some(line) => {
                line.push_str(between.trim_end());
                lines.push(piece);
            }
            None => lines.push(piece),
        }
    }
    lines
}
