//! The key of an organisation, from a file: an argument would show it to everyone on the machine.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use turnledger::Sha2;

#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// A file with your organisation's key: hashes are made with HMAC-SHA-256 and it, so that no one
    /// without it can guess lines. A line end after the key does not count. `TURNLEDGER_KEY_FILE` in the
    /// environment says the same
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl KeyArgs {
    pub(crate) fn digest(&self) -> anyhow::Result<Sha2> {
        // An empty variable is how many tools say that there is none.
        let variable = || env::var_os("TURNLEDGER_KEY_FILE").filter(|path| !path.is_empty()).map(PathBuf::from);
        let Some(path) = self.key_file.clone().or_else(variable) else { return Ok(Sha2::default()) };
        let key = fs::read(&path).with_context(|| format!("cannot read the key in {}", path.display()))?;
        let key = key.strip_suffix(b"\n").unwrap_or(&key);
        let key = key.strip_suffix(b"\r").unwrap_or(key);
        Sha2::keyed(key).with_context(|| format!("cannot use the key in {}", path.display()))
    }
}
