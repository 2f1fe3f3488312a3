//! What an import found, by month and model.

use comfy_table::{CellAlignment, Table, presets};
use turnledger_intake::import::{Row, Summary};

/// A row for each month and model; a last one for all, if there are several.
pub(super) fn of(summary: &Summary) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["month", "model", "sessions", "turns", "tokens in", "tokens out", "accepted lines"]);
    for ((month, model), row) in &summary.rows {
        // A file may say anything.
        let model = model.replace(char::is_control, "");
        table.add_row(cells(month, if model.is_empty() { "-" } else { &model }, row));
    }
    if summary.rows.len() > 1 {
        let total = summary.rows.values().fold([0; 5], |total, row| {
            let mut counts = counts(row).into_iter();
            total.map(|sum: u64| sum + counts.next().unwrap_or(0))
        });
        let total = total.map(|count| count.to_string());
        table.add_row(["all", ""].map(ToOwned::to_owned).into_iter().chain(total));
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn counts(row: &Row) -> [u64; 5] {
    [row.sessions, row.turns, row.input_tokens, row.output_tokens, row.accepted_lines]
}

fn cells(month: &str, model: &str, row: &Row) -> Vec<String> {
    [month, model].map(ToOwned::to_owned).into_iter().chain(counts(row).map(|count| count.to_string())).collect()
}
