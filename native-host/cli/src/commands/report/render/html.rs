//! A report as one page, which needs neither a server nor a script.

use std::fmt::{self, Write};

use turnledger_archive::report::{Amount, By, Number, Report, Row};

use super::overview::{self, Line};
use super::sheet::{self, bars, columns, gaps, key};
use super::table::heading;
use super::words;

const STYLE: &str = include_str!("page.css");

/// A report as an HTML page of its own. `notes` are further sentences about it.
pub(in crate::commands::report) fn html(report: &Report, notes: &[String]) -> String {
    let mut page = String::new();
    // To write to a string does not fail.
    let _ = write(&mut page, report, notes);
    page
}

fn write(page: &mut String, report: &Report, notes: &[String]) -> fmt::Result {
    let heading = Text(&heading(report)).to_string();
    write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{heading} – Turnledger</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{heading}</h1>\n\
         <p class=\"soft\">Made by Turnledger {} from {} events. A number with ≥ can be more: what it leaves out stands \
         beside it.</p>\n",
        env!("CARGO_PKG_VERSION"),
        words::count(report.events),
    )?;
    tiles(page, overview::work(report).into_iter().chain(overview::others(report)))?;
    let sentences: Vec<_> = notes.iter().cloned().chain(overview::missing(report)).collect();
    if !sentences.is_empty() {
        page.push_str("<section aria-labelledby=\"notes\">\n<h2 id=\"notes\">What is missing</h2>\n<ul>\n");
        sentences.iter().try_for_each(|sentence| writeln!(page, "<li>{}</li>", Text(sentence)))?;
        page.push_str("</ul>\n</section>\n");
    }
    trend(page, report)?;
    if let Some(by) = report.query.by {
        section(page, by, "rows", &format!("By {}", by.id()), &report.rows, report)?;
    }
    if report.query.by != Some(By::Model) {
        section(page, By::Model, "models", "Models", &report.models, report)?;
    }
    if report.query.by != Some(By::Tool) {
        section(page, By::ToolKind, "tools", "Tool calls", &report.tool_kinds, report)?;
    }
    numbers(page, report)?;
    page.push_str("</main>\n</body>\n</html>\n");
    Ok(())
}

/// What is seen first.
fn tiles(page: &mut String, lines: impl Iterator<Item = Line>) -> fmt::Result {
    page.push_str("<dl class=\"tiles\">\n");
    for Line { label, value, notes, gaps } in lines {
        write!(page, "<div><dt>{}</dt><dd class=\"value\">{}</dd>", Text(label), Text(&value))?;
        for beside in notes.iter().chain(&gaps) {
            write!(page, "<dd class=\"soft\">{}</dd>", Text(beside))?;
        }
        page.push_str("</div>\n");
    }
    page.push_str("</dl>\n");
    Ok(())
}

/// Charts of days or weeks, and the same as a table.
fn trend(page: &mut String, report: &Report) -> fmt::Result {
    let rows: Vec<&Row> = report.trend.iter().filter(|row| row.key.is_some()).collect();
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(()) };
    let each = report.trend_by.id();
    writeln!(page, "<section aria-labelledby=\"trend\">\n<h2 id=\"trend\">Each {each}</h2>")?;
    let ends = [first, last].map(|row| Text(row.key.as_deref().unwrap_or_default()).to_string());
    chart(page, &rows, &ends, "Turns", Number::Turns, Some(Number::TurnsFailed))?;
    chart(page, &rows, &ends, "Tokens", Number::Tokens, None)?;
    writeln!(page, "<details><summary>Each {each} as a table</summary>")?;
    table(page, report.trend_by, &format!("What happened each {each}"), &report.trend, report)?;
    page.push_str("</details>\n</section>\n");
    Ok(())
}

/// The height of a chart in its own units; a column is one wide.
const HEIGHT: f64 = 100.0;

fn chart(
    page: &mut String,
    rows: &[&Row],
    ends: &[String; 2],
    name: &str,
    number: Number,
    within: Option<Number>,
) -> fmt::Result {
    let real = |row: &Row, number| row.get(number).map_or(0.0, Amount::real);
    let most = rows.iter().filter_map(|row| row.get(number)).max_by(|a, b| a.real().total_cmp(&b.real()));
    let Some(most) = most.filter(|most| most.real() > 0.0) else { return Ok(()) };
    let (class, count) = (if number == Number::Tokens { "tokens" } else { "turns" }, rows.len());
    let said = words::amount(number.unit(), most);
    let failed = within.map_or("", |_| "; those that failed are red");
    write!(
        page,
        "<div class=\"chart\" style=\"max-width: {}em\"><h3>{name}, {said} at most{failed}</h3>\n\
         <svg viewBox=\"0 0 {count} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{name} from {} to {}, \
         {said} at most; the table below has each\">",
        // A few columns are no walls.
        (count * 5).max(28),
        ends[0],
        ends[1],
    )?;
    for (x, row) in rows.iter().enumerate() {
        for (class, number) in [(class, Some(number)), ("failed", within)] {
            let Some(number) = number else { continue };
            let height = real(row, number) / most.real() * (HEIGHT - 2.0);
            if height > 0.0 {
                let (height, y) = (height.max(1.0), HEIGHT - height.max(1.0));
                write!(
                    page,
                    "<rect class=\"{class}\" x=\"{x}.1\" y=\"{y:.2}\" width=\".8\" height=\"{height:.2}\"><title>{}: {}</title></rect>",
                    Text(row.key.as_deref().unwrap_or_default()),
                    words::number(row, number),
                )?;
            }
        }
    }
    let [from, to] = ends;
    writeln!(
        page,
        "<line class=\"floor\" x1=\"0\" x2=\"{count}\" y1=\"{HEIGHT}\" y2=\"{HEIGHT}\"/></svg>\n\
         <div class=\"ends\"><span>{from}</span><span>{to}</span></div></div>"
    )
}

fn section(page: &mut String, by: By, id: &str, name: &str, rows: &[Row], report: &Report) -> fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    let name = Text(name).to_string();
    writeln!(page, "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{name}</h2>")?;
    table(page, by, "", rows, report)?;
    for gap in gaps(&columns(by, report.query.prices.is_some()), report) {
        writeln!(page, "<p class=\"soft\">{}</p>", Text(&gap))?;
    }
    page.push_str("</section>\n");
    Ok(())
}

/// A table with a row for each thing, and a bar in each.
fn table(page: &mut String, by: By, caption: &str, rows: &[Row], report: &Report) -> fmt::Result {
    let (columns, bar) = (columns(by, report.query.prices.is_some()), bars(by));
    let name = if by == By::ToolKind { "tool" } else { by.id() };
    let caption = if caption.is_empty() { format!("A row for each {name}") } else { caption.to_owned() };
    write!(
        page,
        "<div class=\"scroll\" role=\"region\" aria-label=\"{caption}, to be scrolled\" tabindex=\"0\"><table><caption>{caption}</caption>\n\
         <thead><tr><th scope=\"col\">{name}</th>",
    )?;
    columns.iter().try_for_each(|column| write!(page, "<th scope=\"col\">{}</th>", Text(column.header())))?;
    writeln!(page, "<th scope=\"col\" class=\"bar\">{}</th></tr></thead>\n<tbody>", Text(&bar.label().to_lowercase()))?;
    let real = |row: &Row| row.get(bar).map_or(0.0, Amount::real);
    let most = rows.iter().map(real).fold(0.0, f64::max);
    for row in rows {
        cells(page, &key(by, row), row, &columns)?;
        let width = if most > 0.0 { real(row) / most * HEIGHT } else { 0.0 };
        let class = if bar == Number::Tokens { "tokens" } else { "turns" };
        writeln!(
            page,
            "<td class=\"bar\"><svg viewBox=\"0 0 {HEIGHT} 1\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
             <rect class=\"{class}\" width=\"{width:.2}\" height=\"1\"/></svg></td></tr>"
        )?;
    }
    page.push_str("</tbody>\n");
    if rows.len() > 1 && !by.is_time() {
        page.push_str("<tfoot>");
        cells(page, "total", &report.total, &columns)?;
        page.push_str("<td class=\"bar\"></td></tr></tfoot>\n");
    }
    page.push_str("</table></div>\n");
    Ok(())
}

/// Begins a table's row.
fn cells(page: &mut String, name: &str, row: &Row, columns: &[sheet::Column]) -> fmt::Result {
    write!(page, "<tr><th scope=\"row\">{}</th>", Text(name))?;
    columns.iter().try_for_each(|column| write!(page, "<td>{}</td>", Text(&column.cell(row))))
}

/// Every number with its definition.
fn numbers(page: &mut String, report: &Report) -> fmt::Result {
    page.push_str(
        "<section aria-labelledby=\"numbers\">\n<h2 id=\"numbers\">Every number</h2>\n<details><summary>What each \
         number is, and what it leaves out</summary>\n<div class=\"scroll\" role=\"region\" aria-label=\"Table of every number\" \
         tabindex=\"0\"><table class=\"numbers\"><caption>The numbers of the whole report</caption>\n<thead><tr><th scope=\"col\">number</th>\
         <th scope=\"col\">value</th><th scope=\"col\" class=\"text\">what it is</th></tr></thead>\n<tbody>\n",
    );
    for number in Number::ALL {
        let gap = report.total.gap(*number).map(|gap| format!(" {gap}.")).unwrap_or_default();
        let why = number.lower_bound().filter(|_| !gap.is_empty()).map(|why| format!(" {why}")).unwrap_or_default();
        writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"text\">{}<span class=\"soft\">{}{}</span></td></tr>",
            Text(number.id()),
            words::number(&report.total, *number),
            Text(number.definition()),
            Text(&gap),
            Text(&why),
        )?;
    }
    page.push_str("</tbody>\n</table></div>\n</details>\n</section>\n");
    Ok(())
}

/// A text that means nothing to a browser, also within the quotes of an attribute.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => formatter.write_str("&amp;")?,
                '<' => formatter.write_str("&lt;")?,
                '>' => formatter.write_str("&gt;")?,
                '"' => formatter.write_str("&quot;")?,
                letter => formatter.write_char(letter)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn no_text_is_markup() {
        assert_eq!(Text("<b a=\"1\">&'").to_string(), "&lt;b a=&quot;1&quot;&gt;&amp;'");
    }
}
