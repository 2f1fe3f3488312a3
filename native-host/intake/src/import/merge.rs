//! Events of many files in the order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};

use turnledger_core::UnixMillis;

use super::text::{Place, Texts};

/// The most bytes of events that one file's reader holds in memory.
const OF_A_FILE: usize = 1 << 18;
/// The most bytes of events that wait in memory.
const WAITING: usize = 8 << 20;

/// The events of one file, each with its time.
#[derive(Debug)]
pub(crate) struct Events {
    places: Vec<(UnixMillis, Place)>,
    texts: Texts,
}

impl Default for Events {
    fn default() -> Self {
        Self { places: Vec::new(), texts: Texts::new(OF_A_FILE) }
    }
}

impl Events {
    pub(super) fn add(&mut self, at: UnixMillis, event: &str) -> io::Result<()> {
        let place = self.texts.add(event.as_bytes())?;
        self.places.push((at, place));
        Ok(())
    }

    /// Hands on each event's text, and forgets them.
    pub(crate) fn drain(&mut self, mut take: impl FnMut(UnixMillis, &[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut text = Vec::new();
        for (at, place) in std::mem::take(&mut self.places) {
            self.texts.read(place, &mut text)?;
            take(at, &text)?;
        }
        self.texts.clear();
        Ok(())
    }
}

/// Events that wait for earlier ones; of the same time in the order of their files, and of a file's lines.
#[derive(Debug)]
pub(super) struct Merge {
    waiting: BinaryHeap<Reverse<(UnixMillis, u32, u32, Place)>>,
    texts: Texts,
}

impl Default for Merge {
    fn default() -> Self {
        Self { waiting: BinaryHeap::new(), texts: Texts::new(WAITING) }
    }
}

impl Merge {
    /// Adds the events of the file with that number.
    pub(super) fn add(&mut self, file: usize, mut events: Events) -> io::Result<()> {
        let file = u32::try_from(file).unwrap_or(u32::MAX);
        let mut count = 0;
        events.drain(|at, text| {
            let place = self.texts.add(text)?;
            self.waiting.push(Reverse((at, file, count, place)));
            count += 1;
            Ok(())
        })
    }

    /// Writes what is earlier than `before`, or all.
    pub(super) fn write(&mut self, before: Option<UnixMillis>, lines: &mut dyn Write) -> io::Result<()> {
        let mut text = Vec::new();
        while let Some(Reverse((at, ..))) = self.waiting.peek()
            && before.is_none_or(|before| *at < before)
        {
            let Some(Reverse((.., place))) = self.waiting.pop() else { break };
            self.texts.read(place, &mut text)?;
            lines.write_all(&text)?;
            lines.write_all(b"\n")?;
        }
        if self.waiting.is_empty() {
            self.texts.clear();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use turnledger_core::UnixMillis;

    use super::{Events, Merge};

    #[test]
    fn events_in_the_order_of_time() {
        let (mut merge, mut lines) = (Merge::default(), Vec::new());
        let events = |all: &[(u64, &str)]| {
            let mut events = Events::default();
            for (at, text) in all {
                events.add(UnixMillis(*at), text).expect("it is kept");
            }
            events
        };
        // The second file comes before the first.
        merge.add(1, events(&[(3, "c")])).expect("it is kept");
        merge.add(0, events(&[(1, "a"), (5, "d"), (3, "b")])).expect("it is kept");
        merge.write(Some(UnixMillis(3)), &mut lines).expect("written");
        assert_eq!(lines, b"a\n");
        merge.write(None, &mut lines).expect("written");
        assert_eq!(lines, b"a\nb\nc\nd\n");
    }
}
