//! Apps that were named or used (`docs/contract/facts.md` 3.7, 3.8).

use alloc::vec::Vec;

use super::Tracking;
use crate::event::common::InvocationType;
pub use crate::event::tool::ElicitationType;
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;

/// The user named apps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AppMentioned {
    /// The turn.
    pub tracking: Tracking,
    /// The apps.
    pub mentions: Vec<App>,
}

/// A tool of an app was called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AppUsed {
    /// The turn.
    pub tracking: Tracking,
    /// The app.
    pub app: App,
    /// What the user was asked in the course of the call, for events of 0.169 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elicitation_type: Option<ElicitationType>,
}

/// An app, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct App {
    /// The connector's id.
    pub connector_id: Option<Id>,
    /// The app's name.
    pub app_name: Option<Id>,
    /// Who asked for it.
    pub invocation_type: Option<InvocationType>,
}
