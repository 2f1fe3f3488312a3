//! Credentials in a file: of Codex's `auth.json` form, or a token alone.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::account::{AccountKey, Login};
use super::auth::{Account, AuthProvider, BearerToken, Credentials};
use super::reply::Reply;

/// A file of Codex's `auth.json` form, or with a bearer token alone, read again when it changes.
///
/// In `auth.json` the account is the file's `account_id` with the user that its tokens name. All tokens that name neither belong to
/// one account, because a refreshed token cannot be told from another account's.
///
/// A token alone says nothing of an account. All belong to one, and events are made while there is no token yet.
#[derive(Debug)]
pub struct TokenFile {
    path: PathBuf,
    form: Form,
    read: Mutex<Option<Read>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    AuthJson,
    Bearer,
}

/// What was read, and of which state of the file.
#[derive(Debug)]
struct Read {
    modified: SystemTime,
    len: u64,
    /// Whether the file was old enough for a later change to show in its time.
    is_settled: bool,
    found: Found,
}

/// How coarse a file system's times may be.
const TIME_STEP: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
enum Found {
    Token(BearerToken),
    ApiKey,
    Nobody,
}

impl TokenFile {
    /// The `auth.json` at `path`, which need not be there yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path, form: Form::AuthJson, read: Mutex::new(None) }
    }

    /// The file at `path` with a bearer token alone, which need not be there yet. Space around the token does not count.
    pub fn bearer(path: PathBuf) -> Self {
        Self { path, form: Form::Bearer, read: Mutex::new(None) }
    }

    fn found(&self) -> Found {
        let Ok(file) = fs::metadata(&self.path) else { return Found::Nobody };
        let (modified, len) = (file.modified().unwrap_or(SystemTime::UNIX_EPOCH), file.len());
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = &*read
            && read.is_settled
            && (read.modified, read.len) == (modified, len)
        {
            return read.found.clone();
        }
        // A file that is being written is read the next time.
        let Ok(text) = fs::read(&self.path).map(SecretBytes) else { return Found::Nobody };
        let found = match self.form {
            Form::AuthJson => of_auth_json(&text.0),
            Form::Bearer => of_bearer(&text.0),
        };
        let Some(found) = found else { return Found::Nobody };
        let is_settled = SystemTime::now().duration_since(modified).is_ok_and(|age| age > TIME_STEP);
        *read = Some(Read { modified, len, is_settled, found: found.clone() });
        found
    }
}

/// What an `auth.json` has; null for what is none.
fn of_auth_json(text: &[u8]) -> Option<Found> {
    let auth: AuthJson = serde_json::from_slice(text).ok()?;
    Some(match (auth.tokens, auth.api_key) {
        (Some(tokens), _) => Found::Token(tokens.into_bearer()),
        (None, Some(_)) => Found::ApiKey,
        (None, None) => Found::Nobody,
    })
}

/// The token of a file that has nothing else; null for what is none.
fn of_bearer(text: &[u8]) -> Option<Found> {
    let token = str::from_utf8(text).ok()?.trim();
    let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    is_token.then(|| Found::Token(BearerToken::new(token.into(), Account::default())))
}

impl AuthProvider for TokenFile {
    fn login(&self) -> Login {
        match self.found() {
            Found::Token(token) => token.login(),
            Found::ApiKey => Login::NotBackend,
            Found::Nobody if self.form == Form::Bearer => Login::Account(AccountKey::of(None, None)),
            Found::Nobody => Login::LoggedOut,
        }
    }

    fn credentials(&self, reply: Reply<Credentials>) {
        reply.give(match self.found() {
            Found::Token(token) => token.now(),
            Found::ApiKey => Credentials::NotBackend,
            Found::Nobody => Credentials::Missing,
        });
    }

    /// The file's owner refreshes the token. This only makes sure that the file is read again.
    fn renew(&self, reply: Reply<bool>) {
        let before = self.read.lock().unwrap_or_else(PoisonError::into_inner).take().map(|read| read.found);
        reply.give(match (before, self.found()) {
            (Some(Found::Token(before)), Found::Token(now)) => !before.has_same_token(&now),
            _ => false,
        });
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
    id_token: Option<SecretString>,
    account_id: Option<String>,
    /// Set for accounts of the kind; older files leave it to the id token.
    #[serde(default)]
    is_fedramp: bool,
}

impl Tokens {
    fn into_bearer(self) -> BearerToken {
        let claims = self.id_token.as_ref().and_then(claims).or_else(|| claims(&self.access_token)).unwrap_or_default();
        let user = claims.auth.chatgpt_user_id.or(claims.auth.user_id).or(claims.sub);
        let id = self.account_id.or(claims.auth.chatgpt_account_id);
        BearerToken::new(self.access_token, Account { id, user, is_fedramp: self.is_fedramp })
    }
}

/// What a token says of its owner. Nothing is verified: it only tells accounts apart.
#[derive(Default, Deserialize)]
struct Claims {
    sub: Option<String>,
    #[serde(default, rename = "https://api.openai.com/auth")]
    auth: AuthClaims,
}

#[derive(Default, Deserialize)]
struct AuthClaims {
    chatgpt_account_id: Option<String>,
    chatgpt_user_id: Option<String>,
    user_id: Option<String>,
}

/// The claims of a token that is a JWT.
fn claims(token: &SecretString) -> Option<Claims> {
    let payload = token.expose_secret().split('.').nth(1)?;
    serde_json::from_slice(&SecretBytes(BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).0).ok()
}

/// Bytes that are overwritten when they go.
struct SecretBytes(Vec<u8>);

impl Drop for SecretBytes {
    fn drop(&mut self) {
        secrecy::zeroize::Zeroize::zeroize(&mut self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::reply::wait_for;
    use super::*;

    fn credentials(file: &TokenFile) -> Credentials {
        wait_for(Instant::now() + Duration::from_secs(20), |reply| file.credentials(reply)).unwrap()
    }

    fn shown(file: &TokenFile) -> Vec<(String, String)> {
        let Credentials::Headers { account, headers } = credentials(file) else { panic!("no headers") };
        assert_eq!(file.login(), Login::Account(account));
        headers.iter().map(|header| (header.name.clone(), header.value.expose_secret().to_owned())).collect()
    }

    fn pairs(headers: &[(&str, &str)]) -> Vec<(String, String)> {
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_file_is_read_again_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.json");
        let file = TokenFile::new(path.clone());
        let renew = || wait_for(Instant::now() + Duration::from_secs(20), |reply| file.renew(reply)).unwrap();
        assert!(matches!((file.login(), credentials(&file)), (Login::LoggedOut, Credentials::Missing)));
        fs::write(&path, r#"{"OPENAI_API_KEY":"sk-1","tokens":null}"#).unwrap();
        assert!(matches!((file.login(), credentials(&file)), (Login::NotBackend, Credentials::NotBackend)));
        fs::write(&path, r#"{"OPENAI_API_KEY":null,"tokens":{"id_token":"i","access_token":"token-1","refresh_token":"r","account_id":"a"}}"#).unwrap();
        assert_eq!(shown(&file), pairs(&[("Authorization", "Bearer token-1"), ("ChatGPT-Account-ID", "a")]));
        assert!(!renew(), "the file is as it was");
        fs::write(&path, r#"{"tokens":{"access_token":"token-22"}}"#).unwrap();
        assert!(renew());
        assert_eq!(shown(&file), pairs(&[("Authorization", "Bearer token-22")]));
        assert!(!format!("{file:?}").contains("token-22"));
        fs::write(&path, r#"{"tokens":{"acc"#).unwrap();
        assert!(matches!((file.login(), credentials(&file)), (Login::LoggedOut, Credentials::Missing)));
    }

    #[test]
    fn a_token_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("team.token");
        let file = TokenFile::bearer(path.clone());
        let renew = || wait_for(Instant::now() + Duration::from_secs(20), |reply| file.renew(reply)).unwrap();
        // Events are made for the token that comes.
        let login = Login::Account(AccountKey::of(None, None));
        assert!(matches!((file.login(), credentials(&file)), (found, Credentials::Missing) if found == login));
        fs::write(&path, "tl_1\n").unwrap();
        assert_eq!(shown(&file), pairs(&[("Authorization", "Bearer tl_1")]));
        fs::write(&path, " tl_22\r\n").unwrap();
        assert!(renew());
        assert_eq!(shown(&file), pairs(&[("Authorization", "Bearer tl_22")]));
        assert_eq!(file.login(), login);
        for none in ["", " \n", "two words", "a\nb", "\u{fc}"] {
            fs::write(&path, none).unwrap();
            assert!(matches!((file.login(), credentials(&file)), (found, Credentials::Missing) if found == login));
        }
        assert!(!format!("{file:?}").contains("tl_22"));
    }

    /// A token that is a JWT with these claims.
    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn users_of_one_account_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.json");
        let login = |tokens: serde_json::Value| {
            fs::write(&path, serde_json::json!({ "tokens": tokens }).to_string()).unwrap();
            TokenFile::new(path.clone()).login()
        };
        let of = |account, user| Login::Account(AccountKey::of(account, user));
        let auth =
            |user: &str| jwt(&format!(r#"{{"sub":"s","https://api.openai.com/auth":{{"chatgpt_user_id":"{user}"}}}}"#));
        let with =
            |id_token: &str| serde_json::json!({ "access_token": "t", "id_token": id_token, "account_id": "team" });
        assert_eq!(login(with(&auth("one"))), of(Some("team"), Some("one")));
        assert_eq!(login(with(&auth("two"))), of(Some("team"), Some("two")));
        assert_eq!(login(with(&jwt(r#"{"sub":"s"}"#))), of(Some("team"), Some("s")));
        assert_eq!(login(with("no token")), of(Some("team"), None));
        assert_eq!(login(serde_json::json!({ "access_token": jwt(r#"{"sub":"s"}"#) })), of(None, Some("s")));
        assert_eq!(login(serde_json::json!({ "access_token": "opaque" })), of(None, None));
    }
}
