//! The repositories that a recording names.

use std::collections::HashMap;

use memchr::memmem;
use serde::Deserialize;
use turnledger_core::QuestionKind;

/// No recording has more folders than this.
const MOST: usize = 4096;

/// The remotes of the folders in which threads work, where the traffic has them: `thread.gitInfo.originUrl`.
#[derive(Debug)]
pub(super) struct Repositories {
    by_folder: HashMap<String, String>,
    finder: memmem::Finder<'static>,
}

impl Default for Repositories {
    fn default() -> Self {
        Self { by_folder: HashMap::new(), finder: memmem::Finder::new("\"originUrl\":\"") }
    }
}

#[derive(Deserialize)]
struct Message {
    result: Option<Holder>,
    params: Option<Holder>,
}

#[derive(Deserialize)]
struct Holder {
    thread: Option<Thread>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Thread {
    cwd: Option<String>,
    git_info: Option<GitInfo>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GitInfo {
    origin_url: Option<String>,
}

impl Repositories {
    /// Remembers the remote of a thread that a message describes.
    pub(super) fn see(&mut self, message: &str) {
        if self.finder.find(message.as_bytes()).is_none() || self.by_folder.len() == MOST {
            return;
        }
        let Ok(Message { result, params }) = serde_json::from_str(message) else { return };
        for thread in [result, params].into_iter().flatten().filter_map(|holder| holder.thread) {
            if let (Some(folder), Some(url)) = (thread.cwd, thread.git_info.and_then(|info| info.origin_url)) {
                self.by_folder.insert(folder, url);
            }
        }
    }

    /// The remote of the folder that a question is about.
    pub(super) fn of(&self, question: &QuestionKind) -> Option<&str> {
        let folder = match question {
            QuestionKind::Repository { cwd, .. } => cwd,
            QuestionKind::Skill { workspace: Some(workspace), .. } => workspace,
            _ => return None,
        };
        self.by_folder.get(folder.expose()).map(String::as_str)
    }
}
