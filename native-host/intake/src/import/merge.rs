//! Events of many files in the order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};

use turnledger_core::UnixMillis;

/// Events that wait for earlier ones; of the same time in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Merge {
    waiting: BinaryHeap<Reverse<(UnixMillis, u64, String)>>,
    count: u64,
}

impl Merge {
    pub(super) fn add(&mut self, events: Vec<(UnixMillis, String)>) {
        for (at, event) in events {
            self.waiting.push(Reverse((at, self.count, event)));
            self.count += 1;
        }
    }

    /// Writes what is earlier than `before`, or all.
    pub(super) fn write(&mut self, before: Option<UnixMillis>, lines: &mut dyn Write) -> io::Result<()> {
        while let Some(Reverse((at, ..))) = self.waiting.peek()
            && before.is_none_or(|before| *at < before)
        {
            let Some(Reverse((.., event))) = self.waiting.pop() else { break };
            lines.write_all(event.as_bytes())?;
            lines.write_all(b"\n")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use turnledger_core::UnixMillis;

    use super::Merge;

    #[test]
    fn events_in_the_order_of_time() {
        let (mut merge, mut lines) = (Merge::default(), Vec::new());
        let event = |at, text: &str| (UnixMillis(at), text.to_owned());
        merge.add(vec![event(1, "a"), event(5, "d"), event(3, "b")]);
        merge.add(vec![event(3, "c")]);
        merge.write(Some(UnixMillis(3)), &mut lines).expect("written");
        assert_eq!(lines, b"a\n");
        merge.write(None, &mut lines).expect("written");
        assert_eq!(lines, b"a\nb\nc\nd\n");
    }
}
