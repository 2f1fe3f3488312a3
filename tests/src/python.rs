//! Python with the packages that read what is exported.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

const PACKAGES: [&str; 2] = ["duckdb==2.0.1", "pyarrow==26.0.1"];

/// A Python that has them, in a folder of its own below `target`: made once.
///
/// It panics if it cannot be made: it needs `python3` with `venv`, and the package index the first time.
pub static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target").join("python");
    let python = folder.join("bin/python");
    let (installed, packages) = (folder.join("installed"), PACKAGES.join(" "));
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == packages) {
        return python;
    }
    let run = |command: &mut Command| {
        let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        assert!(status.success(), "{command:?}: {status}");
    };
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES));
    fs::write(&installed, packages).expect("a note of what is installed");
    python
});
