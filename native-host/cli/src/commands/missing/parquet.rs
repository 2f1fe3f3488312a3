//! `turnledger store export --format parquet` of a build without it.

use std::path::Path;

use super::missing;
use super::store::ExportArgs;

pub(super) fn export(_: &Path, _: &ExportArgs, _: &Path) -> anyhow::Result<()> {
    Err(missing("--format parquet"))
}
