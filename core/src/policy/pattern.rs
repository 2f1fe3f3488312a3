//! Patterns of names, in which `*` stands for any characters.

use alloc::borrow::Cow;
use alloc::string::String;

use crate::git_remote::is_rewritten;

/// A name, or a pattern of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(String);

impl Pattern {
    pub(super) fn new(text: String) -> Option<Self> {
        (!text.is_empty()).then_some(Self(text))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a pattern of this name.
    pub(super) fn fits(&self, name: &str) -> bool {
        fits(self.0.as_bytes(), name.as_bytes())
    }

    /// Whether it is a pattern of this remote, whatever the case, and with or without the port of its host.
    pub(super) fn fits_remote(&self, remote: &str) -> bool {
        let pattern = self.0.to_ascii_lowercase();
        let remote = remote.to_ascii_lowercase();
        let without_port = remote.split_once('/').and_then(|(host, path)| {
            let (host, _) = host.rsplit_once(':')?;
            Some(alloc::format!("{host}/{path}"))
        });
        let remotes = [Some(remote), without_port];
        remotes.iter().flatten().any(|remote| fits(pattern.as_bytes(), remote.as_bytes()))
    }

    /// Whether it can be one of canonical remotes: `host/path`, of a host that stands in them.
    pub(super) fn may_be_remote(&self) -> bool {
        let is_host = |host: &str| host.contains(['.', '*', ':']) || host == "localhost";
        let has_path = match self.0.split_once('/') {
            Some((host, path)) => {
                is_host(host) && !is_rewritten(&host.to_ascii_lowercase()) && !path.is_empty() && !path.ends_with('/')
            }
            None => self.0.contains('*'),
        };
        has_path && !self.0.contains("://") && !self.0.contains('@') && self.0.strip_suffix(".git").is_none()
    }

    /// Whether one of its parts is this name.
    pub(super) fn has_part(&self, name: &str) -> bool {
        self.0.as_bytes().split(|byte| *byte == b'.').any(|part| part == name.as_bytes())
    }

    /// Whether it names the end of this path. It is compared part by part, so that `*` stays within its part.
    pub(super) fn ends(&self, path: &[Cow<'_, str>]) -> bool {
        let mut path = path.iter().rev();
        let mut parts = self.0.as_bytes().rsplit(|byte| *byte == b'.');
        parts.all(|part| path.next().is_some_and(|name| fits(part, name.as_bytes())))
    }
}

fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut in_pattern, mut in_name) = (0, 0);
    // The latest star, and where what it stands for ends.
    let mut star = None;
    loop {
        match (pattern.get(in_pattern), name.get(in_name), star) {
            (Some(b'*'), ..) => {
                star = Some((in_pattern, in_name));
                in_pattern += 1;
            }
            (Some(expected), Some(byte), _) if expected == byte => {
                in_pattern += 1;
                in_name += 1;
            }
            (None, None, _) => return true,
            // The star stands for one byte more.
            (_, _, Some((place, end))) if end < name.len() => {
                (in_pattern, in_name) = (place + 1, end + 1);
                star = Some((place, end + 1));
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use proptest::prelude::*;

    use super::{Pattern, fits};

    /// The definition: a star is nothing, or a character and the star again.
    fn by_definition(pattern: &[char], name: &[char]) -> bool {
        match (pattern, name) {
            ([], []) => true,
            (['*', rest @ ..], _) if by_definition(rest, name) => true,
            (['*', ..], [_, name @ ..]) => by_definition(pattern, name),
            ([expected, pattern @ ..], [first, name @ ..]) => expected == first && by_definition(pattern, name),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn stars(pattern in "[ab*]{0,8}", name in "[ab]{0,8}") {
            let chars = |text: &str| text.chars().collect::<alloc::vec::Vec<_>>();
            prop_assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), by_definition(&chars(&pattern), &chars(&name)));
        }
    }

    #[test]
    fn what_may_be_a_remote() {
        let may_be = |pattern: &str| Pattern::new(String::from(pattern)).unwrap().may_be_remote();
        for pattern in
            ["github.com/acme/*", "*", "*.corp/team/*", "git.corp:8443/a", "dev.azure.com/acme/*", "localhost/a"]
        {
            assert!(may_be(pattern), "{pattern}");
        }
        // Other hosts stand in their place in every remote.
        for pattern in [
            "ssh.github.com/acme/*",
            "SSH.GitHub.com:443/acme/*",
            "altssh.gitlab.com/a",
            "*.visualstudio.com/*",
            "git.acme:7999/team/w",
        ] {
            assert!(!may_be(pattern), "{pattern}");
        }
        for pattern in
            ["https://github.com/acme/*", "git@github.com:acme", "github.com/a.git", "github.com/", "acme/widget"]
        {
            assert!(!may_be(pattern), "{pattern}");
        }
    }

    #[test]
    fn ends_of_paths() {
        let path = ["codex_turn_event", "app_server_client", "client_name"].map(Into::into);
        let ends = |pattern: &str| Pattern::new(String::from(pattern)).unwrap().ends(&path);
        for pattern in ["client_name", "client_*", "app_server_client.client_name", "*.client_name", "*_turn_*.*.*"] {
            assert!(ends(pattern), "{pattern}");
        }
        for pattern in
            ["client", "name", "app_server_client", "codex_turn_event.client_name", "*.*.*.*", "x.client_name"]
        {
            assert!(!ends(pattern), "{pattern}");
        }
    }
}
