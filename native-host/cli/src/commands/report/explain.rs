//! What each number is.

use std::fmt::Write;

use anyhow::bail;
use turnledger_archive::report::{By, Number};

const WIDTH: usize = 80;
const EACH: [By; 7] = [By::Day, By::Week, By::Model, By::Repository, By::Client, By::Thread, By::Tool];

/// What a number is; without one, what each of them is.
pub(super) fn text(number: Option<&str>) -> anyhow::Result<String> {
    let mut text = String::new();
    let Some(id) = number else {
        for number in Number::ALL {
            let _ = writeln!(text, "{} ({})", number.id(), number.unit());
            wrap(&mut text, number.definition());
        }
        return Ok(text);
    };
    let wanted = id.to_lowercase();
    let is_it = |number: &&Number| number.id() == wanted || number.label().to_lowercase() == wanted;
    let Some(number) = Number::ALL.iter().find(is_it) else {
        bail!("no number is called {id:?}: `turnledger report --explain` lists them");
    };
    let _ = writeln!(text, "{}: {} ({})", number.id(), number.label(), number.unit());
    wrap(&mut text, number.definition());
    if let Some(why) = number.lower_bound() {
        wrap(&mut text, &format!("It may be larger than it says (≥): {}", lower(why)));
    }
    let by = EACH.into_iter().filter(|by| by.has(*number)).map(By::id);
    wrap(&mut text, &format!("--by: {}.", by.collect::<Vec<_>>().join(", ")));
    Ok(text)
}

/// A sentence in the middle of another one; a name keeps its capital.
fn lower(sentence: &str) -> String {
    match sentence.strip_prefix("A") {
        Some(rest) if rest.starts_with([' ', 'n']) => format!("a{rest}"),
        _ => sentence.to_owned(),
    }
}

fn wrap(text: &mut String, sentence: &str) {
    let mut line = String::new();
    for word in sentence.split_whitespace() {
        if line.chars().count() + word.chars().count() + 3 > WIDTH {
            let _ = writeln!(text, "  {}", line.trim_end());
            line.clear();
        }
        line.push_str(word);
        line.push(' ');
    }
    let _ = writeln!(text, "  {}", line.trim_end());
}
