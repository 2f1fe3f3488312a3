//! What runs, for events (contract `facts.md` 1.3).

use std::env::consts;
use std::sync::LazyLock;

use turnledger_core::event::common::Runtime;

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
