//! Where events would be sent.

use std::fmt;
#[cfg(unix)]
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use turnledger::delivery::account::Login;

use super::{Problem, quoted};
use crate::settings::Settings;

/// Where events would be sent, and under which credentials. No server is asked.
#[derive(Debug, Serialize)]
pub(super) struct Upload {
    /// Where requests go; null: nothing is sent.
    url: Option<String>,
    /// The file with credentials; null: requests have none, or a token.
    auth: Option<PathBuf>,
    /// What the file has; null without one.
    credentials: Option<Credentials>,
    /// The file with a token alone; null without one.
    token_file: Option<PathBuf>,
    /// The certificates that are trusted instead of the system's.
    certificates: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Credentials {
    Account,
    ApiKey,
    Missing,
}

impl Upload {
    pub(super) fn of(settings: &Settings, problems: &mut Vec<Problem>) -> Self {
        let (origin, auth) = (&settings.upload.origin, settings.auth.value.clone());
        let token_file = settings.token_file.value.clone();
        let url = settings.endpoint().unwrap_or_else(|error| {
            problems.push(Problem::new("upload", error, format!("name a server, or `none`, in {origin}")));
            None
        });
        if let Err(error) = settings.policy() {
            problems.push(Problem::new("upload", error, "mend the rule, or take it out"));
        }
        let credentials = auth.as_ref().map(|_| match settings.auth().login() {
            Login::Account(_) => Credentials::Account,
            Login::NotBackend => Credentials::ApiKey,
            _ => Credentials::Missing,
        });
        // Who sends nothing needs neither.
        if url.is_some() {
            let file = auth.as_ref().map(|auth| auth.display().to_string()).unwrap_or_default();
            let problem = match credentials {
                Some(Credentials::Missing) => Some(format!("{file} has no credentials, so events are dropped")),
                Some(Credentials::ApiKey) => {
                    Some(format!("{file} has an API key alone, and events of API keys are not sent"))
                }
                _ => None,
            };
            problems.extend(problem.map(|problem| Problem::new("upload", problem, "`codex login` writes credentials")));
            if let Err(error) = settings.check_token() {
                let remedy = "write a token to it, as `turnledger collect token add` prints one";
                problems.push(Problem::new("upload", error, remedy));
            } else if let Err(error) = settings.courier() {
                let remedy =
                    format!("name a file with PEM certificates, or `none`, in {}", settings.certificates.origin);
                problems.push(Problem::new("upload", error, remedy));
            }
        }
        if let Some(file) = token_file.as_deref().filter(|file| is_open(file)) {
            let problem = format!("other users of this machine may read the token in {}", file.display());
            problems.push(Problem::new("upload", problem, format!("`chmod go= {}`", quoted(file))));
        }
        let url = url.map(|endpoint| endpoint.url().to_owned());
        Self { url, auth, credentials, token_file, certificates: settings.certificates.value.clone() }
    }
}

impl fmt::Display for Upload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(url) = &self.url else { return write!(formatter, "nowhere: nothing is sent") };
        write!(formatter, "to {url}, ")?;
        match (&self.auth, self.credentials) {
            (Some(auth), Some(Credentials::Account)) => write!(formatter, "with the account in {}", auth.display()),
            (Some(auth), _) => write!(formatter, "but without an account: see {}", auth.display()),
            (None, _) => match &self.token_file {
                Some(file) => write!(formatter, "with the token in {}", file.display()),
                None => write!(formatter, "without credentials"),
            },
        }
    }
}

/// Whether others than its owner may read a file.
#[cfg(unix)]
fn is_open(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;

    fs::metadata(file).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
const fn is_open(_: &Path) -> bool {
    false
}
