//! `codex_artifact_operation` (`docs/contract/events.md`).

use super::common::{Runtime, event_enums, event_structs};
use crate::id::Id;

event_enums! {
    /// How far an operation came.
    ArtifactLifecycle {
        /// It began.
        Started,
    }
}

event_structs! {
    /// What a plugin's skill makes.
    #[derive(Default, Eq)]
    #[expect(clippy::exhaustive_structs, reason = "a fact has it, whose literal ends in `..default()`")]
    ArtifactOperation {
        /// The skill. Source: the fact.
        skill: Id,
        /// The kind of what is made, such as `presentation`. Source: the fact.
        artifact_type: Id,
        /// What is done, such as `create`. Source: the fact.
        operation_kind: Id,
        /// Number of things that it makes. Source: the fact.
        expected_output_count: u64,
        /// The form of what is made. Source: the fact.
        output_format: Id,
        /// What makes it. Source: the fact.
        execution_backend: Id,
    }

    /// A plugin's skill began to make something.
    #[non_exhaustive]
    ArtifactOperationEvent {
        /// The thread. Source: `tracking.thread_id`.
        thread_id: Id,
        /// The turn; empty when it is unknown. Source: `tracking.turn_id`.
        turn_id: Id,
        /// The item that does it. Source: the fact.
        item_id: Id,
        /// How far it came. Source: the fact.
        lifecycle: ArtifactLifecycle,
        /// When. Unix milliseconds. Source: the fact.
        occurred_at_ms: u64,
        /// The originator: what started the server. Source: the first `initialize`.
        product_client_id: Id,
        /// The server that ran. Source: the first `initialize`.
        runtime: Runtime,
        /// The turn's model. Null when it is unknown. Source: `tracking.model_slug`.
        model_slug: Option<Id>,
        /// The plugin. Source: the fact.
        plugin_id: Id,
        /// The script in the plugin's folder. Null always: no path leaves the machine. Source: nothing.
        script_path: Option<Id>,
        /// What is made.
        #[serde(flatten)]
        operation: ArtifactOperation,
    }
}
