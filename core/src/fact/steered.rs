//! A steer that a turn took, without its request.

use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;

/// A running turn took more input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TurnSteered {
    /// The turn.
    pub turn_id: Id,
    /// The thread.
    pub thread_id: Id,
    /// How many images the input has.
    pub num_input_images: u64,
    /// When the turn took it, in Unix seconds.
    pub created_at: u64,
}
