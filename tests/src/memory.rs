//! What the system says of a process's memory.

use std::fs;
use std::path::Path;

/// A figure of `/proc/PROCESS/status`, such as `VmRSS`, in bytes; 0 where there is none.
pub fn memory(process: &str, what: &str) -> u64 {
    let status = fs::read_to_string(Path::new("/proc").join(process).join("status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    1024 * kilobytes.unwrap_or(0)
}
