//! Numbers as people read them. What is not known is a dash, never a zero.

use std::borrow::Cow;

use turnledger_archive::report::{Amount, Number, Row, Unit};

pub(super) const UNKNOWN: &str = "–";

/// A number of a row, with `≥` before it if it leaves something out.
pub(super) fn number(row: &Row, number: Number) -> String {
    let Some(amount) = row.get(number) else { return UNKNOWN.into() };
    let text = self::amount(number.unit(), amount);
    if is_lower_bound(row, number) { format!("≥ {text}") } else { text }
}

pub(super) fn is_lower_bound(row: &Row, number: Number) -> bool {
    row.get(number).is_some() && row.gap(number).is_some() && number.lower_bound().is_some()
}

pub(super) fn amount(unit: Unit, amount: Amount) -> String {
    match (unit, amount) {
        (Unit::Milliseconds, Amount::Whole(ms)) => duration(ms),
        (Unit::Tokens, Amount::Whole(tokens)) => short(tokens),
        (_, Amount::Whole(count)) => self::count(count),
        (Unit::Dollars, Amount::Real(dollars)) => self::dollars(dollars),
        (_, Amount::Real(share)) => percent(share),
        (_, amount) => amount.real().to_string(),
    }
}

/// `1,234,567`
pub(in crate::commands::report) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `9,876`, `12.3 k`, `4.56 M`, `789 M`, `1.23 G`
pub(super) fn short(count: u64) -> String {
    if count < 10_000 {
        return self::count(count);
    }
    let mut value = Amount::Whole(count).real();
    for unit in ["k", "M", "G"] {
        value /= 1000.0;
        if value < 999.5 || unit == "G" {
            let digits = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
            return format!("{value:.digits$} {unit}");
        }
    }
    self::count(count)
}

/// `850 ms`, `2.34 s`, `51.2 s`, `3 min 20 s`, `9 h 12 min`
pub(super) fn duration(ms: u64) -> String {
    let seconds = ms.saturating_add(500) / 1000;
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..10_000 => format!("{:.2} s", Amount::Whole(ms).real() / 1000.0),
        10_000..60_000 => format!("{:.1} s", Amount::Whole(ms).real() / 1000.0),
        _ if seconds < 3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", count(seconds / 3600), seconds % 3600 / 60),
    }
}

/// `7.3 %`, `91 %`
pub(in crate::commands::report) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let digits = usize::from(percent > 0.0 && percent < 9.95);
    format!("{percent:.digits$} %")
}

/// `$61.20`; less than a dollar has more digits.
fn dollars(dollars: f64) -> String {
    if dollars < 1.0 && dollars > 0.0 { format!("${dollars:.4}") } else { format!("${dollars:.2}") }
}

/// A part of something; `None` if either is unknown, or there is nothing.
pub(in crate::commands::report) fn share(part: Option<u64>, whole: Option<u64>) -> Option<f64> {
    let (part, whole) = (part?, whole.filter(|whole| *whole > 0)?);
    Some(Amount::Whole(part).real() / Amount::Whole(whole).real())
}

/// A text that can do nothing to a terminal or a table.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        let escape = |c: char| if c.is_control() { c.escape_default().collect() } else { String::from(c) };
        Cow::Owned(text.chars().map(escape).collect())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_at_a_glance() {
        let counts = [0, 999, 1000, 1_234_567].map(count);
        assert_eq!(counts, ["0", "999", "1,000", "1,234,567"]);
        let tokens = [9_999, 10_000, 99_949, 99_950, 999_499, 999_500, 48_200_000, 2_000_000_000_000].map(short);
        assert_eq!(tokens, ["9,999", "10.0 k", "99.9 k", "100 k", "999 k", "1.00 M", "48.2 M", "2000 G"]);
        let durations = [0, 999, 2345, 51_200, 60_000, 3_599_499, 3_599_500, 33_120_000].map(duration);
        let texts = ["0 ms", "999 ms", "2.35 s", "51.2 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "9 h 12 min"];
        assert_eq!(durations, texts);
        assert_eq!([0.0, 0.0733, 0.0996, 1.0].map(percent), ["0 %", "7.3 %", "10 %", "100 %"]);
        assert_eq!([0.0, 0.0123, 61.2].map(dollars), ["$0.00", "$0.0123", "$61.20"]);
    }
}
