//! The hashing seam: hosts bring the algorithms, the core owns what is hashed.

#[cfg(any(test, feature = "sha2"))]
mod sha2;

use alloc::string::String;
use core::fmt;

#[cfg(any(test, feature = "sha2"))]
pub use self::sha2::{KeyTooShort, Sha2};
use crate::id::Id;
use crate::json::read::{Failed, Read, Reader};
use crate::json::write::Write;

/// What a host supplies for hashing.
///
/// Both functions hash the concatenation of `parts`.
pub trait Digest {
    /// The digest of accepted lines, paths, repositories and request bodies: SHA-256 unless the
    /// host has a reason for another (Codex 0.131 uses SHA-1).
    fn digest(&self, parts: &[&[u8]]) -> DigestValue;

    /// SHA-1, which `docs/contract/rules.md` 10 fixes for skill ids whatever [`Digest::digest`] is.
    fn sha1(&self, parts: &[&[u8]]) -> DigestValue;

    /// Which algorithm and key [`Digest::digest`] uses.
    fn scheme(&self) -> Scheme;
}

/// The algorithm, and the key if there is one, behind a digest: digests of different schemes say
/// nothing of one another. `sha256`, `hmac-sha256:` and the key's id, `sha1`, or a host's own name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Write)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Scheme(Id);

impl Scheme {
    /// The scheme of SHA-256 without a key.
    pub const SHA256: &str = "sha256";
    /// The scheme of SHA-1 without a key, which Codex 0.131 uses.
    pub const SHA1: &str = "sha1";

    /// A scheme by its name: at most 64 small letters, digits and `:`, `.`, `_`, `-`; another character
    /// becomes `_`.
    pub fn new(name: &str) -> Self {
        let fits = |c: char| matches!(c, 'a'..='z' | '0'..='9' | ':' | '.' | '_' | '-');
        let name: String = name.chars().take(64).map(|c| if fits(c) { c } else { '_' }).collect();
        Self(name.as_str().into())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Read<'_> for Scheme {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        let name: Id = Read::read(reader)?;
        let scheme = Self::new(&name);
        if scheme.0 == name { Ok(scheme) } else { Err(reader.unlike("the name of a scheme")) }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<D: Digest + ?Sized> Digest for &D {
    fn digest(&self, parts: &[&[u8]]) -> DigestValue {
        (**self).digest(parts)
    }

    fn sha1(&self, parts: &[&[u8]]) -> DigestValue {
        (**self).sha1(parts)
    }

    fn scheme(&self) -> Scheme {
        (**self).scheme()
    }
}

const CAPACITY: usize = 32;

/// A digest of up to 32 bytes, written as lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DigestValue {
    len: u8,
    bytes: [u8; CAPACITY],
}

impl DigestValue {
    /// Wraps the bytes of a digest; longer ones are cut to their first 32 bytes.
    pub fn new(digest: &[u8]) -> Self {
        let len = digest.len().min(CAPACITY);
        let mut bytes = [0; CAPACITY];
        bytes[..len].copy_from_slice(&digest[..len]);
        Self {
            // `len` is at most 32.
            len: u8::try_from(len).unwrap_or(0),
            bytes,
        }
    }

    /// The digest's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// How many characters the hexadecimal form has.
    pub(crate) fn hex_len(self) -> usize {
        usize::from(self.len) * 2
    }

    fn with_hex<T>(self, use_it: impl FnOnce(&str) -> T) -> T {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0_u8; CAPACITY * 2];
        for (index, byte) in self.as_bytes().iter().enumerate() {
            hex[index * 2] = DIGITS[usize::from(byte >> 4)];
            hex[index * 2 + 1] = DIGITS[usize::from(byte & 15)];
        }
        // Only ASCII digits were written.
        use_it(core::str::from_utf8(&hex[..self.hex_len()]).unwrap_or_default())
    }

    fn from_hex(hex: &str) -> Option<Self> {
        if !hex.len().is_multiple_of(2) || hex.len() > CAPACITY * 2 {
            return None;
        }
        let mut bytes = [0_u8; CAPACITY];
        for (index, pair) in hex.as_bytes().chunks_exact(2).enumerate() {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            bytes[index] = u8::try_from(high * 16 + low).ok()?;
        }
        Some(Self::new(&bytes[..hex.len() / 2]))
    }
}

impl fmt::Display for DigestValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_hex(|hex| formatter.write_str(hex))
    }
}

impl fmt::Debug for DigestValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Write for DigestValue {
    fn write(&self, text: &mut String) {
        self.with_hex(|hex| hex.write(text));
    }
}

impl Read<'_> for DigestValue {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        let hex = reader.string()?;
        Self::from_hex(&hex).ok_or_else(|| reader.unlike("a hexadecimal digest"))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for DigestValue {
    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        "Digest".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]+$" })
    }
}

/// What a hashed text is, so that equal texts of different kinds hash differently
/// (`docs/contract/rules.md` 8.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Domain {
    Path,
    Line,
    Repository,
}

/// `H(domain, value)` of `docs/contract/rules.md` 8.7.
pub(crate) fn fingerprint(digest: &impl Digest, domain: Domain, value: &str) -> DigestValue {
    let domain: &[u8] = match domain {
        Domain::Path => b"path",
        Domain::Line => b"line",
        Domain::Repository => b"repo",
    };
    digest.digest(&[b"file-line-v1\0", domain, b"\0", value.as_bytes()])
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::{Digest, DigestValue, Domain, Scheme, Sha2, fingerprint};

    /// Hashes of `docs/contract/rules.md` 8.7, with SHA-256 and with SHA-1.
    #[test]
    fn vectors() {
        let vectors = [
            (Domain::Path, "src/lib.rs", "dc7e314bf5117159c865e2ba93d116e9282908048e94d02cd755f66db8d764c6"),
            (Domain::Path, "", "6df59fd12f14d3b5166695d6a261d15c71379d5d801bd292e538b4413605ce27"),
            (Domain::Line, "fn useful() {", "11d7765af3533a5671ac0b9a16c1b1f8c2adec6cab61f12a580d352056387177"),
            (Domain::Line, "return user.id;", "35ea620eb874fa6d4bbe9d0adbce5bd3219dd6a925b8cd7e96dbb0a5e67a0630"),
            (Domain::Line, "++ new value", "5d21c30dc16ae8d5fd6c80ee7b0157e69d5460719307bb9a3abbdc4f9dfca714"),
            (
                Domain::Repository,
                "github.com/acme/widget",
                "f715cb3d07d6c8116691a8bb83c90dbfd9622572d408d90171b315c65e1dae8d",
            ),
        ];
        for (domain, value, expected) in vectors {
            assert_eq!(fingerprint(&Sha2::default(), domain, value).to_string(), expected, "{domain:?} {value}");
        }
        assert_eq!(
            Sha2::default().sha1(&[b"file-line-v1\0", b"path", b"\0", b"src/lib.rs"]).to_string(),
            "d69749859af906cb3f8a6fb5d85a0871d2f3b3e9"
        );
    }

    #[test]
    fn names_of_schemes() {
        assert_eq!(Scheme::new("hmac-sha256:0a").as_str(), "hmac-sha256:0a");
        assert_eq!(Scheme::new("My Own\n").as_str(), "_y__wn_");
        assert!(crate::json::read::from_str::<Scheme>("\"sha256\"").is_ok());
        for bad in ["\"SHA\"", "\"a\\n\"", "1"] {
            assert!(crate::json::read::from_str::<Scheme>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hexadecimal_both_ways() {
        let value = DigestValue::new(&[0x00, 0xab, 0x7f]);
        let json = crate::json::write::to_string(&value);
        assert_eq!(json, "\"00ab7f\"");
        assert_eq!(crate::json::read::from_str::<DigestValue>(&json).unwrap(), value);
        assert_eq!(alloc::format!("{value} {value:?}"), "00ab7f 00ab7f");
        for bad in ["\"abc\"", "\"zz\"", "\"é\"", "1"] {
            assert!(crate::json::read::from_str::<DigestValue>(bad).is_err(), "{bad}");
        }
    }
}
