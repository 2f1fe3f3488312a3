//! What runs and where its temporary folders are, for facts (`docs/contract/facts.md` 1.3).

use std::env::consts;
use std::path::Path;
use std::sync::LazyLock;

use turnledger_core::event::common::Runtime;
use turnledger_core::fact::permission::SpecialFolders;

/// The runtime of a program with this version on this machine.
pub fn runtime(version: &str) -> Runtime {
    static OS_VERSION: LazyLock<String> = LazyLock::new(|| os_info::get().version().to_string());
    Runtime {
        codex_rs_version: version.into(),
        runtime_os: consts::OS.into(),
        runtime_os_version: OS_VERSION.as_str().into(),
        runtime_arch: consts::ARCH.into(),
    }
}

/// Where this process has its temporary folders, for
/// [`TurnResolvedConfig`](turnledger_core::fact::turn::TurnResolvedConfig): `TMPDIR` if it is set to an absolute path, and
/// whether `/tmp` is a folder.
pub fn special_folders() -> SpecialFolders {
    let tmpdir = std::env::var("TMPDIR").ok().filter(|path| Path::new(path).is_absolute());
    SpecialFolders { tmpdir: tmpdir.map(Into::into), slash_tmp: Path::new("/tmp").is_dir() }
}
