//! A report for programs: JSON and CSV.

use anyhow::Context;
use serde_json::{Map, Value, json};
use turnledger_archive::report::{Amount, By, Number, Report, Row};
use turnledger_core::UnixMillis;

use crate::commands::report::period::{moment, zone_name};
use crate::commands::report::standing::StillThere;

/// A report as one JSON object.
pub(in crate::commands::report) fn json(
    output: &mut Vec<u8>,
    report: &Report,
    standing: Option<&StillThere>,
) -> anyhow::Result<()> {
    let zone = &report.query.time_zone;
    let time = |time: Option<UnixMillis>| time.and_then(|time| moment(time, zone));
    let rows = |by: By, rows: &[Row]| rows.iter().map(|row| object(Some(by), row)).collect::<Value>();
    let missing = &report.missing;
    let price = |(model, turns): &(String, u64)| json!({ "model": model, "turns": turns });
    let value = json!({
        "since": time(report.query.since),
        "until": time(report.query.until),
        "time_zone": zone_name(zone),
        "events": report.events,
        "total": object(None, &report.total),
        "by": report.query.by.map(By::id),
        "rows": report.query.by.map(|by| rows(by, &report.rows)),
        "models": rows(By::Model, &report.models),
        "tool_kinds": rows(By::ToolKind, &report.tool_kinds),
        "trend": { "by": report.trend_by.id(), "rows": rows(report.trend_by, &report.trend) },
        "still_there": standing,
        "missing": {
            "events_without_time": missing.events_without_time,
            "events_of_later_versions": missing.events_of_later_versions,
            "sessions_without_beginning": missing.sessions_without_beginning,
            "models_without_price": missing.models_without_price.iter().map(price).collect::<Value>(),
            "models_with_higher_prices_for_large_requests": missing.models_with_tiers,
        },
    });
    serde_json::to_writer_pretty(&mut *output, &value).context("cannot write JSON")?;
    output.push(b'\n');
    Ok(())
}

fn numbers(by: Option<By>) -> impl Iterator<Item = Number> {
    Number::ALL.iter().copied().filter(move |number| by.is_none_or(|by| by.has(*number)))
}

fn object(by: Option<By>, row: &Row) -> Value {
    let mut object = Map::new();
    if let Some(by) = by {
        object.insert(by.id().into(), row.key.as_deref().into());
    }
    let mut gaps = Map::new();
    for number in numbers(by) {
        object.insert(number.id().into(), row.get(number).map_or(Value::Null, value));
        if let Some(gap) = row.gap(number) {
            let gap = json!({ "unknown": gap.unknown, "of": gap.of, "what": gap.what });
            gaps.insert(number.id().into(), gap);
        }
    }
    object.insert("gaps".into(), gaps.into());
    object.into()
}

fn value(amount: Amount) -> Value {
    match amount {
        Amount::Whole(whole) => whole.into(),
        amount => amount.real().into(),
    }
}

/// A line for each row, with a column for each number, and one for how much it leaves out where it can. Without rows a
/// line for each number.
pub(in crate::commands::report) fn csv(output: &mut Vec<u8>, report: &Report) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(output);
    let text = |row: &Row, number| row.get(number).map_or_else(String::new, |amount| value(amount).to_string());
    let unknown = |row: &Row, number| row.gap(number).map_or(0, |gap| gap.unknown).to_string();
    let Some(by) = report.query.by else {
        writer.write_record(["number", "value", "unit", "unknown", "of", "what"])?;
        for number in numbers(None) {
            let gap = report.total.gap(number);
            let of = gap.map_or_else(String::new, |gap| gap.of.to_string());
            let what = gap.map_or("", |gap| gap.what);
            let unit = number.unit().to_string();
            let (text, unknown) = (text(&report.total, number), unknown(&report.total, number));
            writer.write_record([number.id(), &text, &unit, &unknown, &of, what])?;
        }
        return writer.flush().context("cannot write CSV");
    };
    let has_gap = |number: &Number| number.lower_bound().is_some();
    let mut header = vec![by.id().to_owned()];
    header.extend(numbers(Some(by)).map(|number| number.id().to_owned()));
    header.extend(numbers(Some(by)).filter(has_gap).map(|number| format!("{}_unknown", number.id())));
    writer.write_record(&header)?;
    for row in &report.rows {
        let mut record = vec![row.key.clone().unwrap_or_default()];
        record.extend(numbers(Some(by)).map(|number| text(row, number)));
        record.extend(numbers(Some(by)).filter(has_gap).map(|number| unknown(row, number)));
        writer.write_record(&record)?;
    }
    writer.flush().context("cannot write CSV")
}
