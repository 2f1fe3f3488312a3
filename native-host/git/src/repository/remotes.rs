//! The remotes of a repository, as `git remote` shows them.

use gix::bstr::ByteSlice;

use super::Git;

impl Git {
    /// The URL by which events know the repository: that of `origin`, or of the remote with the
    /// smallest name (`docs/contract/rules.md` 8.5).
    pub fn remote_url(&self) -> Option<String> {
        let names = self.repo.remote_names();
        let names: Vec<_> = names.iter().map(|name| name.as_bstr()).collect();
        names
            .iter()
            .filter(|name| **name == "origin")
            .chain(&names)
            .find_map(|name| self.url_of_remote(&name.to_str_lossy()))
    }

    /// Every URL of every remote: `git remote get-url --all` for each.
    pub fn remote_urls(&self) -> Vec<String> {
        let names = self.repo.remote_names();
        names.iter().flat_map(|name| self.urls_of_remote(&name.to_str_lossy())).collect()
    }

    /// A remote's URL as `git remote get-url` shows it, letter by letter: a hash is made of it. It is the
    /// first one, which Git fetches from.
    pub fn url_of_remote(&self, remote: &str) -> Option<String> {
        self.urls_of_remote(remote).into_iter().next()
    }

    fn urls_of_remote(&self, remote: &str) -> Vec<String> {
        let config = self.repo.config_snapshot();
        let configured = config.plumbing().strings(format!("remote.{remote}.url").as_str()).unwrap_or_default();
        let mut urls = Vec::new();
        for url in configured {
            // An empty value takes back those before it.
            if url.is_empty() {
                urls.clear();
            } else {
                urls.push(self.rewritten(&url.to_str_lossy()));
            }
        }
        urls
    }

    /// A URL with `url.*.insteadOf` in place of the longest prefix that another stands for.
    fn rewritten(&self, url: &str) -> String {
        let config = self.repo.config_snapshot();
        let mut rewrite: Option<(usize, String)> = None;
        for section in config.plumbing().sections_by_name("url").into_iter().flatten() {
            let Some(base) = section.header().subsection_name() else { continue };
            for prefix in section.values("insteadOf") {
                let length = rewrite.as_ref().map_or(0, |(length, _)| *length);
                if prefix.len() > length && url.as_bytes().starts_with(&prefix) {
                    rewrite = Some((prefix.len(), base.to_str_lossy().into_owned()));
                }
            }
        }
        match rewrite {
            Some((length, base)) => base + url.get(length..).unwrap_or_default(),
            None => url.into(),
        }
    }
}
