//! The thread of a file: its first line, and what later ones add.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::copied::{Copied, made};
use super::line::{Git, SessionMeta, SettingsApplied};
use super::{Rollout, Step};
use crate::dialect::Dialect;
use crate::event::common::{EventSource, InitializationMode, Runtime};
use crate::fact::opened::{SourceOpened, ThreadOpened};
use crate::id::Id;
use crate::private::HostPath;
use crate::protocol::thread::{SubAgentSource, Thread, ThreadSource};
use crate::time::UnixMillis;

/// What the first line says.
#[derive(Clone, Debug)]
pub(super) struct Meta {
    pub(super) id: Id,
    pub(super) dialect: &'static Dialect,
    /// The version of Codex that wrote the line.
    pub(super) version: Id,
    /// Whether the server itself started the thread.
    pub(super) is_subagent: bool,
    /// Whether it is a review.
    pub(super) is_review: bool,
    /// Whether it began with another thread's history.
    pub(super) is_fork: bool,
    /// Whether it names the history that it goes on from.
    pub(super) goes_on: bool,
    /// Whether each finished item has a line.
    pub(super) is_paginated: bool,
    /// Whether lines are items without times (before 0.32).
    pub(super) is_bare: bool,
    pub(super) created: Option<UnixMillis>,
    pub(super) cwd: Option<HostPath>,
    pub(super) model_provider: Option<Id>,
    /// The tools of the thread's client.
    pub(super) dynamic_tools: Vec<Id>,
    pub(super) opening: Option<Box<(SourceOpened, ThreadOpened)>>,
}

impl Rollout {
    /// The first session is the file's own. Another is that of a history that was copied.
    pub(super) fn session(&mut self, mut read: SessionMeta<'_>, step: &mut Step<'_>) {
        if let Some(meta) = &self.meta {
            let is_other = meta.id != read.id;
            if is_other {
                self.expect_copy();
            }
            step.out.irrelevant = true;
            return;
        }
        let created = made(read.timestamp.as_ref().map(|text| &*text.0)).or((self.at.0 > 0).then_some(self.at));
        let is_subagent = read.source.subagent().is_some();
        let is_review = read.source.subagent() == Some(&SubAgentSource::Review);
        let is_fork = read.forked_from_id.is_some();
        let version = read.cli_version.take().unwrap_or_else(|| "unknown".into());
        let thread = Thread {
            id: read.id.clone(),
            ephemeral: false,
            created_at: created.map_or(0, |at| i64::try_from(at.as_secs()).unwrap_or(i64::MAX)),
            thread_source: read.thread_source.or_else(|| is_subagent.then_some(ThreadSource::Subagent)),
            source: read.source,
            session_id: read.session_id,
            forked_from_id: read.forked_from_id,
            ..Thread::default()
        };
        let mode = if is_fork && !is_subagent { InitializationMode::Forked } else { InitializationMode::New };
        let dialect = Dialect::of(&version);
        let source = SourceOpened::new(
            self.connection,
            EventSource::Rollout,
            read.originator.unwrap_or_else(|| "unknown".into()),
            Runtime { codex_rs_version: version.clone(), ..Runtime::default() },
        );
        let remote = read.git.as_ref().and_then(|Git { repository_url }| repository_url.as_ref());
        let opened = ThreadOpened {
            parent_thread_id: read.parent_thread_id,
            remote_url: remote.map(|url| (&*url.0).into()),
            ..ThreadOpened::new(self.connection, mode, thread)
        };
        self.meta = Some(Meta {
            id: read.id,
            dialect,
            version,
            is_subagent,
            is_review,
            is_fork,
            goes_on: read.history_base.0,
            is_paginated: read.history_mode.is_some_and(|mode| mode.0 == "paginated"),
            is_bare: false,
            created,
            cwd: read.cwd,
            model_provider: read.model_provider,
            dynamic_tools: read.dynamic_tools,
            opening: Some(Box::new((source, opened))),
        });
        if let Some(first) = read.subagent_history_start_ordinal {
            self.copied = Copied::Below(first);
        } else if (is_fork || is_subagent) && !read.history_base.0 {
            self.expect_copy();
        }
    }

    /// Tells that the thread was opened, once its model is known, or cannot be waited for any longer.
    pub(super) fn open(&mut self, step: &mut Step<'_>) {
        if self.is_open {
            return;
        }
        let of_turn = self.turn.as_ref().and_then(|turn| turn.context.as_ref()).or(self.context.as_ref());
        let model = of_turn.and_then(|context| context.model.clone());
        let model = model.or_else(|| self.settings.as_ref().and_then(|settings| settings.model.clone()));
        let Some(opening) = self.meta.as_mut().and_then(|meta| meta.opening.take()) else { return };
        self.is_open = true;
        let (source, mut opened) = *opening;
        opened.model = model;
        step.fact(source);
        step.fact(opened);
    }

    /// `thread_settings_applied`
    pub(super) fn settings_applied(&mut self, applied: SettingsApplied, step: &mut Step<'_>) {
        let settings = applied.thread_settings;
        if let Some(turn) = self.turn.as_mut().filter(|turn| !turn.is_underway()) {
            turn.settings = Some(settings.clone());
        }
        self.settings = Some(settings);
        self.open(step);
    }

    /// The canonical form of the remote of the thread's repository, `host/path`, from the first line until the thread is
    /// open; none if the file does not name one.
    pub fn repository(&self) -> Option<String> {
        let (_, opened) = self.meta.as_ref()?.opening.as_deref()?;
        opened.remote_url.as_ref()?.canonical()
    }

    pub(super) fn thread(&self) -> Id {
        self.meta.as_ref().map(|meta| meta.id.clone()).unwrap_or_default()
    }
}
