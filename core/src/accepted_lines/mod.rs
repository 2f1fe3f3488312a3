//! Accepted lines: what a turn's diff added and deleted, as counts and hashes (contract
//! `rules.md` 8).

mod diff;
mod normalise;

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::event::accepted_lines::LineFingerprint;

/// What a diff amounts to, once its text is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AcceptedLines {
    pub(crate) added: u64,
    pub(crate) deleted: u64,
    pub(crate) fingerprints: Vec<LineFingerprint>,
}

impl AcceptedLines {
    /// Reads and hashes a unified diff.
    pub(crate) fn of(diff: &str, digest: &impl Digest) -> Self {
        diff::read(diff, Some(digest))
    }

    /// Counts a diff that is too large to be hashed.
    pub(crate) fn count(diff: &str) -> Self {
        diff::read(diff, None::<&&dyn Digest>)
    }

    /// Whether nothing was added or deleted.
    pub(crate) fn is_empty(&self) -> bool {
        self.added == 0 && self.deleted == 0
    }

    /// Splits the fingerprints into events that fit a request (contract `rules.md` 8.8); the counts
    /// go with the first. Without fingerprints there is one event.
    pub(crate) fn into_chunks(self) -> Vec<Self> {
        let mut chunks = Vec::new();
        let mut chunk = Self { added: self.added, deleted: self.deleted, fingerprints: Vec::new() };
        let mut size = CHUNK_OVERHEAD;
        for fingerprint in self.fingerprints {
            let item = ITEM_OVERHEAD + fingerprint.path_hash.hex_len() + fingerprint.line_hash.hex_len();
            let separator = usize::from(!chunk.fingerprints.is_empty());
            if separator == 1 && size + separator + item > MAX_CHUNK {
                chunks.push(core::mem::take(&mut chunk));
                size = CHUNK_OVERHEAD + item;
            } else {
                size += separator + item;
            }
            chunk.fingerprints.push(fingerprint);
        }
        chunks.push(chunk);
        chunks
    }
}

const CHUNK_OVERHEAD: usize = 1024;
const ITEM_OVERHEAD: usize = 32;
const MAX_CHUNK: usize = 2_097_152;

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::AcceptedLines;
    use crate::digest::DigestValue;
    use crate::event::accepted_lines::LineFingerprint;

    /// The numbers of contract `rules.md` 8.8.
    #[test]
    fn chunks() {
        let sizes = |hash: &[u8], count| {
            let hash = DigestValue::new(hash);
            let fingerprints = vec![LineFingerprint { path_hash: hash, line_hash: hash }; count];
            let chunks = AcceptedLines { added: 7, deleted: 3, fingerprints }.into_chunks();
            let counts: Vec<_> = chunks.iter().map(|chunk| (chunk.added, chunk.deleted)).collect();
            let mut expected = vec![(0, 0); chunks.len()];
            expected[0] = (7, 3);
            assert_eq!(counts, expected);
            chunks.iter().map(|chunk| chunk.fingerprints.len()).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[0; 32], 0), [0]);
        assert_eq!(sizes(&[0; 32], 13_019), [13_019]);
        assert_eq!(sizes(&[0; 32], 13_020), [13_019, 1]);
        assert_eq!(sizes(&[0; 32], 20_000), [13_019, 6_981]);
        assert_eq!(sizes(&[0; 20], 18_550), [18_549, 1]);
    }
}
