//! `codex_plugin_measurement_event` (`docs/contract/events.md`).

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};

use super::common::event_structs;
use crate::id::Id;
use crate::json::read::{Failed, Read, Reader};
use crate::json::schema::json_schemas;
use crate::json::write::Write;
use crate::protocol::Known;
use crate::protocol::enums::ReasoningEffort;

/// A finite number, as the text that says it: it is passed on and never calculated with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(String);

impl Number {
    /// The number; `None` if it is not finite.
    pub fn new(number: f64) -> Option<Self> {
        number.is_finite().then(|| Self(number.to_string()))
    }

    /// The number's JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Write for Number {
    fn write(&self, text: &mut String) {
        text.push_str(&self.0);
    }
}

impl Read<'_> for Number {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        let raw = reader.raw()?;
        // A longer one is no measurement, and an exponent may lead beyond what is finite.
        let is_number = raw.len() <= 32 && raw.bytes().all(|byte| byte.is_ascii_digit() || b"-.".contains(&byte));
        if is_number { Ok(Self(raw.into())) } else { Err(reader.unlike("a number")) }
    }
}

json_schemas! {
    Number: { "type": "number" },
}

event_structs! {
    /// What a measurement is of.
    #[derive(Default, Eq)]
    #[expect(clippy::exhaustive_structs, reason = "a fact has it, whose literal ends in `..default()`")]
    MeasuredCall {
        /// The thread. Source: the fact.
        thread_id: Id,
        /// The turn. Source: the fact.
        turn_id: Id,
        /// The item. Source: the fact.
        item_id: Id,
        /// What started the thread. Source: the fact.
        originator: Id,
        /// The turn's model. Null when it is unknown. Source: the fact.
        model_slug: Option<Id>,
        /// How much the model was asked to reason. Null when it is unknown. Source: the fact.
        reasoning_effort: Known<ReasoningEffort>,
        /// The plugin. Source: the fact.
        plugin_id: Id,
        /// The run of the plugin's code. Source: the fact.
        execution_id: Id,
        /// What the plugin did. One word. Source: the fact.
        operation: Id,
    }

    /// One number that a plugin measured.
    #[derive(Eq)]
    #[expect(clippy::exhaustive_structs, reason = "a fact has it, written as a literal")]
    Measurement {
        /// What was measured. One word. Source: the fact.
        measurement_name: Id,
        /// The number, in the unit that its name says. Source: the fact.
        number_value: Number,
        /// What the number is of, word by word, at most eight. Null where there is nothing. Source: the fact.
        dimensions: Option<BTreeMap<Id, Id>>,
    }

    /// A plugin measured something.
    #[non_exhaustive]
    PluginMeasurementEvent {
        /// What it is of.
        #[serde(flatten)]
        call: MeasuredCall,
        /// The number.
        #[serde(flatten)]
        measurement: Measurement,
    }
}

/// Whether it is a word by which a plugin may measure: a small letter, then small letters, digits and `_`, at most 64.
pub(crate) fn is_word(text: &str) -> bool {
    let is_of_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.len() <= 64 && text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(is_of_word)
}

impl Measurement {
    /// Whether its words are words, and its dimensions at most eight.
    pub(crate) fn is_valid(&self) -> bool {
        let dimensions = || self.dimensions.iter().flatten();
        is_word(&self.measurement_name)
            && dimensions().count() <= 8
            && dimensions().all(|(name, value)| is_word(name) && is_word(value))
    }
}

#[cfg(test)]
mod tests {
    use super::{Number, is_word};
    use crate::json::{read, write};

    #[test]
    fn numbers_keep_their_text() {
        for text in ["0", "-1.5", "1795853163605.25"] {
            let number: Number = read::from_str(text).unwrap();
            assert_eq!(write::to_string(&number), text);
        }
        for text in ["1e999", "\"7\"", "null", "[1]", "123456789012345678901234567890123"] {
            assert!(read::from_str::<Number>(text).is_err(), "{text}");
        }
        assert_eq!(Number::new(0.25).as_ref().map(Number::as_str), Some("0.25"));
        assert_eq!(Number::new(f64::NAN), None);
    }

    #[test]
    fn words_of_measurements() {
        for word in ["a", "tokens_2", &"a".repeat(64)] {
            assert!(is_word(word), "{word}");
        }
        for word in ["", "A", "2a", "_a", "a-b", "a b", "/home", &"a".repeat(65)] {
            assert!(!is_word(word), "{word}");
        }
    }
}
