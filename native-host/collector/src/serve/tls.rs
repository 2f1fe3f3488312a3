//! TLS: certificates and their key from files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or has not what is looked for.
    #[error("{}: no PEM {what} can be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What is wrong.
        source: pem::Error,
    },
    /// The file has no certificate.
    #[error("{}: no PEM certificate in it", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The key is not the certificate's, or of a kind that is not known.
    #[error("{}: the certificate and its key cannot be used", path.display())]
    Unusable {
        /// The certificates' file.
        path: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
}

/// What a connection needs for TLS, as the files have it.
#[derive(Debug)]
pub(super) struct Tls {
    certificates: PathBuf,
    key: PathBuf,
    now: Mutex<(Option<Times>, Arc<ServerConfig>)>,
}

/// When both files were written.
type Times = (SystemTime, SystemTime);

impl Tls {
    /// Reads both files.
    pub(super) fn read(certificates: &Path, key: &Path) -> Result<Self, TlsError> {
        let now = (times(certificates, key), config(certificates, key)?);
        Ok(Self { certificates: certificates.into(), key: key.into(), now: Mutex::new(now) })
    }

    /// What a new connection uses.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// Reads the files again if they were written since. Where they cannot be used, what was read before stays.
    pub(super) fn renew(&self) -> Result<(), TlsError> {
        let times = times(&self.certificates, &self.key);
        let before = self.now.lock().unwrap_or_else(PoisonError::into_inner).0;
        if times.is_none() || times == before {
            return Ok(());
        }
        let config = config(&self.certificates, &self.key)?;
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = (times, config);
        Ok(())
    }
}

fn times(certificates: &Path, key: &Path) -> Option<Times> {
    let written = |path: &Path| -> io::Result<SystemTime> { fs::metadata(path)?.modified() };
    Some((written(certificates).ok()?, written(key).ok()?))
}

fn config(certificates: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let unreadable = |path: &Path, what| {
        let path = path.to_owned();
        move |source| TlsError::File { path, what, source }
    };
    let chain = CertificateDer::pem_file_iter(certificates)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable(certificates, "certificate"))?;
    if chain.is_empty() {
        return Err(TlsError::Empty { path: certificates.into() });
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key, "private key"))?;
    let unusable = |source| TlsError::Unusable { path: certificates.into(), source };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    use super::{Tls, TlsError};

    #[test]
    fn certificates_are_read_again_when_they_change() {
        let folder = tempfile::tempdir().unwrap();
        let (certificates, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let write = |second: u64| {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            for (path, text) in [(&certificates, made.cert.pem()), (&key, made.signing_key.serialize_pem())] {
                fs::write(path, text).unwrap();
                let at = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
                File::options().write(true).open(path).unwrap().set_modified(at).unwrap();
            }
        };
        write(1);
        let tls = Tls::read(&certificates, &key).unwrap();
        let first = tls.config();
        tls.renew().unwrap();
        assert!(Arc::ptr_eq(&tls.config(), &first), "they are as they were");
        write(2);
        tls.renew().unwrap();
        let second = tls.config();
        assert!(!Arc::ptr_eq(&second, &first));
        // What cannot be used changes nothing, and is told until it can.
        fs::write(&certificates, "no PEM").unwrap();
        for _ in 0..2 {
            assert!(matches!(tls.renew(), Err(TlsError::Empty { .. })));
        }
        fs::remove_file(&key).unwrap();
        tls.renew().unwrap();
        assert!(Arc::ptr_eq(&tls.config(), &second));
    }
}
