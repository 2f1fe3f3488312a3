//! Splits a stream of bytes into lines.

use super::LONGEST;

/// Puts lines together that come in pieces.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The line so far; empty if it is too long.
    partial: Vec<u8>,
    /// Whether the rest of the line is passed over.
    is_too_long: bool,
    /// Lines that were passed over.
    unread: u64,
}

impl Lines {
    /// Takes the next bytes, and passes on the lines that they complete, without line ends.
    pub(super) fn take(&mut self, mut bytes: &[u8], mut see: impl FnMut(&[u8])) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            if self.is_too_long {
                self.is_too_long = false;
            } else if self.partial.is_empty() {
                see(line);
            } else {
                self.partial.extend_from_slice(line);
                see(&self.partial);
            }
            self.partial.clear();
            bytes = rest;
        }
        if self.is_too_long || self.partial.len() + bytes.len() > LONGEST {
            self.unread += u64::from(!self.is_too_long);
            self.is_too_long = true;
            self.partial = Vec::new();
        } else {
            self.partial.extend_from_slice(bytes);
        }
    }

    /// How many lines were too long.
    pub(super) const fn unread(&self) -> u64 {
        self.unread
    }

    /// Shows a last line that has no end.
    pub(super) fn finish(&mut self, mut see: impl FnMut(&[u8])) {
        if !self.partial.is_empty() {
            see(&self.partial);
            self.partial.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{LONGEST, Lines};

    #[test]
    fn a_line_that_is_too_long_is_passed_over_alone() {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        let piece = vec![b'x'; LONGEST / 2];
        for bytes in [b"one\n" as &[u8], &piece, &piece, &piece, b"\ntwo\nthr", b"ee"] {
            lines.take(bytes, |line| seen.push(line.to_vec()));
        }
        lines.finish(|line| seen.push(line.to_vec()));
        assert_eq!((seen, lines.unread()), (vec![b"one".to_vec(), b"two".to_vec(), b"three".to_vec()], 1));
    }

    proptest! {
        #[test]
        fn however_it_comes_in_pieces(text in "[ab\n]{0,40}", cuts in prop::collection::vec(0_usize..40, 0..6)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            let mut lines = Lines::default();
            let mut seen = Vec::new();
            let mut start = 0;
            for end in cuts.into_iter().chain([text.len()]) {
                lines.take(&text.as_bytes()[start..end], |line| seen.push(String::from_utf8_lossy(line).into_owned()));
                start = end;
            }
            lines.finish(|line| seen.push(String::from_utf8_lossy(line).into_owned()));
            let expected: Vec<_> = text.split_terminator('\n').map(ToOwned::to_owned).collect();
            prop_assert_eq!(seen, expected);
        }
    }
}
