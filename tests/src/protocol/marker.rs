//! Markers: texts that tell from which member of which message they are.

use std::collections::BTreeMap;

/// The forms in which a marker stands in a text: what a reader may take apart comes in the form that it looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// The marker alone.
    Word,
    /// Within a sentence.
    Sentence,
    /// In each part of a path.
    Path,
    /// In the path of a skill.
    SkillPath,
    /// As an app in a mention, and in calls of the server that has the apps' tools.
    App,
    /// As a plugin in a mention.
    Plugin,
    /// In each part of a user agent.
    UserAgent,
    /// As the key of a plugin's setting.
    PluginKey,
    /// In each part of a URL.
    Url,
    /// Behind a known sentence about an error, and behind a number.
    Error,
    /// Behind a known sentence about a review.
    Rationale,
    /// In the paths and lines of a diff.
    Diff,
    /// In quotations, code and mentions of a prompt.
    Prompt,
    /// In place of the words of enums, too.
    UnknownEnums,
}

/// Every form.
pub const STYLES: [Style; 14] = [
    Style::Word,
    Style::Sentence,
    Style::Path,
    Style::SkillPath,
    Style::App,
    Style::Plugin,
    Style::UserAgent,
    Style::PluginKey,
    Style::Url,
    Style::Error,
    Style::Rationale,
    Style::Diff,
    Style::Prompt,
    Style::UnknownEnums,
];

impl Style {
    /// A text with the marker in it.
    pub fn text(self, m: &str) -> String {
        match self {
            Self::Word | Self::UnknownEnums => m.into(),
            Self::Sentence => format!("please {m} the {m}, then say {m}."),
            Self::Path => format!("/home/{m}/{m}.rs"),
            Self::SkillPath => format!("/home/{m}/{m}/SKILL.md"),
            Self::App => format!("app://{m}"),
            Self::Plugin => format!("plugin://{m}@{m}"),
            Self::UserAgent => format!("{m}/{m} ({m} {m}; {m}) {m} ({m}; {m})"),
            Self::PluginKey => format!("plugins.{m}@{m}"),
            Self::Url => format!("https://{m}:{m}@{m}.test:{m}/{m}/{m}.git?{m}={m}#{m}"),
            Self::Error => {
                format!("Error running remote compact task: unexpected status 500 Internal Server Error {m}: {m}")
            }
            Self::Rationale => format!("Automatic approval review failed: {m} {m}"),
            Self::Diff => format!(
                "diff --git a/{m}/x b/{m}/x\n--- a/{m}/x\n+++ b/{m}/x\n@@ -1 +1,2 @@ fn {m}\n-let {m} = 1;\n+let {m} = \"{m}\";\n+// {m}\n"
            ),
            Self::Prompt => format!("do ${m} with \"{m}\" and '{m}'\n```\n{m} = `{m}`\n```\n{m}"),
        }
    }
}

/// The marker of a member: the same in every message.
pub fn marker(number: usize) -> String {
    format!("zq{number}qz")
}

/// Which marker belongs to which member.
#[derive(Debug, Default)]
pub struct Markers {
    numbers: BTreeMap<String, usize>,
    origins: Vec<String>,
}

impl Markers {
    /// The marker of the member `origin`.
    pub fn of(&mut self, origin: &str) -> String {
        let number = *self.numbers.entry(origin.into()).or_insert_with(|| {
            self.origins.push(origin.into());
            self.origins.len() - 1
        });
        marker(number)
    }

    /// How many members have one.
    pub fn len(&self) -> usize {
        self.origins.len()
    }

    /// Whether none has one.
    pub fn is_empty(&self) -> bool {
        self.origins.is_empty()
    }

    /// The members whose markers are in a text, in whatever case.
    pub fn origins(&self, text: &str) -> Vec<&str> {
        let lower;
        let text = if text.contains("ZQ") || text.contains("Zq") {
            lower = text.to_lowercase();
            &lower
        } else {
            text
        };
        let mut found: Vec<&str> = text
            .split("zq")
            .skip(1)
            .filter_map(|rest| {
                let (number, _) = rest.split_once("qz")?;
                number.parse::<usize>().ok().and_then(|number| self.origins.get(number)).map(String::as_str)
            })
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}
