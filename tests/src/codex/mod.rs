//! The real Codex: its app-server, a scripted model behind it, and a client before it.

mod model;
mod session;
mod terminal;

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::golden::VERSIONS;

pub use self::model::{Model, Step, call, message, patch, shell, turn};
pub use self::session::{Finished, Session, Setup};
pub use self::terminal::Terminal;

/// A version of Codex that the tests drive: in the order of [`VERSIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The one that the contract describes.
    Contract,
    /// The newest.
    Newest,
}

/// The binaries, out of the npm packages; or why there are none.
static BINARIES: LazyLock<[Result<PathBuf, String>; 2]> =
    LazyLock::new(|| [Version::Contract, Version::Newest].map(install));

fn install(version: Version) -> Result<PathBuf, String> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err("the tests know the package for Linux on x86-64 alone".into());
    }
    let number = VERSIONS[version as usize];
    let place = match version {
        Version::Contract => "codex",
        Version::Newest => "bin",
    };
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let folder = target.join(format!("codex-{number}"));
    let binary = folder.join("package/vendor/x86_64-unknown-linux-musl").join(place).join("codex");
    if !binary.exists() {
        // Whole or not at all, whoever else does the same.
        let unpacked = tempfile::tempdir_in(&target).map_err(|error| error.to_string())?;
        let package = format!("@openai/codex@{number}-linux-x64");
        let packed = said(Command::new("npm").args(["pack", "--silent", &package]).current_dir(&unpacked))?;
        said(Command::new("tar").args(["-xzf", packed.trim()]).current_dir(&unpacked))?;
        fs::remove_file(unpacked.path().join(packed.trim())).map_err(|error| error.to_string())?;
        if let Err(error) = fs::rename(unpacked.path(), &folder)
            && !binary.exists()
        {
            return Err(error.to_string());
        }
    }
    Ok(binary)
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
