//! Hashing: SHA-256 compiled in, or a function of the host's.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use js_sys::{Function, Uint8Array};
use turnledger_core::digest::{Scheme, Sha2};
use turnledger_core::{Digest, DigestValue};
use wasm_bindgen::{JsCast, JsError, JsValue};

/// What makes the hashes.
#[derive(Clone)]
pub(crate) struct HostDigest {
    sha2: Sha2,
    host: Option<Rc<Host>>,
}

struct Host {
    function: Function,
    scheme: Scheme,
    has_failed: Cell<bool>,
}

impl fmt::Debug for HostDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "HostDigest({})", self.scheme())
    }
}

impl HostDigest {
    /// A function counts with the name of its scheme alone.
    pub(crate) fn new(key: Option<&[u8]>, function: Option<Function>, scheme: Option<&str>) -> Result<Self, JsError> {
        let host = function.zip(scheme).map(|(function, scheme)| {
            Rc::new(Host { function, scheme: Scheme::new(scheme), has_failed: Cell::new(false) })
        });
        Ok(Self { sha2: key.map_or_else(|| Ok(Sha2::default()), Sha2::keyed)?, host })
    }

    pub(crate) fn take_failure(&self) -> bool {
        self.host.as_ref().is_some_and(|host| host.has_failed.take())
    }
}

impl Host {
    /// The function's digest; none if it throws or returns something else.
    fn digest(&self, parts: &[&[u8]]) -> Option<DigestValue> {
        let whole = Uint8Array::from(parts.concat().as_slice());
        let digest = self.function.call1(&JsValue::NULL, &whole).ok()?.dyn_into::<Uint8Array>().ok()?;
        let is_usable = (16..=64).contains(&digest.length());
        is_usable.then(|| DigestValue::new(&digest.to_vec()))
    }
}

impl Digest for HostDigest {
    fn digest(&self, parts: &[&[u8]]) -> DigestValue {
        let Some(host) = &self.host else { return self.sha2.digest(parts) };
        host.digest(parts).unwrap_or_else(|| {
            host.has_failed.set(true);
            DigestValue::new(&[0; 32])
        })
    }

    fn sha1(&self, parts: &[&[u8]]) -> DigestValue {
        self.sha2.sha1(parts)
    }

    fn scheme(&self) -> Scheme {
        self.host.as_ref().map_or_else(|| self.sha2.scheme(), |host| host.scheme.clone())
    }
}
