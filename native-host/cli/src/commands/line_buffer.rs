//! Lines, of what is written piece by piece; and the same for two writers.

use std::io::{self, Write};

/// The beginning of a line whose end has not come yet.
#[derive(Default)]
pub(super) struct LineBuffer(Vec<u8>);

impl LineBuffer {
    /// Takes a piece, and hands on each line that is whole with it, without its end.
    pub(super) fn add(&mut self, piece: &[u8], mut take: impl FnMut(&[u8]) -> anyhow::Result<()>) -> io::Result<()> {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            match part.strip_suffix(b"\n") {
                Some(end) => {
                    self.0.extend_from_slice(end);
                    take(&self.0).map_err(io::Error::other)?;
                    self.0.clear();
                }
                None => self.0.extend_from_slice(part),
            }
        }
        Ok(())
    }
}

/// Writes the same to two.
pub(super) struct Both<'w>(pub(super) &'w mut dyn Write, pub(super) &'w mut dyn Write);

impl Write for Both<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(bytes)?;
        self.1.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()?;
        self.1.flush()
    }
}
