//! Versions and where their recordings are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The numbers of a version, by which it is sorted.
pub fn number(version: &str) -> Vec<u64> {
    version.split(['.', '-']).map(|part| part.parse().unwrap_or(0)).collect()
}

/// The newest version that npm has.
///
/// # Errors
///
/// What npm says.
pub fn newest() -> Result<String, String> {
    let said = Command::new("npm").args(["view", "@openai/codex", "version"]).output();
    let said = said.map_err(|error| format!("npm: {error}"))?;
    let version = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    if said.status.success() && !version.is_empty() {
        return Ok(version);
    }
    let error = String::from_utf8_lossy(&said.stderr).lines().next().unwrap_or("no answer").to_owned();
    Err(format!("npm: {error}"))
}

/// Where recordings are kept that nobody put elsewhere.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/recordings")
}

/// The versions that are recorded in a folder, the oldest first.
pub fn stored(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut versions: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    versions.retain(|version| version.starts_with(|first: char| first.is_ascii_digit()));
    versions.sort_by_key(|version| number(version));
    versions
}
