//! Trees of sessions as structure: each turn counts once and to the token, and lines that are lost, repeated, swapped or cut off
//! make no turn count twice.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use turnledger_core::Event;
use turnledger_core::digest::Sha2;
use turnledger_tests::rollouts::import;
use turnledger_tests::trees::{ERAS, tree};

#[derive(Arbitrary, Debug)]
struct Tree {
    words: Vec<u64>,
    era: u8,
    faults: Vec<(u8, u16, u16)>,
}

/// Larger trees are slow and show nothing else.
const MAX_STEPS: usize = 24;

fuzz_target!(|given: Tree| {
    let era = &ERAS[usize::from(given.era) % ERAS.len()];
    for file in tree(&given.words[..given.words.len().min(MAX_STEPS)], era) {
        let ids: Vec<_> = file.turns.iter().map(|turn| turn.id.as_str().to_owned()).collect();
        assert_eq!(turns(&file.text), ids, "{}", file.text);
        let mut lines: Vec<_> = file.text.lines().collect();
        for (kind, at, other) in &given.faults {
            let (at, other) = (usize::from(*at) % lines.len(), usize::from(*other) % lines.len());
            match kind % 4 {
                0 if lines.len() > 1 => drop(lines.remove(at)),
                1 => lines.insert(other, lines[at]),
                2 => lines.swap(at, other),
                _ => {
                    let end = (0..=lines[at].len().min(other)).rev().find(|end| lines[at].is_char_boundary(*end));
                    lines[at] = &lines[at][..end.unwrap_or(0)];
                }
            }
        }
        turns(&lines.join("\n"));
    }
});

/// The ids of the turns that have an event.
fn turns(text: &str) -> Vec<String> {
    let events = import(Sha2::default(), text).events;
    for event in &events {
        assert!(serde_json::from_str::<&serde_json::value::RawValue>(&event.to_json()).is_ok());
    }
    let turns = events.iter().filter_map(|event| match event {
        Event::Turn(turn) => Some(turn.turn_id.to_string()),
        _ => None,
    });
    turns.collect()
}
