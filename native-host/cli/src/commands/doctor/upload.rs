//! Where events would be sent.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use turnledger::delivery::account::Login;

use super::Problem;
use crate::settings::Settings;

/// Where events would be sent, and under which credentials. No server is asked.
#[derive(Debug, Serialize)]
pub(super) struct Upload {
    /// Where requests go; null: nothing is sent.
    url: Option<String>,
    /// The file with credentials; null: requests have none.
    auth: Option<PathBuf>,
    /// What the file has; null without one.
    credentials: Option<Credentials>,
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
            if let Err(error) = settings.courier() {
                let remedy =
                    format!("name a file with PEM certificates, or `none`, in {}", settings.certificates.origin);
                problems.push(Problem::new("upload", error, remedy));
            }
        }
        let url = url.map(|endpoint| endpoint.url().to_owned());
        Self { url, auth, credentials, certificates: settings.certificates.value.clone() }
    }
}

impl fmt::Display for Upload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(url) = &self.url else { return write!(formatter, "nowhere: nothing is sent") };
        write!(formatter, "to {url}, ")?;
        match (&self.auth, self.credentials) {
            (Some(auth), Some(Credentials::Account)) => write!(formatter, "with the account in {}", auth.display()),
            (Some(auth), _) => write!(formatter, "but without an account: see {}", auth.display()),
            (None, _) => write!(formatter, "without credentials"),
        }
    }
}
