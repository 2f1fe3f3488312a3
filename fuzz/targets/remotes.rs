//! Remote URLs as text: whatever comes, a canonical form shows no credentials, and is the canonical form of itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use turnledger_core::digest::Sha2;
use turnledger_core::git_remote::{canonical, repo_hash};

fuzz_target!(|url: &str| {
    let digest = Sha2::default();
    assert_eq!(repo_hash(&digest, url), repo_hash(&digest, url));
    let Some(form) = canonical(url) else { return };
    let (host, path) = form.split_once('/').expect("a host and a path");
    assert!(!host.is_empty() && !host.contains('@'), "{form}");
    assert!(path.split('/').count() >= 2 && path.split('/').all(|part| !part.is_empty()), "{form}");
    // A port, a query or a second `.git` mean something else in another spelling.
    let is_plain = !host.contains(':') && !form.contains(['?', '#']) && !form.contains(".git") && form.trim() == form;
    if is_plain && !form.contains(char::is_whitespace) {
        for again in [format!("https://{form}"), format!("ssh://git@{form}.git"), format!("git@{host}:{path}")] {
            assert_eq!(canonical(&again).as_deref(), Some(form.as_str()), "{again}");
            assert_eq!(repo_hash(&digest, &again), repo_hash(&digest, url));
        }
    }
});
