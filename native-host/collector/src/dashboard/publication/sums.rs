//! Numbers that add up: of each the sum of what is known, and of how many it is not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use turnledger_archive::report::{Number, Row, Subject};

/// Numbers of which one is the difference of others, or nearly.
const FAMILIES: [&[&str]; 2] = [
    &["turns_completed", "turns_failed", "turns_interrupted"],
    &["tokens", "input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens"],
];

/// A number of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sum {
    /// What is known, added up.
    known: u64,
    /// Whether something that it should have is not known.
    is_lower_bound: bool,
    /// Of how many things it is not known, and how many there are; 0 where that does not add up.
    unknown: u64,
    of: u64,
}

impl Sum {
    const fn plus(self, other: Self) -> Self {
        Self {
            known: self.known.saturating_add(other.known),
            is_lower_bound: self.is_lower_bound || other.is_lower_bound,
            unknown: self.unknown + other.unknown,
            of: self.of + other.of,
        }
    }

    /// Null if nothing of it is known, and there is something.
    pub(super) fn value(self) -> Option<u64> {
        (self.known > 0 || !self.is_lower_bound || self.of > self.unknown).then_some(self.known)
    }

    /// Of how many things a lower bound does not know it, and of how many there are: `Some(None)` if that is unknown.
    pub(super) fn gap(self) -> Option<Option<(u64, u64)>> {
        self.is_lower_bound.then(|| (self.of > 0).then_some((self.unknown, self.of)))
    }
}

/// Numbers by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Sums(BTreeMap<String, Sum>);

impl Sums {
    /// The numbers of a row that are wanted and add up.
    pub(super) fn of_row(row: &Row, wanted: impl Fn(Number) -> bool) -> Self {
        let count = |of| row.whole(of).unwrap_or(0);
        let sum = |number: Number| {
            let gap = row.gap(number);
            let (unknown, of) = match (number.subject(), gap) {
                // A session may be in several cells: how many say nothing does not add up.
                (_, Some(gap)) if !["turns", "calls"].contains(&gap.what) => (0, 0),
                (_, Some(gap)) => (gap.unknown, gap.of),
                (Subject::Turns, None) => (0, count(Number::Turns)),
                (Subject::Calls, None) => (0, count(Number::Calls)),
                (_, None) => (0, 0),
            };
            Sum { known: count(number), is_lower_bound: gap.is_some(), unknown, of }
        };
        let numbers = Number::ALL.iter().copied().filter(|number| is_published(*number) && wanted(*number));
        Self(numbers.map(|number| (number.id().to_owned(), sum(number))).collect())
    }

    pub(super) fn plus(mut self, other: Self) -> Self {
        for (id, sum) in other.0 {
            let mine = self.0.entry(id).or_default();
            *mine = mine.plus(sum);
        }
        self
    }

    /// The numbers that are more than 0.
    pub(super) fn contributed(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, sum)| sum.known > 0).map(|(id, _)| id.as_str())
    }

    /// Without these numbers, and without those that tell them with others: they are unknown.
    pub(super) fn without(mut self, withheld: &[String]) -> Self {
        let tells = |id: &str| {
            let family = FAMILIES.iter().find(|family| family.contains(&id));
            withheld.iter().any(|of| of == id || family.is_some_and(|family| family.contains(&of.as_str())))
        };
        for (id, sum) in &mut self.0 {
            if tells(id) {
                *sum = Sum { known: 0, is_lower_bound: true, unknown: 0, of: 0 };
            }
        }
        self
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Sum)> {
        self.0.iter().map(|(id, sum)| (id.as_str(), *sum))
    }

    #[cfg(test)]
    pub(super) fn of(id: &str, known: u64) -> Self {
        Self([(id.to_owned(), Sum { known, ..Sum::default() })].into())
    }

    #[cfg(test)]
    pub(super) fn value(&self, id: &str) -> Option<u64> {
        self.0.get(id)?.value()
    }
}

/// Whether viewers see a number: those that add up, but for costs, of which the collector knows none.
pub(in crate::dashboard) fn is_published(number: Number) -> bool {
    number.is_additive() && number != Number::Cost
}
