//! A table with a row for each thing.

use turnledger_archive::report::{By, Number, Report, Row, tool_kind_label};

use super::words::{self, percent, share};

/// A column of a table for people.
#[derive(Clone, Copy, Debug)]
pub(super) enum Column {
    /// A number, and its name in the table.
    Number(Number, &'static str),
    /// The part of the input that was cached.
    Cached,
}

impl Column {
    pub(super) const fn header(self) -> &'static str {
        match self {
            Self::Number(_, header) => header,
            Self::Cached => "cached",
        }
    }

    pub(super) fn cell(self, row: &Row) -> String {
        match self {
            Self::Number(number, _) => words::number(row, number),
            Self::Cached => {
                let share = share(row.whole(Number::CachedTokens), row.whole(Number::InputTokens));
                share.map_or_else(|| words::UNKNOWN.into(), percent)
            }
        }
    }
}

/// The columns of a table.
pub(super) fn columns(by: By, has_prices: bool) -> Vec<Column> {
    let mut columns = match by {
        By::Model => vec![
            Column::Number(Number::Turns, "turns"),
            Column::Number(Number::InputTokens, "input"),
            Column::Cached,
            Column::Number(Number::OutputTokens, "output"),
            Column::Number(Number::ReasoningTokens, "reasoning"),
        ],
        By::Tool | By::ToolKind => {
            return vec![
                Column::Number(Number::Calls, "calls"),
                Column::Number(Number::CallsFailed, "failed"),
                Column::Number(Number::CallFailureRate, "rate"),
                Column::Number(Number::CallsRejected, "refused"),
                Column::Number(Number::CallTime, "time"),
            ];
        }
        _ => vec![
            Column::Number(Number::Sessions, "sessions"),
            Column::Number(Number::Turns, "turns"),
            Column::Number(Number::TurnsFailed, "failed"),
            Column::Number(Number::TurnTime, "time"),
            Column::Number(Number::Tokens, "tokens"),
            Column::Number(Number::Calls, "calls"),
            Column::Number(Number::AddedLines, "lines"),
        ],
    };
    if by == By::Thread {
        // It is one session; and its whole id must have room.
        columns.retain(|column| {
            !matches!(column, Column::Number(Number::Sessions | Number::TurnsFailed | Number::AddedLines, _))
        });
    }
    if has_prices {
        columns.push(Column::Number(Number::Cost, "cost"));
    }
    columns
}

/// The number whose bars a table has.
pub(super) const fn bars(by: By) -> Number {
    match by {
        By::Tool | By::ToolKind => Number::Calls,
        _ => Number::Tokens,
    }
}

/// What people call a row. The hash of a repository is told apart by its beginning.
pub(super) fn key(by: By, row: &Row) -> String {
    let Some(key) = &row.key else {
        return match by {
            By::Thread => "without a thread".into(),
            By::Day | By::Week => "without a time".into(),
            _ => "unknown".into(),
        };
    };
    match by {
        By::ToolKind => tool_kind_label(key).into(),
        By::Repository => words::printable(key).chars().take(12).collect(),
        _ => words::printable(key).into_owned(),
    }
}

/// What the columns of a report leave out, each thing once.
pub(super) fn gaps(columns: &[Column], report: &Report) -> Vec<String> {
    let mut gaps: Vec<(String, Vec<&str>)> = Vec::new();
    for column in columns {
        let Column::Number(number, header) = column else { continue };
        let Some(gap) = report.total.gap(*number).map(|gap| gap.to_string()) else { continue };
        match gaps.iter_mut().find(|(known, _)| *known == gap) {
            Some((_, headers)) => headers.push(header),
            None => gaps.push((gap, vec![header])),
        }
    }
    gaps.into_iter().map(|(gap, headers)| format!("{}: {gap}", headers.join(", "))).collect()
}
