//! The canonical form of a Git remote's URL (`docs/contract/rules.md` 8.6).

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use crate::digest::{Digest, DigestValue, Domain, fingerprint};

/// The canonical form of `url`, `host/path`, or `None` if it has none. What one repository is called by
/// several hosts or paths of a hosting service is one form, beyond the contract.
pub fn canonical(url: &str) -> Option<String> {
    let (host, mut parts) = parts(url)?;
    let mut host = &*host;
    match host {
        "ssh.github.com" | "ssh.github.com:443" => host = GITHUB,
        "altssh.gitlab.com" | "altssh.gitlab.com:443" => host = "gitlab.com",
        "altssh.bitbucket.org" | "altssh.bitbucket.org:443" => host = BITBUCKET,
        _ => {}
    }
    if let ("ssh.dev.azure.com" | "vs-ssh.visualstudio.com", ["v3", organisation, project, name]) = (host, &parts[..]) {
        host = AZURE;
        parts = [*organisation, project, "_git", name].into();
    } else if let Some(organisation) = host.strip_suffix(".visualstudio.com")
        && !matches!(organisation, "" | "vs-ssh")
    {
        host = AZURE;
        if parts[0].eq_ignore_ascii_case("DefaultCollection") {
            parts.remove(0);
        }
        parts.insert(0, organisation);
    } else if let Some(server) = host.strip_suffix(":7999")
        && !server.is_empty()
        && parts.len() == 2
    {
        // Bitbucket Data Center: its port for SSH, and the folder that it has over HTTPS.
        host = server;
        parts.insert(0, "scm");
    }
    // A project's first repository has its name.
    if let (AZURE, [_, "_git", name]) = (host, &parts[..]) {
        parts.insert(1, name);
    }
    let has_one_case = matches!(host, GITHUB | BITBUCKET | AZURE) || (parts.len() == 3 && parts[0] == "scm");
    is_path(&parts).then(|| joined(host, &parts, has_one_case))
}

/// Whether a host, in lower case, stands in no canonical form: [`canonical`] puts another in its place.
pub(crate) fn is_rewritten(host: &str) -> bool {
    let name = host.strip_suffix(":443").unwrap_or(host);
    matches!(name, "ssh.github.com" | "altssh.gitlab.com" | "altssh.bitbucket.org" | "ssh.dev.azure.com")
        || name.ends_with("visualstudio.com")
        || host.ends_with(":7999")
}

const GITHUB: &str = "github.com";
const BITBUCKET: &str = "bitbucket.org";
const AZURE: &str = "dev.azure.com";

fn joined(host: &str, parts: &[&str], has_one_case: bool) -> String {
    let mut path = parts.join("/");
    if has_one_case {
        path.make_ascii_lowercase();
    }
    alloc::format!("{host}/{path}")
}

/// The host and the parts of the path: at least two.
fn parts(url: &str) -> Option<(String, Vec<&str>)> {
    let url = url.trim().trim_end_matches('/');
    let url = url.strip_suffix(".git").unwrap_or(url);
    let (host, path, default_port) = split(url)?;

    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let mut host = host.trim().trim_end_matches('/').to_ascii_lowercase();
    if let Some(default_port) = default_port
        && let Some((name, port)) = host.rsplit_once(':')
        && (port.is_empty() || port == default_port)
    {
        host.truncate(name.len());
    }
    if host.is_empty() {
        return None;
    }

    let path = path.trim().trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    is_path(&parts).then_some((host, parts))
}

fn is_path(parts: &[&str]) -> bool {
    parts.len() >= 2 && !parts[..2].iter().any(|part| matches!(*part, "." | ".."))
}

/// The hash of a repository by its remote's URL (`docs/contract/rules.md` 8.5): of the canonical form, or
/// of the URL without credentials where it has none.
pub fn repo_hash(digest: &impl Digest, url: &str) -> DigestValue {
    let canonical = canonical(url).map_or_else(|| without_credentials(url), Cow::Owned);
    fingerprint(digest, Domain::Repository, &canonical)
}

/// The hashes by which events may know a repository: [`repo_hash`], and that of the contract's own
/// form, which others make and which has a form for each spelling.
pub fn repo_hashes(digest: &impl Digest, url: &str) -> impl Iterator<Item = DigestValue> {
    let spelled = parts(url).map(|(host, parts)| joined(&host, &parts, host == GITHUB));
    let spelled = spelled.map(|form| fingerprint(digest, Domain::Repository, &form));
    core::iter::once(repo_hash(digest, url)).chain(spelled)
}

/// Splits a URL into host, path and the default port of its scheme.
fn split(url: &str) -> Option<(&str, &str, Option<&'static str>)> {
    if let Some((scheme, rest)) = url.split_once("://") {
        let schemes = [("git", "9418"), ("http", "80"), ("https", "443"), ("ssh", "22")];
        let (_, default_port) = schemes.into_iter().find(|(known, _)| scheme.eq_ignore_ascii_case(known))?;
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
    let is_file = url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:"));
    let local = drive || is_file || url.starts_with(['/', '.', '~', '\\']) || !url.contains([':', '/']);
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
        Some((user, host)) if scheme.to_ascii_lowercase().ends_with("ssh") => {
            Cow::Owned(alloc::format!("{}@{host}", user.split(':').next().unwrap_or_default()))
        }
        Some((_, host)) => Cow::Borrowed(host),
    };
    Cow::Owned(alloc::format!("{scheme}://{host}{path}"))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{canonical, repo_hashes, reportable, without_credentials};
    use crate::digest::{Domain, Sha2, fingerprint};

    /// The rows of the table in `docs/contract/rules.md` 8.6, and many more. The reference takes `HTTPS://` for none; here
    /// it is a scheme in capitals.
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
            ("git@gitlab.com:group/sub/deeper/repo.git", Some("gitlab.com/group/sub/deeper/repo")),
            ("https://user:p@ss@host.test/a/b", Some("host.test/a/b")),
            ("./rel/widget.git", Some("./rel/widget")),
            ("C:/home/dev/widget", Some("c/home/dev/widget")),
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

    /// The ways in which a service spells the URL of one repository.
    #[test]
    fn spellings() {
        let table: [(&str, &[&str]); 6] = [
            (
                "github.com/acme/widget",
                &[
                    "https://github.com/Acme/Widget",
                    "HTTPS://github.com/acme/widget.git",
                    "Ssh://git@GITHUB.com:22/acme/widget",
                    "https://github.com:/acme/widget",
                    "ssh://git@ssh.github.com:443/acme/widget.git",
                    "git@ssh.github.com:acme/widget.git",
                ],
            ),
            (
                "gitlab.com/acme/deep/Widget",
                &["git@gitlab.com:acme/deep/Widget.git", "ssh://git@altssh.gitlab.com:443/acme/deep/Widget.git"],
            ),
            (
                "bitbucket.org/acme/widget",
                &[
                    "https://someone@bitbucket.org/Acme/widget.git",
                    "git@bitbucket.org:acme/widget.git",
                    "ssh://git@altssh.bitbucket.org:443/acme/widget.git",
                ],
            ),
            (
                "bitbucket.acme.test/scm/shop/web",
                &[
                    "https://someone@bitbucket.acme.test/scm/SHOP/web.git",
                    "ssh://git@bitbucket.acme.test:7999/shop/web.git",
                ],
            ),
            (
                "dev.azure.com/acme/shop/_git/web",
                &[
                    "https://acme@dev.azure.com/Acme/Shop/_git/Web",
                    "git@ssh.dev.azure.com:v3/acme/Shop/Web",
                    "ssh://git@ssh.dev.azure.com:22/v3/acme/Shop/Web",
                    "https://acme.visualstudio.com/Shop/_git/Web",
                    "https://Acme.visualstudio.com/DefaultCollection/Shop/_git/Web",
                    "acme@vs-ssh.visualstudio.com:v3/acme/Shop/Web",
                ],
            ),
            (
                "dev.azure.com/acme/shop/_git/shop",
                &[
                    "https://dev.azure.com/acme/_git/shop",
                    "https://acme.visualstudio.com/_git/shop",
                    "git@ssh.dev.azure.com:v3/acme/shop/shop",
                ],
            ),
        ];
        for (expected, urls) in table {
            for url in urls {
                assert_eq!(canonical(url).as_deref(), Some(expected), "{url}");
            }
        }
        // Others of the like are left alone.
        for (url, expected) in [
            ("ssh://git@host.test:7999/group/sub/repo", "host.test:7999/group/sub/repo"),
            ("https://gitlab.com/scm/group/Sub/repo", "gitlab.com/scm/group/Sub/repo"),
            ("git@ssh.dev.azure.com:v4/acme/Shop/Web", "ssh.dev.azure.com/v4/acme/Shop/Web"),
            ("acme@vs-ssh.visualstudio.com:22/Shop/Web", "vs-ssh.visualstudio.com/22/Shop/Web"),
            ("https://.visualstudio.com/Shop/_git/Web", ".visualstudio.com/Shop/_git/Web"),
            ("ssh://:7999/shop/web", ":7999/shop/web"),
            ("https://visualstudio.com/Shop/_git/Web", "visualstudio.com/Shop/_git/Web"),
        ] {
            assert_eq!(canonical(url).as_deref(), Some(expected), "{url}");
        }
        assert_eq!(canonical("git@ssh.dev.azure.com:v3/acme/../Web"), None);
    }

    #[test]
    fn others_know_a_repository_by_one_spelling() {
        let digest = Sha2::default();
        let hashes = |url| repo_hashes(&digest, url).collect::<Vec<_>>();
        let form = |form: &str| fingerprint(&digest, Domain::Repository, form);
        let azure = "git@ssh.dev.azure.com:v3/Acme/Shop/Web";
        let known = [form("dev.azure.com/acme/shop/_git/web"), form("ssh.dev.azure.com/v3/Acme/Shop/Web")];
        assert_eq!(hashes(azure), known);
        assert_eq!(hashes("https://github.com/Acme/widget"), [form("github.com/acme/widget"); 2]);
        assert_eq!(hashes("file:///srv/a"), [form("file:///srv/a")]);
    }

    #[test]
    fn local_remotes_are_not_reported() {
        for url in ["/srv/git/a.git", "../a.git", "~/a.git", "File:///srv/a.git", "C:\\work\\a", "\\\\host\\a", "a"] {
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
