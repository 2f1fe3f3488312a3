//! The notifications that are facts (`docs/contract/wire.md` 4.4 to 5.2, and 7).

use alloc::boxed::Box;
use alloc::string::String;

use super::enums::{
    GuardianCommandSource, GuardianStatus, NetworkProtocol, ReasoningEffort, RiskLevel, UserAuthorization,
};
use super::item::Item;
use super::policy::PermissionOverlay;
use super::tagged::{Tagged, read_tagged};
use super::turn::Turn;
use crate::id::Id;
use crate::json::read::{Failed, Read, Reader};
use crate::json::write::Write;
use crate::private::{DiffText, is_label};

/// A notification that the reducer takes.
#[derive(Clone, Debug, PartialEq, Eq, Write)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "method", content = "params")]
#[non_exhaustive]
pub enum Notification {
    /// A turn started.
    #[serde(rename = "turn/started")]
    TurnStarted(Box<TurnNotification>),
    /// A turn ended.
    #[serde(rename = "turn/completed")]
    TurnCompleted(Box<TurnNotification>),
    /// A turn's whole diff so far.
    #[serde(rename = "turn/diff/updated")]
    TurnDiffUpdated(TurnDiffUpdated),
    /// An item started.
    #[serde(rename = "item/started")]
    ItemStarted(Box<ItemStarted>),
    /// An item ended.
    #[serde(rename = "item/completed")]
    ItemCompleted(Box<ItemCompleted>),
    /// An automatic approval review ended.
    #[serde(rename = "item/autoApprovalReview/completed")]
    GuardianReviewCompleted(Box<GuardianReviewCompleted>),
}

/// A turn that started or ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TurnNotification {
    /// The thread.
    pub thread_id: Id,
    /// The turn.
    pub turn: Turn,
}

/// A turn's whole diff so far; it replaces the former one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TurnDiffUpdated {
    /// The thread.
    pub thread_id: Id,
    /// The turn.
    pub turn_id: Id,
    /// The diff.
    pub diff: DiffText,
}

/// An item that started.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ItemStarted {
    /// The thread.
    pub thread_id: Id,
    /// The turn.
    pub turn_id: Id,
    /// When, in Unix milliseconds.
    pub started_at_ms: i64,
    /// The item.
    pub item: Item,
    /// The settings under which it runs, for events of 0.169 and later; no message has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Box<ItemContext>>,
}

/// The settings under which an item runs: its turn's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct ItemContext {
    /// The model's slug.
    pub model_slug: Option<Id>,
    /// How much the model reasons: as the turn was set to, or else the model's default.
    pub reasoning_effort: Option<ReasoningEffort>,
    /// What began the turn, if it was no plain `turn/start`.
    pub turn_trigger: Option<Id>,
}

/// An item that ended.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ItemCompleted {
    /// The thread.
    pub thread_id: Id,
    /// The turn.
    pub turn_id: Id,
    /// When, in Unix milliseconds.
    pub completed_at_ms: i64,
    /// The item.
    pub item: Item,
}

impl ItemStarted {
    /// An item that started at `started_at_ms`, in Unix milliseconds.
    pub fn new(thread_id: impl Into<Id>, turn_id: impl Into<Id>, started_at_ms: i64, item: Item) -> Self {
        Self { thread_id: thread_id.into(), turn_id: turn_id.into(), started_at_ms, item, context: None }
    }
}

impl ItemCompleted {
    /// An item that ended at `completed_at_ms`, in Unix milliseconds.
    pub fn new(thread_id: impl Into<Id>, turn_id: impl Into<Id>, completed_at_ms: i64, item: Item) -> Self {
        Self { thread_id: thread_id.into(), turn_id: turn_id.into(), completed_at_ms, item }
    }
}

/// An automatic approval review that ended.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GuardianReviewCompleted {
    /// The thread.
    pub thread_id: Id,
    /// The turn.
    pub turn_id: Id,
    /// When the review started, in Unix milliseconds.
    pub started_at_ms: i64,
    /// When it ended, in Unix milliseconds.
    pub completed_at_ms: i64,
    /// The review's id.
    pub review_id: Id,
    /// The item under review; none for network access.
    #[serde(default)]
    pub target_item_id: Option<Id>,
    /// The outcome.
    pub review: GuardianVerdict,
    /// What was reviewed.
    pub action: GuardianAction,
}

impl GuardianReviewCompleted {
    /// A review of no item, without times, which the caller sets.
    pub fn new(
        thread_id: impl Into<Id>,
        turn_id: impl Into<Id>,
        review_id: impl Into<Id>,
        review: GuardianVerdict,
        action: GuardianAction,
    ) -> Self {
        Self {
            thread_id: thread_id.into(),
            turn_id: turn_id.into(),
            started_at_ms: 0,
            completed_at_ms: 0,
            review_id: review_id.into(),
            target_item_id: None,
            review,
            action,
        }
    }
}

/// What the automatic reviewer said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GuardianVerdict {
    /// The decision.
    pub status: GuardianStatus,
    /// The risk.
    #[serde(default)]
    pub risk_level: Option<RiskLevel>,
    /// Whether the user asked for it.
    #[serde(default)]
    pub user_authorization: Option<UserAuthorization>,
    /// Whether the review itself failed, so that the action was denied unseen.
    #[cfg_attr(feature = "schema", schemars(with = "Option<alloc::string::String>"))]
    #[serde(rename = "rationale")]
    #[json(default, read_with = "says_failed", write_with = "failed_rationale")]
    pub failed_closed: bool,
}

/// How the server's own rationale of a failed review begins.
const FAILED_RATIONALE: &str = "Automatic approval review failed:";

fn says_failed(reader: &mut Reader<'_>) -> Result<bool, Failed> {
    Ok(!reader.is_null()? && reader.string()?.starts_with(FAILED_RATIONALE))
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the derived code hands over a reference")]
fn failed_rationale(failed: &bool, text: &mut String) {
    failed.then_some(FAILED_RATIONALE).write(text);
}

/// What an automatic review is about.
#[derive(Clone, Debug, PartialEq, Eq, Write)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(transform = crate::json::schema::any_other_kind))]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum GuardianAction {
    /// A command.
    Command {
        /// Which shell tool runs it.
        source: GuardianCommandSource,
    },
    /// A part of a running command.
    Execve {
        /// Which shell tool runs it.
        source: GuardianCommandSource,
        /// The program.
        program: ProgramName,
    },
    /// Text that is typed into a running command.
    WriteStdin {
        /// Whether the command has a terminal; false where the notification does not say.
        tty: bool,
    },
    /// A patch.
    ApplyPatch,
    /// Network access.
    NetworkAccess {
        /// The protocol.
        protocol: NetworkProtocol,
        /// The port.
        port: u16,
    },
    /// A call of a tool of an MCP server.
    McpToolCall(McpAction),
    /// More permissions.
    RequestPermissions {
        /// What is asked for.
        permissions: PermissionOverlay,
    },
    /// An action that this version does not know.
    Unknown,
}

/// A call of a tool of an MCP server, under review.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct McpAction {
    /// The server's name.
    pub server: Id,
    /// The tool's name.
    pub tool_name: Id,
    /// The connector's id.
    #[serde(default)]
    pub connector_id: Option<Id>,
    /// The connector's name.
    #[serde(default)]
    pub connector_name: Option<Id>,
    /// The tool's title.
    #[serde(default)]
    pub tool_title: Option<Id>,
}

/// The name of a program without its folder: a path never leaves the machine. A text that is more than a name is
/// `unknown`; the default, an empty one, is left out of events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct ProgramName(Id);

impl ProgramName {
    pub(crate) fn is_left_out(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for ProgramName {
    fn from(program: &str) -> Self {
        let name = program.rsplit(['/', '\\']).next().unwrap_or_default();
        Self(if is_label(name) { name } else { "unknown" }.into())
    }
}

impl Read<'_> for ProgramName {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failed> {
        reader.string().map(|program| Self::from(&*program))
    }
}

impl Tagged for GuardianAction {
    fn from_members(tag: &str, members: &mut Reader<'_>) -> Result<Self, Failed> {
        #[derive(Read)]
        struct Command {
            source: GuardianCommandSource,
        }
        #[derive(Read)]
        struct Execve {
            source: GuardianCommandSource,
            program: ProgramName,
        }
        #[derive(Read)]
        struct Stdin {
            #[serde(default)]
            tty: bool,
        }
        #[derive(Read)]
        struct Network {
            protocol: NetworkProtocol,
            port: u16,
        }
        #[derive(Read)]
        struct Permissions {
            permissions: PermissionOverlay,
        }
        Ok(match tag {
            "command" => Self::Command { source: Command::read(members)?.source },
            "execve" => {
                let Execve { source, program } = Execve::read(members)?;
                Self::Execve { source, program }
            }
            "writeStdin" => Self::WriteStdin { tty: Stdin::read(members)?.tty },
            "networkAccess" => {
                let Network { protocol, port } = Network::read(members)?;
                Self::NetworkAccess { protocol, port }
            }
            "mcpToolCall" => Self::McpToolCall(McpAction::read(members)?),
            "requestPermissions" => Self::RequestPermissions { permissions: Permissions::read(members)?.permissions },
            _ => {
                members.skip()?;
                if tag == "applyPatch" {
                    return Ok(Self::ApplyPatch);
                }
                members.unread_word("GuardianAction", tag);
                Self::Unknown
            }
        })
    }
}

read_tagged!(GuardianAction);

#[cfg(test)]
mod tests {
    use super::{GuardianAction, GuardianVerdict};

    #[test]
    fn actions_lose_commands_paths_and_hosts() {
        for (wire, kept) in [
            (
                r#"{"type":"command","source":"unifiedExec","command":"secret","cwd":"/secret"}"#,
                r#"{"type":"command","source":"unifiedExec"}"#,
            ),
            (
                r#"{"type":"execve","source":"shell","program":"/secret/bin/rm","argv":["secret"]}"#,
                r#"{"type":"execve","source":"shell","program":"rm"}"#,
            ),
            (r#"{"type":"writeStdin","tty":true,"input":"secret"}"#, r#"{"type":"writeStdin","tty":true}"#),
            (r#"{"type":"applyPatch","cwd":"/secret","files":["/secret"]}"#, r#"{"type":"applyPatch"}"#),
            (
                r#"{"type":"networkAccess","target":"secret","host":"secret","protocol":"socks5Udp","port":53}"#,
                r#"{"type":"networkAccess","protocol":"socks5Udp","port":53}"#,
            ),
            (
                r#"{"type":"mcpToolCall","server":"s","toolName":"t"}"#,
                r#"{"type":"mcpToolCall","server":"s","toolName":"t","connectorId":null,"connectorName":null,"toolTitle":null}"#,
            ),
            (
                r#"{"type":"requestPermissions","reason":"secret","permissions":{"network":{"enabled":true},"fileSystem":{"write":["/secret"]}}}"#,
                r#"{"type":"requestPermissions","permissions":{"network":{"enabled":true},"fileSystem":"[redacted]"}}"#,
            ),
            (r#"{"type":"newer","x":"secret"}"#, r#"{"type":"unknown"}"#),
        ] {
            let action: GuardianAction = crate::json::read::from_str(wire).unwrap();
            assert_eq!(crate::json::write::to_string(&action), kept);
            assert_eq!(crate::json::read::from_str::<GuardianAction>(kept).unwrap(), action);
        }
    }

    #[test]
    fn a_failed_review_is_known_by_its_rationale() {
        for (rationale, failed) in
            [("null", false), (r#""secret""#, false), (r#""Automatic approval review failed: secret""#, true)]
        {
            let wire = alloc::format!(r#"{{"status":"denied","rationale":{rationale}}}"#);
            let verdict: GuardianVerdict = crate::json::read::from_str(&wire).unwrap();
            assert_eq!(verdict.failed_closed, failed, "{wire}");
            let written = crate::json::write::to_string(&verdict);
            assert!(!written.contains("secret"), "{written}");
            assert_eq!(crate::json::read::from_str::<GuardianVerdict>(&written).unwrap(), verdict);
        }
    }
}
