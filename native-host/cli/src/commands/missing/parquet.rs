//! `turnledger store export --format parquet` of a build without it.

use std::path::Path;

use turnledger_core::UnixMillis;

use super::missing;

pub(super) fn export(
    _: &Path,
    _: (Option<UnixMillis>, Option<UnixMillis>),
    _: Option<&str>,
    _: &Path,
) -> anyhow::Result<u64> {
    Err(missing("--format parquet"))
}
