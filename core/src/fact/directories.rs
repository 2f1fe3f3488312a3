//! Where a thread works.

use alloc::vec::Vec;

use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::private::HostPath;

/// A thread works in these directories, or is to. The repository of each is asked about, for a policy with a rule about
/// repositories. No event has anything of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DirectoriesNamed {
    /// The thread.
    pub thread_id: Id,
    /// The directories.
    pub directories: Vec<HostPath>,
}
