//! Fingerprints in pieces that fit a request (`docs/contract/rules.md` 8.8).

use alloc::vec::Vec;

use crate::event::accepted_lines::LineFingerprint;

/// The bytes of an event without its fingerprints, rounded up.
const EVENT: usize = 1024;
/// The bytes of a fingerprint without its hashes.
const FINGERPRINT: usize = 32;
const MAX_BYTES: usize = 2_097_152;

/// Splits fingerprints into chunks, one for each event.
#[derive(Clone, Debug)]
pub struct Chunker {
    chunk: Vec<LineFingerprint>,
    bytes: usize,
}

impl Default for Chunker {
    fn default() -> Self {
        Self { chunk: Vec::new(), bytes: EVENT }
    }
}

impl Chunker {
    /// Adds a fingerprint; returns the chunk before it if that is full.
    pub fn push(&mut self, fingerprint: LineFingerprint) -> Option<Vec<LineFingerprint>> {
        let bytes = FINGERPRINT + fingerprint.path_hash.hex_len() + fingerprint.line_hash.hex_len();
        let separator = usize::from(!self.chunk.is_empty());
        let full = separator == 1 && self.bytes + separator + bytes > MAX_BYTES;
        let chunk = full.then(|| core::mem::take(self).chunk);
        self.bytes += bytes + if full { 0 } else { separator };
        self.chunk.push(fingerprint);
        chunk
    }

    /// The last chunk, which is empty if there was no fingerprint at all.
    pub fn finish(self) -> Vec<LineFingerprint> {
        self.chunk
    }
}
