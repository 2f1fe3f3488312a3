//! Items that ended: from 0.145 on each has a line, before that some kinds have a line for their end.

use alloc::boxed::Box;

use super::edit::FileEdit;
use super::shape::{Changes, Command, Duration, FileItem, Image, Search};
use super::tool::Tool;
use super::{Rollout, Step};
use crate::id::Id;
use crate::json::read::{Failed, Read, Reader, Text};
use crate::private::Presence;
use crate::protocol::enums::{CollabTool, ItemStatus};
use crate::protocol::item::{FileChange, Item, McpToolCall};
use crate::protocol::notification::{ItemCompleted, ItemContext, ItemStarted, Notification};
use crate::time::UnixMillis;

/// `item_completed`
#[derive(Read)]
pub(super) struct ItemEnded<'t> {
    thread_id: Option<Id>,
    turn_id: Id,
    item: FileItem<'t>,
    started_at_ms: Option<i64>,
    completed_at_ms: Option<i64>,
}

/// `patch_apply_end`
#[derive(Read)]
pub(super) struct PatchEnded<'t> {
    call_id: Id,
    turn_id: Option<Id>,
    status: Option<ItemStatus>,
    #[serde(default)]
    success: bool,
    #[serde(default)]
    #[json(read_with = "changes")]
    changes: Option<Changes<'t>>,
}

fn changes<'t>(reader: &mut Reader<'t>) -> Result<Option<Changes<'t>>, Failed> {
    Read::read(reader)
}

/// `mcp_tool_call_end`
#[derive(Read)]
pub(super) struct McpEnded {
    call_id: Id,
    invocation: Invocation,
    duration: Option<Duration>,
    result: Option<McpResult>,
}

#[derive(Read)]
struct Invocation {
    server: Id,
    tool: Id,
}

/// What a call gave back: that it failed, or its content, which may say so, too.
#[derive(Read)]
struct McpResult {
    #[serde(rename = "Ok")]
    ok: Option<McpContent>,
    #[serde(rename = "Err", default)]
    err: Presence,
}

#[derive(Read)]
struct McpContent {
    #[serde(alias = "isError")]
    is_error: Option<bool>,
}

pub(super) fn millis(at: UnixMillis) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}

impl Rollout {
    pub(super) fn item_completed(&mut self, ended: ItemEnded<'_>, step: &mut Step<'_>) {
        let ItemEnded { thread_id, turn_id, item, mut started_at_ms, completed_at_ms } = ended;
        if thread_id.is_some_and(|thread_id| thread_id != self.thread()) {
            step.out.irrelevant = true;
            return;
        }
        let completed_at_ms = completed_at_ms.unwrap_or_else(|| millis(self.at));
        let item = match item {
            FileItem::UserMessage(images) => return self.user_wrote(images, step),
            FileItem::Review { is_over } => {
                self.is_in_review = !is_over;
                return;
            }
            FileItem::Item(item) => match *item {
                Item::ContextCompaction(_) => {
                    return self.compaction_completed(started_at_ms, Some(completed_at_ms));
                }
                Item::ModelOutput => return self.worked(step),
                Item::Other => {
                    step.out.irrelevant = true;
                    return;
                }
                item => item,
            },
            FileItem::Patch(change, files) => {
                self.patched(&turn_id, change.status, &files);
                Item::FileChange(change)
            }
        };
        let called = item.tool_id().and_then(|id| self.calls.forget(id));
        let mut item = item;
        if let (Item::CollabAgentToolCall(news), Some(call)) = (&mut item, &called)
            && started_at_ms == Some(completed_at_ms)
        {
            // The news of an agent has one time. Its call has the other, and says whether it was a new task.
            started_at_ms = Some(call.made_at());
            if let Tool::Agents { tool: CollabTool::FollowupTask, .. } = call.tool {
                news.tool = CollabTool::FollowupTask;
            }
        }
        self.item(Some(turn_id), item, started_at_ms, completed_at_ms, step);
    }

    /// Tells an item that ended. Without the time at which it started, it counts in its turn and has no event.
    pub(super) fn item(
        &mut self,
        turn_id: Option<Id>,
        item: Item,
        started_at_ms: Option<i64>,
        completed_at_ms: i64,
        step: &mut Step<'_>,
    ) {
        let Some(turn_id) = turn_id.or_else(|| self.turn.as_ref().map(|turn| turn.id.clone())) else {
            step.out.irrelevant = true;
            return;
        };
        self.open(step);
        let is_users_own = matches!(&item, Item::CommandExecution(command)
            if command.source == crate::protocol::enums::CommandSource::UserShell);
        if !is_users_own {
            self.worked(step);
        }
        let thread_id = self.thread();
        if let Some(started_at_ms) = started_at_ms {
            let context = self.item_context();
            let (thread_id, turn_id, item) = (thread_id.clone(), turn_id.clone(), item.clone());
            let mut started = ItemStarted { thread_id, turn_id, started_at_ms, item, context };
            started.item.forget_origin();
            step.notification(Notification::ItemStarted(Box::new(started)));
        }
        let completed = ItemCompleted { thread_id, turn_id, completed_at_ms, item };
        step.notification(Notification::ItemCompleted(Box::new(completed)));
    }

    /// Tells the end of an item once more, as some servers did: it counts again.
    pub(super) fn item_again(&mut self, item: Item, completed_at_ms: i64, step: &mut Step<'_>) {
        let Some(turn_id) = self.turn.as_ref().map(|turn| turn.id.clone()) else { return };
        let completed = ItemCompleted { thread_id: self.thread(), turn_id, completed_at_ms, item };
        step.notification(Notification::ItemCompleted(Box::new(completed)));
    }

    /// The settings under which an item runs.
    fn item_context(&self) -> Option<Box<ItemContext>> {
        if !self.meta.as_ref()?.dialect.reports_more() {
            return None;
        }
        let turn = self.turn.as_ref();
        let context = turn.and_then(|turn| turn.context.as_ref());
        Some(Box::new(ItemContext {
            model_slug: context.and_then(|context| context.model.clone()),
            reasoning_effort: context.and_then(|context| context.effort),
            turn_trigger: turn.and_then(|turn| turn.trigger.clone()),
        }))
    }

    /// What a patch did to files becomes part of its turn's diff, if it was applied.
    fn patched(&mut self, turn_id: &Id, status: ItemStatus, files: &[(Text<'_>, FileEdit<'_>)]) {
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.id == *turn_id) else { return };
        if status != ItemStatus::Completed {
            return;
        }
        for (path, file) in files {
            if let Some(edit) = file.edit() {
                turn.patches.add(&path.0, edit, path.0.len() + file.text_bytes());
            }
        }
    }

    pub(super) fn patch_ended(&mut self, ended: PatchEnded<'_>, step: &mut Step<'_>) {
        let started = self.calls.forget(&ended.call_id).map(|call| call.made_at());
        let Some(turn_id) = ended.turn_id.or_else(|| self.turn.as_ref().map(|turn| turn.id.clone())) else { return };
        let of_success = if ended.success { ItemStatus::Completed } else { ItemStatus::Failed };
        let status = ended.status.unwrap_or(of_success);
        let Changes(files) = ended.changes.unwrap_or(Changes(alloc::vec::Vec::new()));
        self.patched(&turn_id, status, &files);
        let changes = files.iter().map(|(_, file)| file.change()).collect();
        let item = Item::FileChange(FileChange { id: ended.call_id, changes, status });
        self.item(Some(turn_id), item, started, millis(self.at), step);
    }

    pub(super) fn mcp_call_ended(&mut self, ended: McpEnded, step: &mut Step<'_>) {
        let started = self.calls.forget(&ended.call_id).map(|call| call.made_at());
        let McpEnded { call_id: id, invocation: Invocation { server, tool }, duration, result } = ended;
        let has_failed = result.as_ref().is_some_and(|result| {
            result.err.0 || result.ok.as_ref().is_some_and(|content| content.is_error == Some(true))
        });
        let error = Presence(result.is_some_and(|result| result.err.0));
        let status = if has_failed { ItemStatus::Failed } else { ItemStatus::Completed };
        let duration_ms = duration.map(Duration::millis);
        let completed = millis(self.at);
        let started = duration_ms.map(|duration| completed.saturating_sub(duration)).or(started);
        let call = McpToolCall { id, server, tool, status, error, duration_ms, ..McpToolCall::default() };
        self.item(None, Item::McpToolCall(call), started, completed, step);
    }

    pub(super) fn command_ended(&mut self, command: Command, step: &mut Step<'_>) {
        let started = self.calls.forget(&command.id).map(|call| call.made_at());
        let duration = command.duration.map(Duration::millis);
        let started = started.or_else(|| duration.map(|duration| millis(self.at).saturating_sub(duration)));
        let turn_id = command.turn_id.clone();
        self.item(turn_id, Item::CommandExecution(command.into()), started, millis(self.at), step);
    }

    /// The end of a search is all that a file says of its time.
    pub(super) fn search_ended(&mut self, search: Search, step: &mut Step<'_>) {
        let at = millis(self.at);
        self.item(None, Item::WebSearch(search.into()), Some(at), at, step);
    }

    pub(super) fn image_ended(&mut self, image: Image, step: &mut Step<'_>) {
        let at = millis(self.at);
        self.item(None, Item::ImageGeneration(image.into()), Some(at), at, step);
    }
}
