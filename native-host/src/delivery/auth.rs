//! Who is logged in, and the credentials of requests.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use secrecy::{ExposeSecret, SecretString};

use super::account::{AccountKey, Login};
use super::reply::Reply;

/// A header that a request carries; its value is a secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Header {
    /// Its name: a token, in any case.
    pub name: String,
    /// Its value: printable ASCII.
    pub value: SecretString,
}

impl Header {
    /// A header.
    pub fn new(name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    fn bearer(token: &SecretString) -> Self {
        Self::new("Authorization", format!("Bearer {}", token.expose_secret()))
    }
}

/// A provider's answer for the next request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credentials {
    /// Send the request with these headers.
    Headers {
        /// The account that they belong to: only its events are sent with them.
        account: AccountKey,
        /// What goes with the request.
        headers: Vec<Header>,
    },
    /// The user's login does not use the backend, such as a plain API key.
    NotBackend,
    /// There are none now: events keep waiting.
    Missing,
}

/// Says who is logged in, and puts credentials on requests.
///
/// A panic of a provider is caught and counted. It means that nobody is logged in, or that there are no credentials.
pub trait AuthProvider: Send + Sync + fmt::Debug {
    /// Who is logged in now. It must answer at once, without a network: the thread that makes events asks it before
    /// each group of facts. Events belong to the account that it names.
    fn login(&self) -> Login;

    /// The credentials for the next request. The sending thread waits for the answer, for as long as a request may
    /// take.
    fn credentials(&self, reply: Reply<Credentials>);

    /// The server refused the credentials. Answer whether there may be new ones. If so, the request is sent again at
    /// once; if not, after the usual delay. The sending thread waits for as long as a request may take.
    fn renew(&self, reply: Reply<bool>) {
        reply.give(false);
    }
}

/// No credentials and no accounts: for a server of your own.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it must hold nothing")]
pub struct NoAuth;

impl AuthProvider for NoAuth {
    fn login(&self) -> Login {
        Login::Account(AccountKey::NONE)
    }

    fn credentials(&self, reply: Reply<Credentials>) {
        reply.give(Credentials::Headers { account: AccountKey::NONE, headers: Vec::new() });
    }
}

/// A fixed token.
#[derive(Clone, Debug)]
pub struct BearerToken {
    token: SecretString,
    account: Account,
}

/// Whose requests they are. By default it has neither id, and is no FedRAMP account.
///
/// ```
/// use turnledger::delivery::auth::Account;
///
/// let account = Account::default().id("account-1").user("user-1");
/// assert_ne!(account.key(), Account::default().id("account-1").key());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// The account's id.
    pub id: Option<String>,
    /// The user's id, if an account has several users. No header has it.
    pub user: Option<String>,
    /// Whether it is a FedRAMP account.
    pub is_fedramp: bool,
}

impl Account {
    /// With this account's id.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// With this user's id.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Whether it is a FedRAMP account.
    #[must_use]
    pub const fn is_fedramp(mut self, is_fedramp: bool) -> Self {
        self.is_fedramp = is_fedramp;
        self
    }

    /// How events know it.
    pub fn key(&self) -> AccountKey {
        AccountKey::of(self.id.as_deref(), self.user.as_deref())
    }

    fn headers(&self) -> impl Iterator<Item = Header> {
        let id = self.id.as_deref().map(|id| Header::new("ChatGPT-Account-ID", id));
        id.into_iter().chain(self.is_fedramp.then(|| Header::new("X-OpenAI-Fedramp", "true")))
    }

    fn credentials(&self, authorization: Header) -> Credentials {
        let headers = std::iter::once(authorization).chain(self.headers()).collect();
        Credentials::Headers { account: self.key(), headers }
    }
}

impl BearerToken {
    /// A token and the account that it is of.
    pub fn new(token: SecretString, account: Account) -> Self {
        Self { token, account }
    }

    #[cfg(feature = "upload")]
    pub(super) fn has_same_token(&self, other: &Self) -> bool {
        self.token.expose_secret() == other.token.expose_secret()
    }

    /// What it puts on a request.
    pub(super) fn now(&self) -> Credentials {
        self.account.credentials(Header::bearer(&self.token))
    }
}

impl AuthProvider for BearerToken {
    fn login(&self) -> Login {
        Login::Account(self.account.key())
    }

    fn credentials(&self, reply: Reply<Credentials>) {
        reply.give(self.now());
    }
}

/// Signs assertions of an agent's identity.
pub trait AssertionSigner: Send + Sync + fmt::Debug {
    /// Whether it can sign now. It must answer at once. If it cannot, the fallback is asked.
    fn is_ready(&self) -> bool;

    /// A signed assertion for the task that uploads. Drop the reply if the feature is off, the host is not supported
    /// or the agent is not registered.
    fn assertion(&self, reply: Reply<SecretString>);
}

/// An agent's signed assertion, with another provider for when there is none.
#[derive(Debug)]
pub struct AgentAssertion<S, F> {
    signer: S,
    account: Account,
    fallback: Arc<F>,
}

impl<S: AssertionSigner, F: AuthProvider> AgentAssertion<S, F> {
    /// Assertions by `signer` for an account, or `fallback`.
    pub fn new(signer: S, account: Account, fallback: F) -> Self {
        Self { signer, account, fallback: Arc::new(fallback) }
    }
}

impl<S: AssertionSigner, F: AuthProvider + 'static> AuthProvider for AgentAssertion<S, F> {
    fn login(&self) -> Login {
        if self.signer.is_ready() { Login::Account(self.account.key()) } else { self.fallback.login() }
    }

    fn credentials(&self, reply: Reply<Credentials>) {
        let (account, fallback) = (self.account.clone(), self.fallback.clone());
        self.signer.assertion(Reply::new(move |assertion: Option<SecretString>| match assertion {
            Some(assertion) => {
                let value = format!("AgentAssertion {}", assertion.expose_secret());
                reply.give(account.credentials(Header::new("Authorization", value)));
            }
            None => fallback.credentials(reply),
        }));
    }

    fn renew(&self, reply: Reply<bool>) {
        self.fallback.renew(reply);
    }
}

/// What asks a client of the app-server for a new token.
///
/// ```
/// use std::sync::Arc;
///
/// use turnledger::delivery::Reply;
/// use turnledger::delivery::auth::{Account, AuthProvider, Credentials, SuppliedToken, TokenRefresher};
/// use turnledger::secrecy::{ExposeSecret, SecretString};
///
/// struct Outgoing {
///     client: Client,
///     runtime: tokio::Handle,
/// }
///
/// impl TokenRefresher for Outgoing {
///     fn refresh(&self, reply: Reply<SecretString>) {
///         let client = self.client.clone();
///         // The thread that asks belongs to no runtime.
///         self.runtime.spawn(async move {
///             if let Ok(token) = client.refresh_token().await {
///                 reply.give(token.into());
///             } // Dropping the reply says that there is no token.
///         });
///     }
/// }
/// # #[derive(Clone)]
/// # struct Client;
/// # impl Client {
/// #     async fn refresh_token(&self) -> Result<String, std::io::Error> { Ok("renewed".into()) }
/// # }
/// # mod tokio {
/// #     pub struct Handle;
/// #     impl Handle {
/// #         pub fn spawn<F: Future<Output = ()> + Send + 'static>(&self, task: F) {
/// #             let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// #             assert!(std::pin::pin!(task).poll(&mut context).is_ready());
/// #         }
/// #     }
/// # }
///
/// let outgoing = Arc::new(Outgoing { client: Client, runtime: tokio::Handle });
/// let token = SuppliedToken::new("stale".into(), Account::default(), Arc::downgrade(&outgoing));
/// token.renew(Reply::new(|renewed| assert_eq!(renewed, Some(true))));
/// token.credentials(Reply::new(|credentials| {
///     let Some(Credentials::Headers { headers, .. }) = credentials else { panic!("{credentials:?}") };
///     assert_eq!(headers[0].value.expose_secret(), "Bearer renewed");
/// }));
/// ```
pub trait TokenRefresher: Send + Sync {
    /// Asks. The answer may come later, from any thread or task.
    fn refresh(&self, reply: Reply<SecretString>);
}

/// A token that a client of the app-server supplied and can renew.
///
/// It holds the app-server's sender weakly, and takes hold of it only while a refresh is asked for: it
/// never keeps the app-server alive.
pub struct SuppliedToken<R: ?Sized> {
    held: Arc<Mutex<BearerToken>>,
    refresher: Weak<R>,
}

impl<R: ?Sized> fmt::Debug for SuppliedToken<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SuppliedToken").field("account", &self.now().account).finish_non_exhaustive()
    }
}

impl<R: ?Sized> SuppliedToken<R> {
    /// A token, its account, and who can renew it.
    pub fn new(token: SecretString, account: Account, refresher: Weak<R>) -> Self {
        Self { held: Arc::new(Mutex::new(BearerToken::new(token, account))), refresher }
    }

    /// A client supplied another token, perhaps of another account.
    pub fn replace(&self, token: SecretString, account: Account) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = BearerToken::new(token, account);
    }

    fn now(&self) -> BearerToken {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<R: TokenRefresher + ?Sized> AuthProvider for SuppliedToken<R> {
    fn login(&self) -> Login {
        self.now().login()
    }

    fn credentials(&self, reply: Reply<Credentials>) {
        reply.give(self.now().now());
    }

    fn renew(&self, reply: Reply<bool>) {
        let Some(refresher) = self.refresher.upgrade() else { return reply.give(false) };
        let (held, before) = (self.held.clone(), self.now().account);
        refresher.refresh(Reply::new(move |token| {
            let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
            // Meanwhile the client may have supplied a token of another account.
            let renewed = token.filter(|_| held.account == before).map(|token| held.token = token).is_some();
            drop(held);
            reply.give(renewed);
        }));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::{Duration, Instant};

    use super::super::reply::wait_for;
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    fn shown(provider: &dyn AuthProvider) -> Vec<(String, String)> {
        let credentials = wait_for(soon(), |reply| provider.credentials(reply));
        let Some(Credentials::Headers { account, headers }) = credentials else { panic!("{credentials:?}") };
        assert_eq!(provider.login(), Login::Account(account), "events are bound to who uploads them");
        headers.iter().map(|header| (header.name.clone(), header.value.expose_secret().to_owned())).collect()
    }

    fn pairs(headers: &[(&str, &str)]) -> Vec<(String, String)> {
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[derive(Debug)]
    struct Signer(Option<&'static str>);

    impl AssertionSigner for Signer {
        fn is_ready(&self) -> bool {
            self.0.is_some()
        }

        fn assertion(&self, reply: Reply<SecretString>) {
            if let Some(signed) = self.0 {
                reply.give(signed.into());
            }
        }
    }

    #[test]
    fn headers_of_each_provider() {
        let account = Account { id: Some("account-1".into()), user: Some("user-1".into()), is_fedramp: true };
        let bearer = BearerToken::new("token-1".into(), account.clone());
        let of_account = [("ChatGPT-Account-ID", "account-1"), ("X-OpenAI-Fedramp", "true")];
        let with = |first| pairs(&[&[("Authorization", first)][..], &of_account].concat());
        assert_eq!(shown(&NoAuth), []);
        assert_eq!(shown(&bearer), with("Bearer token-1"));
        let assertion = |signed| AgentAssertion::new(Signer(signed), account.clone(), bearer.clone());
        assert_eq!(shown(&assertion(Some("signed"))), with("AgentAssertion signed"));
        assert_eq!(shown(&assertion(None)), with("Bearer token-1"));
        for debug in [format!("{bearer:?}"), format!("{:?}", bearer.now())] {
            assert!(!debug.contains("token-1"), "{debug}");
        }
    }

    struct Sender(AtomicU32);

    impl TokenRefresher for Sender {
        fn refresh(&self, reply: Reply<SecretString>) {
            reply.give(format!("renewed-{}", self.0.fetch_add(1, Ordering::Relaxed)).into());
        }
    }

    #[test]
    fn the_app_server_is_never_kept_alive() {
        let sender = Arc::new(Sender(AtomicU32::new(0)));
        let provider = SuppliedToken::new("first".into(), Account::default(), Arc::downgrade(&sender));
        let renew = || wait_for(soon(), |reply| provider.renew(reply));
        assert_eq!(Arc::strong_count(&sender), 1);
        assert_eq!(renew(), Some(true));
        assert_eq!(shown(&provider), pairs(&[("Authorization", "Bearer renewed-0")]));
        assert_eq!(Arc::strong_count(&sender), 1);
        drop(sender);
        assert_eq!(renew(), Some(false));
        assert!(!format!("{provider:?}").contains("renewed"));
    }

    /// Keeps who asked waiting.
    struct Slow(Mutex<Option<Reply<SecretString>>>);

    impl TokenRefresher for Slow {
        fn refresh(&self, reply: Reply<SecretString>) {
            *self.0.lock().unwrap() = Some(reply);
        }
    }

    #[test]
    fn a_token_that_comes_too_late_is_of_no_other_account() {
        let slow = Arc::new(Slow(Mutex::new(None)));
        let provider = SuppliedToken::new("first".into(), Account::default(), Arc::downgrade(&slow));
        assert_eq!(wait_for(Instant::now(), |reply| provider.renew(reply)), None);
        let other = Account { id: Some("other".into()), ..Account::default() };
        provider.replace("second".into(), other);
        slow.0.lock().unwrap().take().unwrap().give("late".into());
        assert_eq!(shown(&provider), pairs(&[("Authorization", "Bearer second"), ("ChatGPT-Account-ID", "other")]));
    }
}
