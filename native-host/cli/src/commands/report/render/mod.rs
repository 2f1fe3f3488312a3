//! A report, for people and for programs.

mod chart;
mod data;
mod html;
mod markdown;
mod overview;
mod sheet;
mod table;
mod words;

use std::env;

pub(super) use self::data::{csv, json};
pub(super) use self::html::html;
pub(super) use self::markdown::markdown;
pub(super) use self::table::table;
pub(super) use self::words::{count, percent, share};

/// What the output can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// In characters.
    width: usize,
    /// Whether it shows more than ASCII.
    is_unicode: bool,
    /// Whether it shows bold and faint letters.
    is_styled: bool,
}

/// Of what has no width of its own.
const WIDTH: usize = 80;
/// What is wider is hard to read.
const MOST: usize = 110;

impl Look {
    /// That of standard output, or of a file.
    pub(super) fn new(is_file: bool) -> Self {
        let terminal = console::Term::stdout().size_checked().filter(|_| !is_file);
        Self {
            width: terminal.map_or(WIDTH, |(_, width)| usize::from(width).clamp(40, MOST)),
            is_unicode: is_unicode(|name| env::var(name).ok()),
            is_styled: !is_file && console::colors_enabled(),
        }
    }
}

/// Whether the locale is one of UTF-8, as nearly all are. Without any it is taken for one.
fn is_unicode(variable: impl Fn(&str) -> Option<String>) -> bool {
    if variable("TERM").is_some_and(|term| term == "dumb") {
        return false;
    }
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
    set.is_none_or(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_says_whether_there_are_bars() {
        let look = |set: &[(&str, &str)]| {
            is_unicode(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };
        assert!(look(&[]));
        assert!(look(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "")]));
        assert!(look(&[("LC_ALL", "C.utf8"), ("LANG", "C")]));
        assert!(!look(&[("LANG", "C")]));
        assert!(!look(&[("LC_CTYPE", "de_DE.ISO-8859-1"), ("LANG", "de_DE.UTF-8")]));
        assert!(!look(&[("TERM", "dumb"), ("LANG", "de_DE.UTF-8")]));
    }
}
