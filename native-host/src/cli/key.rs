//! The key of an organisation, from a file: an argument would show it to everyone on the machine.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use turnledger::Sha2;

#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// A file with your organisation's key: hashes are made with HMAC-SHA-256 and it, so that no one
    /// without it can guess lines. A line end after the key does not count
    #[arg(long, value_name = "FILE", env = "TURNLEDGER_KEY_FILE")]
    key_file: Option<PathBuf>,
}

impl KeyArgs {
    pub(crate) fn digest(&self) -> anyhow::Result<Sha2> {
        let Some(path) = &self.key_file else { return Ok(Sha2::default()) };
        let key = fs::read(path).with_context(|| format!("cannot read the key in {}", path.display()))?;
        Sha2::keyed(key.trim_ascii_end()).with_context(|| format!("cannot use the key in {}", path.display()))
    }
}
