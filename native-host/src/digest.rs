//! Hashing with the `sha2` and `sha1` crates, which use the CPU's instructions where it has them.

use turnledger_core::{Digest, DigestValue};

/// SHA-256, and SHA-1 where the contract fixes it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sha2;

impl Digest for Sha2 {
    fn digest(&self, parts: &[&[u8]]) -> DigestValue {
        hash::<sha2::Sha256>(parts)
    }

    fn sha1(&self, parts: &[&[u8]]) -> DigestValue {
        hash::<sha1::Sha1>(parts)
    }
}

fn hash<H: sha2::Digest>(parts: &[&[u8]]) -> DigestValue {
    let mut hasher = H::new();
    for part in parts {
        hasher.update(part);
    }
    DigestValue::new(&hasher.finalize())
}
