//! The table of `docs/compatibility.md`.

use super::parity::Parity;
use super::versions::number;

/// Where the page's table begins.
const HEAD: &str = "| Codex | sessions | messages | uploaded events | of these made | too many | fields compared | of these equal | members missing | events made | discards |
|---|---|---|---|---|---|---|---|---|---|---|
";

/// A row of the table.
fn row(parity: &Parity) -> String {
    let Parity { version, recordings, messages, made, discards, comparison, .. } = parity;
    let (sessions, total, [missing, _]) = (recordings.len(), comparison.total(), parity.members());
    let discards = discards.values().sum::<usize>();
    let judged = if total.real == 0 {
        "none | – | – | – | – | –".to_owned()
    } else {
        let crate::compare::Row { real, matched, extra, compared, equal, .. } = total;
        format!("{real} | {matched} | {extra} | {compared} | {equal} | {missing}")
    };
    format!("| {version} | {sessions} | {messages} | {judged} | {made} | {discards} |\n")
}

/// The page with the rows of these versions, which replace those that it has. `None` if it has no such table.
pub fn updated(page: &str, parities: &[Parity]) -> Option<String> {
    let (before, table) = page.split_once(HEAD)?;
    let end = table.lines().take_while(|line| line.starts_with('|')).map(|line| line.len() + 1).sum::<usize>();
    let (table, after) = table.split_at(end.min(table.len()));
    let version = |row: &str| row.split('|').nth(1).map(|name| number(name.trim())).unwrap_or_default();
    let mut rows: Vec<String> = table.lines().map(|line| format!("{line}\n")).collect();
    rows.retain(|row| parities.iter().all(|parity| number(&parity.version) != version(row)));
    rows.extend(parities.iter().map(row));
    rows.sort_by_key(|row| version(row));
    Some([before, HEAD, &rows.concat(), after].concat())
}

#[cfg(test)]
mod tests {
    use super::super::vocabulary::Names;
    use super::{HEAD, Parity, updated};
    use crate::compare::{Comparison, Row};

    fn parity(version: &str, row: Row) -> Parity {
        let mut comparison = Comparison::default();
        comparison.rows.insert("e".into(), row);
        let (protocol, discards) = (Names::new(), [("turn: why".to_owned(), 1)].into());
        Parity { version: version.into(), recordings: Vec::new(), comparison, messages: 7, made: 3, discards, protocol }
    }

    #[test]
    fn rows_are_replaced_and_sorted() {
        let row = Row { real: 5, matched: 4, extra: 1, compared: 9, equal: 8, approximate: 2 };
        let page = format!("# Page\n\n{HEAD}| 0.9.0 | old |\n| 0.131.0 | old |\n\nMore.\n");
        let now = updated(&page, &[parity("0.131.0", row), parity("0.104.0", Row::default())]);
        let rows = "| 0.9.0 | old |
| 0.104.0 | 0 | 7 | none | – | – | – | – | – | 3 | 1 |
| 0.131.0 | 0 | 7 | 5 | 4 | 1 | 9 | 8 | 0 | 3 | 1 |
";
        assert_eq!(now, Some(format!("# Page\n\n{HEAD}{rows}\nMore.\n")));
        assert_eq!(updated("# Page\n", &[]), None);
    }
}
