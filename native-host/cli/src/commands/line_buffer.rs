//! Lines, of what is written piece by piece.

use std::io;

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
