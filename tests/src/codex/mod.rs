//! The real Codex: its app-server, a scripted model behind it, and a client before it.

mod model;
pub mod script;
mod session;
mod terminal;

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::golden::VERSIONS;

pub use self::model::{Model, PIXEL, Upload};
pub use self::script::{Step, call, message, patch, shell, turn};
pub use self::session::{Finished, Session, Setup, login, workspace};
pub use self::terminal::Terminal;

/// A version of Codex that the tests drive: in the order of [`VERSIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The one that the contract describes.
    Contract,
    /// The newest.
    Newest,
}

/// The binaries; or why there are none.
static BINARIES: LazyLock<[Result<PathBuf, String>; 2]> =
    LazyLock::new(|| [Version::Contract, Version::Newest].map(|version| install(VERSIONS[version as usize])));

/// Where packages of different ages have the binary.
const PLACES: [&str; 2] = ["bin/codex", "codex/codex"];

/// The binary of a version such as `0.131.0`, out of its npm package, which is fetched if it is not there.
///
/// # Errors
///
/// Why it cannot be had: without a registry, say.
pub fn install(number: &str) -> Result<PathBuf, String> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err("only the package for Linux on x86-64 is known".into());
    }
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let folder = target.join(format!("codex-{number}"));
    let vendor = folder.join("package/vendor/x86_64-unknown-linux-musl");
    let find = || PLACES.iter().map(|place| vendor.join(place)).find(|binary| binary.exists());
    if let Some(binary) = find() {
        return Ok(binary);
    }
    // Whole or not at all, whoever else does the same.
    let unpacked = tempfile::tempdir_in(&target).map_err(|error| error.to_string())?;
    let package = format!("@openai/codex@{number}-linux-x64");
    let packed = said(Command::new("npm").args(["pack", "--silent", &package]).current_dir(&unpacked))
        .map_err(|error| format!("{package} cannot be had: {error}"))?;
    said(Command::new("tar").args(["-xzf", packed.trim()]).current_dir(&unpacked))?;
    fs::remove_file(unpacked.path().join(packed.trim())).map_err(|error| error.to_string())?;
    let moved = fs::rename(unpacked.path(), &folder);
    find().ok_or_else(|| moved.err().map_or_else(|| format!("{package} has no binary"), |error| error.to_string()))
}

fn said(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{}: {}", command.get_program().display(), error.lines().next().unwrap_or("failed")))
}

/// The binary, installed if it is not there.
///
/// # Errors
///
/// Why it cannot be had: without a registry, say.
pub fn binary(version: Version) -> Result<&'static Path, &'static str> {
    BINARIES[version as usize].as_deref().map_err(String::as_str)
}

/// Whether the binary is there; without one a test says so, past the test runner's capture, and is over.
pub fn is_installed(version: Version) -> bool {
    let missing = binary(version).err();
    if let Some(why) = missing {
        let _ = writeln!(std::io::stderr(), "SKIPPED: no real Codex to test with: {why}");
    }
    missing.is_none()
}
