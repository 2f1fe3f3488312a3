//! What a user sends with a turn or a steer (`docs/contract/wire.md` 1.12), without its content.

use alloc::borrow::ToOwned;
use alloc::vec::Vec;

use super::tagged::{Tagged, read_tagged};
use crate::id::Id;
use crate::json::read::{Failed, Read, Reader};
use crate::json::schema::json_schemas;
use crate::json::write::Write;
use crate::private::{HostPath, TextKey};

/// One piece of user input. Prompts, image data and image paths have no place in it.
#[derive(Clone, Debug, PartialEq, Eq, Write)]
#[serde(tag = "type", rename_all = "camelCase")]
#[non_exhaustive]
pub enum UserInput {
    /// A text ([`text`](Self::text)); only the hashes of its `$name` mentions are kept, and not for long.
    Text(TextMentions),
    /// An image by URL or data.
    Image,
    /// An image file.
    LocalImage,
    /// A skill, by name and the path of its `SKILL.md`.
    Skill {
        /// The skill's name.
        name: Id,
        /// The skill's file, for the question where it lies.
        path: HostPath,
    },
    /// An app, by its connector id (`app://…`).
    App {
        /// The connector id.
        connector_id: Id,
    },
    /// A plugin, by `<name>@<marketplace>` (`plugin://…`).
    Plugin {
        /// The plugin's id.
        plugin_id: Id,
    },
    /// Anything else.
    Other,
}

/// The hashes of the `$name` mentions in a text; a recorded fact leaves them out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
pub struct TextMentions {
    #[serde(skip)]
    pub(crate) keys: Vec<TextKey>,
}

/// More mentions in one text than this are not looked at.
const MAX_MENTIONS: usize = 32;

impl UserInput {
    /// A text that the user wrote. The text is not kept.
    pub fn text(text: &str) -> Self {
        Self::Text(TextMentions::of(text))
    }

    /// A skill, by its name and its `SKILL.md`.
    pub fn skill(name: impl Into<Id>, path: impl Into<HostPath>) -> Self {
        Self::Skill { name: name.into(), path: path.into() }
    }

    /// A mention by its link: `app://<connector id>`, `plugin://<name>@<marketplace>`, or anything else.
    pub fn mention(link: &str) -> Self {
        if let Some(connector_id) = link.strip_prefix("app://") {
            Self::App { connector_id: connector_id.into() }
        } else if let Some(plugin_id) = link.strip_prefix("plugin://") {
            Self::Plugin { plugin_id: plugin_id.into() }
        } else {
            Self::Other
        }
    }
}

impl TextMentions {
    /// The `$name` mentions of a text, 32 at most.
    pub fn of(text: &str) -> Self {
        let mentions = text.split('$').skip(1).map(|rest| {
            let end =
                rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | ':')).unwrap_or(rest.len());
            rest[..end].trim_end_matches(':')
        });
        Self { keys: mentions.filter(|name| !name.is_empty()).take(MAX_MENTIONS).map(TextKey::of).collect() }
    }
}

/// How many of `input`'s pieces are images (`docs/contract/rules.md` 3.1).
pub fn count_images(input: &[UserInput]) -> u64 {
    input.iter().filter(|piece| matches!(piece, UserInput::Image | UserInput::LocalImage)).count() as u64
}

impl Tagged for UserInput {
    fn from_members(tag: &str, members: &mut Reader<'_>) -> Result<Self, Failed> {
        #[derive(Read)]
        struct Text {
            #[serde(default)]
            #[json(read_with = "mentions")]
            text: TextMentions,
        }
        fn mentions(reader: &mut Reader<'_>) -> Result<TextMentions, Failed> {
            reader.string().map(|text| TextMentions::of(&text))
        }
        #[derive(Read)]
        struct Skill {
            name: Id,
            path: HostPath,
        }
        #[derive(Read)]
        struct Mention {
            #[json(read_with = "target")]
            path: UserInput,
        }
        fn target(reader: &mut Reader<'_>) -> Result<UserInput, Failed> {
            reader.string().map(|link| UserInput::mention(&link))
        }
        /// The form in which a recorded fact holds a mention.
        #[derive(Read)]
        struct Recorded {
            #[serde(alias = "connector_id")]
            plugin_id: Id,
        }
        Ok(match tag {
            "text" => Self::Text(Text::read(members)?.text),
            "skill" => {
                let Skill { name, path } = Skill::read(members)?;
                Self::Skill { name, path }
            }
            "mention" => Mention::read(members)?.path,
            "app" => Self::App { connector_id: Recorded::read(members)?.plugin_id },
            "plugin" => Self::Plugin { plugin_id: Recorded::read(members)?.plugin_id },
            _ => {
                members.skip()?;
                match tag {
                    "image" => Self::Image,
                    "localImage" => Self::LocalImage,
                    _ => {
                        members.unread_word("UserInput", tag);
                        Self::Other
                    }
                }
            }
        })
    }
}

read_tagged!(UserInput);

/// A plugin's key, `<name>@<marketplace>`, split at the last `@`; `None` unless both parts are there.
pub(crate) fn split_plugin_id(id: &str) -> Option<(Id, Id)> {
    let (name, marketplace) = id.rsplit_once('@')?;
    if name.is_empty() || marketplace.is_empty() { None } else { Some((name.into(), marketplace.to_owned().into())) }
}

json_schemas! {
    UserInput: { "type": "object", "properties": { "type": { "type": "string" } }, "required": ["type"] },
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{TextMentions, UserInput, count_images, split_plugin_id};
    use crate::private::TextKey;

    #[test]
    fn every_kind_of_input() {
        let json = r#"[
            {"type":"text","text":"use $doc-writer, cost $5 or $ and $a:b: then","text_elements":[]},
            {"type":"image","url":"https://x.test/secret.png"},
            {"path":"/secret/a.png","type":"localImage"},
            {"type":"skill","name":"doc","path":"/secret/SKILL.md"},
            {"type":"mention","name":"Drive","path":"app://drive"},
            {"type":"mention","name":"Linear","path":"plugin://linear@acme"},
            {"type":"mention","name":"a file","path":"/secret/b.rs"},
            {"type":"audio","data":"AAAA"}
        ]"#;
        let input: Vec<UserInput> = crate::json::read::from_str(json).unwrap();
        let keys = ["doc-writer", "5", "a:b"].map(TextKey::of).to_vec();
        assert_eq!(
            input,
            [
                UserInput::Text(TextMentions { keys }),
                UserInput::Image,
                UserInput::LocalImage,
                UserInput::Skill { name: "doc".into(), path: "/secret/SKILL.md".into() },
                UserInput::App { connector_id: "drive".into() },
                UserInput::Plugin { plugin_id: "linear@acme".into() },
                UserInput::Other,
                UserInput::Other,
            ]
        );
        // What is made without JSON is the same.
        assert_eq!(
            [&input[0], &input[3], &input[4], &input[5], &input[6]],
            [
                &UserInput::text("use $doc-writer, cost $5 or $ and $a:b: then"),
                &UserInput::skill("doc", "/secret/SKILL.md"),
                &UserInput::mention("app://drive"),
                &UserInput::mention("plugin://linear@acme"),
                &UserInput::mention("/secret/b.rs"),
            ]
        );
        assert_eq!(count_images(&input), 2);
        let written = crate::json::write::to_string(&input);
        let again: Vec<UserInput> = crate::json::read::from_str(&written).unwrap();
        assert_eq!(again[1..], input[1..]);
    }

    #[test]
    fn plugin_ids_split_at_the_last_at() {
        assert_eq!(split_plugin_id("a@b@c"), Some(("a@b".into(), "c".into())));
        for bad in ["", "a", "@b", "a@"] {
            assert_eq!(split_plugin_id(bad), None, "{bad}");
        }
    }
}
