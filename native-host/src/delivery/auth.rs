//! Who uploads: what puts credentials on a request.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError, Weak};
use std::time::SystemTime;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// A header that a request carries; its value is a secret.
#[derive(Clone, Debug)]
pub struct Header {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: SecretString,
}

impl Header {
    fn new(name: &'static str, value: &str) -> Self {
        Self { name, value: value.into() }
    }

    fn bearer(token: &SecretString) -> Self {
        Self::new("Authorization", &format!("Bearer {}", token.expose_secret()))
    }
}

/// What a provider says of the next request.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// It may go, with these headers.
    Headers(Vec<Header>),
    /// The user's mode does not use the backend (a plain API key, say): events are not uploaded at all.
    NotBackend,
    /// There are none yet: what waits goes on waiting.
    Missing,
}

/// Puts credentials on requests.
///
/// It is asked on the worker's thread, once for each request.
pub trait AuthProvider: Send + Sync + fmt::Debug {
    /// The credentials for the next request.
    fn credentials(&self) -> Credentials;

    /// The server refused the credentials. Returns whether there may be others now: then the request is
    /// tried once more, and otherwise with the next cycle.
    fn refresh(&self) -> bool {
        false
    }
}

/// No credentials: for a collector of one's own.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAuth;

impl AuthProvider for NoAuth {
    fn credentials(&self) -> Credentials {
        Credentials::Headers(Vec::new())
    }
}

/// A fixed token.
#[derive(Clone, Debug)]
pub struct BearerToken {
    token: SecretString,
    account: Account,
}

/// Whose requests they are.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// The account's id.
    pub id: Option<String>,
    /// Whether it is a FedRAMP account.
    pub is_fedramp: bool,
}

impl Account {
    fn headers(&self) -> impl Iterator<Item = Header> {
        let id = self.id.as_deref().map(|id| Header::new("ChatGPT-Account-ID", id));
        id.into_iter().chain(self.is_fedramp.then(|| Header::new("X-OpenAI-Fedramp", "true")))
    }
}

impl BearerToken {
    /// A token and the account that it is of.
    pub fn new(token: SecretString, account: Account) -> Self {
        Self { token, account }
    }
}

impl AuthProvider for BearerToken {
    fn credentials(&self) -> Credentials {
        Credentials::Headers(std::iter::once(Header::bearer(&self.token)).chain(self.account.headers()).collect())
    }
}

/// Signs assertions of an agent's identity.
pub trait AssertionSigner: Send + Sync + fmt::Debug {
    /// A signed assertion for the background task that uploads; `None` where the feature is off, the
    /// host is not supported or the agent is not registered.
    fn assertion(&self) -> Option<SecretString>;
}

/// An agent's signed assertion, and another provider where there is none.
#[derive(Debug)]
pub struct AgentAssertion<S, F> {
    signer: S,
    account: Account,
    fallback: F,
}

impl<S: AssertionSigner, F: AuthProvider> AgentAssertion<S, F> {
    /// Assertions by `signer` for an account, or `fallback`.
    pub fn new(signer: S, account: Account, fallback: F) -> Self {
        Self { signer, account, fallback }
    }
}

impl<S: AssertionSigner, F: AuthProvider> AuthProvider for AgentAssertion<S, F> {
    fn credentials(&self) -> Credentials {
        let Some(assertion) = self.signer.assertion() else { return self.fallback.credentials() };
        let header = Header::new("Authorization", &format!("AgentAssertion {}", assertion.expose_secret()));
        Credentials::Headers(std::iter::once(header).chain(self.account.headers()).collect())
    }

    fn refresh(&self) -> bool {
        self.fallback.refresh()
    }
}

/// A file of Codex's `auth.json` form, read again when it changes.
#[derive(Debug)]
pub struct TokenFile {
    path: PathBuf,
    read: Mutex<Option<(SystemTime, u64, Credentials)>>,
}

impl TokenFile {
    /// The file at `path`, which need not be there yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path, read: Mutex::new(None) }
    }
}

/// What counts of `auth.json`. It has no `Debug`: it holds secrets as they are.
#[derive(Deserialize)]
struct AuthJson {
    tokens: Option<Tokens>,
    #[serde(rename = "OPENAI_API_KEY")]
    api_key: Option<SecretString>,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: SecretString,
    account_id: Option<String>,
    /// Set for accounts of the kind; older files leave it to the id token.
    #[serde(default)]
    is_fedramp: bool,
}

impl AuthProvider for TokenFile {
    fn credentials(&self) -> Credentials {
        let Ok(file) = fs::metadata(&self.path) else { return Credentials::Missing };
        let stamp = (file.modified().unwrap_or(SystemTime::UNIX_EPOCH), file.len());
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((modified, len, credentials)) = &*read
            && (*modified, *len) == stamp
        {
            return credentials.clone();
        }
        // A file that is being written is read at the next request.
        let Ok(text) = fs::read(&self.path).map(SecretBytes) else { return Credentials::Missing };
        let Ok(auth) = serde_json::from_slice::<AuthJson>(&text.0) else { return Credentials::Missing };
        let credentials = match (auth.tokens, auth.api_key) {
            (Some(Tokens { access_token, account_id, is_fedramp }), _) => {
                BearerToken::new(access_token, Account { id: account_id, is_fedramp }).credentials()
            }
            (None, Some(_)) => Credentials::NotBackend,
            (None, None) => Credentials::Missing,
        };
        *read = Some((stamp.0, stamp.1, credentials.clone()));
        credentials
    }

    /// Whoever owns the file refreshes it: this only makes sure that it is read again.
    fn refresh(&self) -> bool {
        let Some((.., before)) = self.read.lock().unwrap_or_else(PoisonError::into_inner).take() else { return false };
        match (before, self.credentials()) {
            (Credentials::Headers(before), Credentials::Headers(now)) => {
                before.iter().zip(&now).any(|(one, other)| one.value.expose_secret() != other.value.expose_secret())
            }
            _ => false,
        }
    }
}

/// Bytes that are overwritten when they go.
struct SecretBytes(Vec<u8>);

impl Drop for SecretBytes {
    fn drop(&mut self) {
        secrecy::zeroize::Zeroize::zeroize(&mut self.0);
    }
}

/// What asks a client of the app-server for a new token.
pub trait TokenRefresher: Send + Sync {
    /// Asks, and waits for the answer; `None` if there is none.
    fn refresh(&self) -> Option<SecretString>;
}

/// A token that a client of the app-server supplied and can renew.
///
/// It holds the app-server's sender weakly, and takes hold of it only while a refresh is asked for: it
/// never keeps the app-server alive.
pub struct SuppliedToken<R: ?Sized> {
    token: Mutex<SecretString>,
    account: Account,
    refresher: Weak<R>,
}

impl<R: ?Sized> fmt::Debug for SuppliedToken<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SuppliedToken").field("account", &self.account).finish_non_exhaustive()
    }
}

impl<R: TokenRefresher + ?Sized> SuppliedToken<R> {
    /// A token, its account, and who can renew it.
    pub fn new(token: SecretString, account: Account, refresher: Weak<R>) -> Self {
        Self { token: Mutex::new(token), account, refresher }
    }

    fn token(&self) -> SecretString {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<R: TokenRefresher + ?Sized> AuthProvider for SuppliedToken<R> {
    fn credentials(&self) -> Credentials {
        BearerToken::new(self.token(), self.account.clone()).credentials()
    }

    fn refresh(&self) -> bool {
        let Some(token) = self.refresher.upgrade().and_then(|refresher| refresher.refresh()) else { return false };
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn shown(credentials: &Credentials) -> Vec<(String, String)> {
        let Credentials::Headers(headers) = credentials else { panic!("{credentials:?}") };
        headers.iter().map(|header| (header.name.to_owned(), header.value.expose_secret().to_owned())).collect()
    }

    fn pairs(headers: &[(&str, &str)]) -> Vec<(String, String)> {
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[derive(Debug)]
    struct Signer(Option<&'static str>);

    impl AssertionSigner for Signer {
        fn assertion(&self) -> Option<SecretString> {
            self.0.map(Into::into)
        }
    }

    #[test]
    fn headers_of_each_provider() {
        let account = Account { id: Some("account-1".into()), is_fedramp: true };
        let bearer = BearerToken::new("token-1".into(), account.clone());
        let of_account = [("ChatGPT-Account-ID", "account-1"), ("X-OpenAI-Fedramp", "true")];
        let with = |first| pairs(&[&[("Authorization", first)][..], &of_account].concat());
        assert_eq!(shown(&NoAuth.credentials()), []);
        assert_eq!(shown(&bearer.credentials()), with("Bearer token-1"));
        let assertion = |signed| AgentAssertion::new(Signer(signed), account.clone(), bearer.clone());
        assert_eq!(shown(&assertion(Some("signed")).credentials()), with("AgentAssertion signed"));
        assert_eq!(shown(&assertion(None).credentials()), with("Bearer token-1"));
        for debug in [format!("{bearer:?}"), format!("{:?}", bearer.credentials())] {
            assert!(!debug.contains("token-1"), "{debug}");
        }
    }

    #[test]
    fn a_file_is_read_again_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.json");
        let file = TokenFile::new(path.clone());
        assert!(matches!(file.credentials(), Credentials::Missing));
        fs::write(&path, r#"{"OPENAI_API_KEY":"sk-1","tokens":null}"#).unwrap();
        assert!(matches!(file.credentials(), Credentials::NotBackend));
        fs::write(&path, r#"{"OPENAI_API_KEY":null,"tokens":{"id_token":"i","access_token":"token-1","refresh_token":"r","account_id":"a"}}"#).unwrap();
        assert_eq!(
            shown(&file.credentials()),
            pairs(&[("Authorization", "Bearer token-1"), ("ChatGPT-Account-ID", "a")])
        );
        assert!(!file.refresh(), "the file is as it was");
        fs::write(&path, r#"{"tokens":{"access_token":"token-22"}}"#).unwrap();
        assert!(file.refresh());
        assert_eq!(shown(&file.credentials()), pairs(&[("Authorization", "Bearer token-22")]));
        assert!(!format!("{file:?}").contains("token-22"));
        fs::write(&path, r#"{"tokens":{"acc"#).unwrap();
        assert!(matches!(file.credentials(), Credentials::Missing));
    }

    struct Sender(AtomicU32);

    impl TokenRefresher for Sender {
        fn refresh(&self) -> Option<SecretString> {
            Some(format!("renewed-{}", self.0.fetch_add(1, Ordering::Relaxed)).into())
        }
    }

    #[test]
    fn the_app_server_is_never_kept_alive() {
        let sender = Arc::new(Sender(AtomicU32::new(0)));
        let provider = SuppliedToken::new("first".into(), Account::default(), Arc::downgrade(&sender));
        assert_eq!(Arc::strong_count(&sender), 1);
        assert!(provider.refresh());
        assert_eq!(shown(&provider.credentials()), pairs(&[("Authorization", "Bearer renewed-0")]));
        assert_eq!(Arc::strong_count(&sender), 1);
        drop(sender);
        assert!(!provider.refresh());
        assert!(!format!("{provider:?}").contains("renewed"));
    }
}
