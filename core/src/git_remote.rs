//! The canonical form of a Git remote's URL (contract `rules.md` 8.6).

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use crate::digest::{Digest, DigestValue, Domain, fingerprint};

/// The canonical form of `url`, `host/path`, or `None` if it has none.
pub fn canonical(url: &str) -> Option<String> {
    let url = url.trim().trim_end_matches('/');
    let url = url.strip_suffix(".git").unwrap_or(url);
    let (host, path, default_port) = split(url)?;

    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let mut host = host.trim().trim_end_matches('/').to_ascii_lowercase();
    if let Some(default_port) = default_port
        && let Some((name, port)) = host.rsplit_once(':')
        && port == default_port
    {
        host = name.into();
    }
    if host.is_empty() {
        return None;
    }

    let path = path.trim().trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if parts.len() < 2 || parts[..2].iter().any(|part| matches!(*part, "." | "..")) {
        return None;
    }
    let mut path = parts.join("/");
    if host == "github.com" {
        path.make_ascii_lowercase();
    }
    Some(alloc::format!("{host}/{path}"))
}

/// The hash of a repository by its remote's URL (contract `rules.md` 8.5): of the canonical form, or
/// of the URL without credentials where it has none.
pub fn repo_hash(digest: &impl Digest, url: &str) -> DigestValue {
    let canonical = canonical(url).map_or_else(|| without_credentials(url), Cow::Owned);
    fingerprint(digest, Domain::Repository, &canonical)
}

/// Splits a URL into host, path and the default port of its scheme.
fn split(url: &str) -> Option<(&str, &str, Option<&'static str>)> {
    if let Some((scheme, rest)) = url.split_once("://") {
        let default_port = match scheme {
            "git" => "9418",
            "http" => "80",
            "https" => "443",
            "ssh" => "22",
            _ => return None,
        };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (host, path) = rest.split_once('/')?;
        return Some((host, path, Some(default_port)));
    }
    if let Some((host, path)) = url.split_once(':')
        && !host.contains('/')
        && !host.is_empty()
        && !path.is_empty()
    {
        return Some((host, path, None));
    }
    let (host, path) = url.split_once('/')?;
    Some((host, path, None))
}

/// A remote's URL as far as an event may show it; `None` for one that is a path of the machine.
pub(crate) fn reportable(url: &str) -> Option<Cow<'_, str>> {
    let drive = url.as_bytes().get(1) == Some(&b':') && url.starts_with(|c: char| c.is_ascii_alphabetic());
    let local =
        drive || url.starts_with(['/', '.', '~', '\\']) || url.starts_with("file:") || !url.contains([':', '/']);
    if local { None } else { Some(without_credentials(url)) }
}

/// A URL as far as it can leave the machine: without password, query and fragment. The user stays
/// only where it is no secret, before a host that is reached by SSH.
pub(crate) fn without_credentials(url: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = url.split_once("://") else {
        // `git@host:path` names a user, `user:password@host/path` more than that.
        let authority = url.split('/').next().unwrap_or_default();
        return match authority.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => Cow::Borrowed(&url[user.len() + 1..]),
            _ => Cow::Borrowed(url),
        };
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let host = match authority.rsplit_once('@') {
        None => Cow::Borrowed(authority),
        Some((user, host)) if scheme.ends_with("ssh") => {
            Cow::Owned(alloc::format!("{}@{host}", user.split(':').next().unwrap_or_default()))
        }
        Some((_, host)) => Cow::Borrowed(host),
    };
    Cow::Owned(alloc::format!("{scheme}://{host}{path}"))
}

#[cfg(test)]
mod tests {
    use super::{canonical, reportable, without_credentials};

    /// Every row of the table in contract `rules.md` 8.6, and more hosts as they fall out of its rules.
    #[test]
    fn table() {
        let rows = [
            ("git@github.com:Acme/Widget.git", Some("github.com/acme/widget")),
            ("ssh://git@github.com/acme/widget.git", Some("github.com/acme/widget")),
            ("ssh://git@github.com:22/Acme/Widget.git", Some("github.com/acme/widget")),
            ("ssh://git@github.com:2222/Acme/Widget.git", Some("github.com:2222/Acme/Widget")),
            ("https://github.com/acme/widget.git", Some("github.com/acme/widget")),
            ("https://github.com:443/acme/widget.git", Some("github.com/acme/widget")),
            ("https://github.com:8443/acme/widget.git", Some("github.com:8443/acme/widget")),
            ("http://github.com:80/acme/widget", Some("github.com/acme/widget")),
            ("http://github.com:443/acme/widget", Some("github.com:443/acme/widget")),
            ("git://github.com:9418/acme/widget", Some("github.com/acme/widget")),
            ("https://tok:en@github.com/Acme/Widget/", Some("github.com/acme/widget")),
            ("https://github.com/acme/widget.git/", Some("github.com/acme/widget")),
            ("https://github.com/acme/widget.git?x=1", Some("github.com/acme/widget")),
            ("https://github.com/acme/widget.git#frag", Some("github.com/acme/widget")),
            ("https://github.com/acme/widget.git.git", Some("github.com/acme/widget")),
            ("github.com/Acme/Widget.git", Some("github.com/acme/widget")),
            ("GitHub.com/Acme/Widget", Some("github.com/acme/widget")),
            ("user@github.com/acme/widget", Some("github.com/acme/widget")),
            ("www.github.com/Acme/Widget", Some("www.github.com/Acme/Widget")),
            ("  https://github.com/acme/widget.git  ", Some("github.com/acme/widget")),
            ("https://github.com/acme/widget/tree/main", Some("github.com/acme/widget/tree/main")),
            ("https://github.com/acme/widget/..", Some("github.com/acme/widget/..")),
            ("https://github.com/acme/..", None),
            ("https://github.com/./widget", None),
            ("https://github.com/Acme/W%20idget", Some("github.com/acme/w%20idget")),
            ("git@ghe.corp.test:Team/Proj.git", Some("ghe.corp.test/Team/Proj")),
            ("ssh://git@ghe.corp.test:2222/Team/Proj.git", Some("ghe.corp.test:2222/Team/Proj")),
            ("https://gitlab.test/group/sub/Proj.git", Some("gitlab.test/group/sub/Proj")),
            ("https://gitlab.test//group//Proj", Some("gitlab.test/group/Proj")),
            ("ssh://git@host.test/~user/repo.git", Some("host.test/~user/repo")),
            ("git@host.test:/srv/git/Proj.git", Some("host.test/srv/git/Proj")),
            ("git@github.com:22/Acme/Widget.git", Some("github.com/22/acme/widget")),
            ("host.test:9418/a/b", Some("host.test/9418/a/b")),
            ("host.test:owner/repo", Some("host.test/owner/repo")),
            ("https://[::1]:443/a/b", Some("[::1]/a/b")),
            ("ssh://git@[2001:db8::1]:2222/Team/Proj.git", Some("[2001:db8::1]:2222/Team/Proj")),
            ("ssh://git@[2001:DB8::1]:22/Team/Proj.git", Some("[2001:db8::1]/Team/Proj")),
            ("https://org@dev.azure.com/Org/Project/_git/Repo", Some("dev.azure.com/Org/Project/_git/Repo")),
            ("git@ssh.dev.azure.com:v3/Org/Project/Repo", Some("ssh.dev.azure.com/v3/Org/Project/Repo")),
            ("git@gitlab.com:group/sub/deeper/repo.git", Some("gitlab.com/group/sub/deeper/repo")),
            ("https://user:p@ss@host.test/a/b", Some("host.test/a/b")),
            ("./rel/widget.git", Some("./rel/widget")),
            ("C:/home/dev/widget", Some("c/home/dev/widget")),
            ("HTTPS://github.com/acme/widget", None),
            ("git+ssh://git@github.com/acme/widget.git", None),
            ("file:///srv/git/widget.git", None),
            ("/srv/git/widget.git", None),
            ("../widget.git", None),
            ("C:\\work\\widget", None),
            ("git@host.test:proj.git", None),
            ("https://github.com/acme", None),
            ("https://github.com", None),
            ("github.com/acme", None),
            ("https:///a/b", None),
            (".git", None),
            ("", None),
        ];
        for (url, expected) in rows {
            assert_eq!(canonical(url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn local_remotes_are_not_reported() {
        for url in ["/srv/git/a.git", "../a.git", "~/a.git", "file:///srv/a.git", "C:\\work\\a", "\\\\host\\a", "a"] {
            assert_eq!(reportable(url), None, "{url}");
        }
        for url in ["git@github.com:Acme/Demo-App.git", "https://github.com/acme/widget.git", "host.test/a/b"] {
            assert_eq!(reportable(url).as_deref(), Some(url));
        }
    }

    #[test]
    fn credentials_do_not_survive() {
        for (url, expected) in [
            ("https://tok:en@github.com/a/b.git?token=x#y", "https://github.com/a/b.git"),
            ("https://token@github.com/a/b", "https://github.com/a/b"),
            ("ssh://git:pw@host.test/a/b", "ssh://git@host.test/a/b"),
            ("git@github.com:Acme/Demo-App.git", "git@github.com:Acme/Demo-App.git"),
            ("user:secret@github.com/a/b", "github.com/a/b"),
            ("https://github.com", "https://github.com"),
        ] {
            assert_eq!(without_credentials(url), expected);
        }
    }
}
