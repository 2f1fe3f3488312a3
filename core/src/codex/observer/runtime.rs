//! What runs, read from the response of `initialize` (`docs/contract/derived.md` 1).

use crate::codex::content::InitializeResult;
use crate::event::common::Runtime;
use crate::id::Id;
use crate::private::is_label;

/// The runtime and the originator.
///
/// The user agent has the form `<originator>/<version> (<os> <os version>; <architecture>) …`.
pub(super) fn read(result: &InitializeResult) -> (Runtime, Option<Id>) {
    let mut runtime = Runtime::default();
    // Only single words are taken, because a user agent is free text.
    if let Some(os) = result.platform_os.as_deref().filter(|os| is_label(os)) {
        runtime.runtime_os = os.into();
    }
    let Some((originator, rest)) = result.user_agent.split_once('/') else {
        return (runtime, None);
    };
    if let Some(version) = rest.split(' ').next().filter(|version| is_label(version)) {
        runtime.codex_rs_version = version.into();
    }
    let platform = rest.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(platform, _)| platform);
    if let Some((os, architecture)) = platform.and_then(|platform| platform.split_once(';')) {
        if let Some(version) = os.split_whitespace().next_back().filter(|version| is_label(version)) {
            runtime.runtime_os_version = version.into();
        }
        // The user agent names the processor as the machine does, events as the compiler does.
        runtime.runtime_arch = match architecture.trim() {
            "arm64" => "aarch64",
            "amd64" => "x86_64",
            other if is_label(other) => other,
            _ => "unknown",
        }
        .into();
    }
    (runtime, Some(originator.into()))
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::codex::content::InitializeResult;
    use crate::event::common::Runtime;

    fn runtime(version: &str, os: &str, os_version: &str, arch: &str) -> Runtime {
        Runtime {
            codex_rs_version: version.into(),
            runtime_os: os.into(),
            runtime_os_version: os_version.into(),
            runtime_arch: arch.into(),
        }
    }

    #[test]
    fn user_agents() {
        let of = |user_agent: &str| {
            read(&InitializeResult { user_agent: user_agent.into(), platform_os: Some("linux".into()) })
        };
        assert_eq!(
            of("demo_editor/0.131.0 (Ubuntu 24.4.0; x86_64) xterm (demo_editor; 3.1.4)"),
            (runtime("0.131.0", "linux", "24.4.0", "x86_64"), Some("demo_editor".into()))
        );
        assert_eq!(of("a/1.0 (Mac OS 15.1; arm64)").0, runtime("1.0", "linux", "15.1", "aarch64"));
        assert_eq!(of("nonsense"), (runtime("unknown", "linux", "unknown", "unknown"), None));
        assert_eq!(of("a/"), (runtime("unknown", "linux", "unknown", "unknown"), Some("a".into())));
    }
}
