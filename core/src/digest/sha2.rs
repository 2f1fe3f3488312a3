//! The hosts' usual algorithms, by the crates `sha2` and `hmac`, which use the processor's instructions for them.

use alloc::format;
use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Digest, DigestValue, Scheme};

/// SHA-256, or HMAC-SHA-256 with an organisation's key; SHA-1 where the contract fixes it.
///
/// Lines are short: whoever has plain hashes can find many of them with a dictionary. With a key
/// only those who have it can.
#[derive(Clone, Default)]
pub struct Sha2 {
    keyed: Option<Keyed>,
}

#[derive(Clone)]
struct Keyed {
    mac: Hmac<Sha256>,
    scheme: Scheme,
}

/// The key of an organisation is shorter than [`Sha2::MIN_KEY`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key needs at least {} bytes; this one has {len}", Sha2::MIN_KEY)]
#[non_exhaustive]
pub struct KeyTooShort {
    /// How many bytes it has.
    pub len: usize,
}

impl Sha2 {
    /// The shortest key that is taken, in bytes: a shorter one could be found by trying.
    pub const MIN_KEY: usize = 16;

    /// HMAC-SHA-256 with `key`.
    ///
    /// # Errors
    ///
    /// [`KeyTooShort`] if the key has fewer than [`Sha2::MIN_KEY`] bytes.
    pub fn keyed(key: &[u8]) -> Result<Self, KeyTooShort> {
        let too_short = KeyTooShort { len: key.len() };
        if key.len() < Self::MIN_KEY {
            return Err(too_short);
        }
        // HMAC takes a key of any length.
        let mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| too_short)?;
        // Enough to tell an organisation's keys apart, too little to say anything of one.
        let id = authenticate(&mac, &[b"turnledger-key-id\0"]);
        let id = DigestValue::new(&id.as_bytes()[..4]);
        Ok(Self { keyed: Some(Keyed { mac, scheme: Scheme::new(&format!("hmac-sha256:{id}")) }) })
    }
}

impl Digest for Sha2 {
    fn digest(&self, parts: &[&[u8]]) -> DigestValue {
        match &self.keyed {
            None => hash::<Sha256>(parts),
            Some(keyed) => authenticate(&keyed.mac, parts),
        }
    }

    fn sha1(&self, parts: &[&[u8]]) -> DigestValue {
        hash::<sha1::Sha1>(parts)
    }

    fn scheme(&self) -> Scheme {
        self.keyed.as_ref().map_or_else(|| Scheme::new(Scheme::SHA256), |keyed| keyed.scheme.clone())
    }
}

impl fmt::Debug for Sha2 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Sha2({})", self.scheme())
    }
}

fn hash<H: sha2::Digest>(parts: &[&[u8]]) -> DigestValue {
    let mut hasher = H::new();
    for part in parts {
        hasher.update(part);
    }
    DigestValue::new(&hasher.finalize())
}

fn authenticate(mac: &Hmac<Sha256>, parts: &[&[u8]]) -> DigestValue {
    let mut mac = mac.clone();
    for part in parts {
        mac.update(part);
    }
    DigestValue::new(&mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use super::{KeyTooShort, Sha2};
    use crate::digest::{Digest, Scheme};

    #[test]
    fn plain() {
        let digest = Sha2::default();
        assert_eq!(digest.scheme(), Scheme::new(Scheme::SHA256));
        assert_eq!(
            digest.digest(&[b"a", b"bc"]).to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    /// Test case 3 of RFC 4231.
    #[test]
    fn keyed() {
        let digest = Sha2::keyed(&[0xaa; 20]).unwrap();
        assert_eq!(
            digest.digest(&[&[0xdd; 25], &[0xdd; 25]]).to_string(),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        );
        assert_eq!(digest.sha1(&[b"abc"]), Sha2::default().sha1(&[b"abc"]));
    }

    #[test]
    fn a_scheme_names_its_key() {
        let (one, two) = (Sha2::keyed(&[1; 16]).unwrap(), Sha2::keyed(&[2; 16]).unwrap());
        assert_eq!(one.scheme(), Sha2::keyed(&[1; 16]).unwrap().scheme());
        assert_ne!(one.scheme(), two.scheme());
        let name = one.scheme().to_string();
        assert!(name.starts_with("hmac-sha256:") && name.len() == 20, "{name}");
        assert_eq!(format!("{one:?}"), format!("Sha2({name})"));
        assert_eq!(Sha2::keyed(&[1; 15]).unwrap_err(), KeyTooShort { len: 15 });
    }
}
