//! Permission profiles (`docs/contract/facts.md` 3.4.1) and the policy they amount to (`docs/contract/rules.md` 9.4).

use alloc::string::String;
use alloc::vec::Vec;

use crate::event::turn::SandboxPolicy;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::private::HostPath;

/// What a turn's commands may do.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PermissionProfile {
    /// The agent sandboxes commands itself.
    Managed {
        /// What they reach of the file system.
        file_system: FileSystemProfile,
        /// Whether they reach the network.
        network_enabled: bool,
    },
    /// No sandbox.
    Disabled,
    /// The caller sandboxes the whole server.
    External {
        /// Whether commands reach the network.
        network_enabled: bool,
    },
}

/// What commands reach of the file system.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileSystemProfile {
    /// Everything.
    Unrestricted,
    /// What the entries allow.
    Restricted {
        /// The entries.
        entries: Vec<FileSystemEntry>,
    },
}

/// Access to one place.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileSystemEntry {
    /// The place.
    pub path: FileSystemPath,
    /// The access.
    pub access: Access,
}

impl FileSystemEntry {
    /// Access to a place.
    pub fn new(path: FileSystemPath, access: Access) -> Self {
        Self { path, access }
    }
}

/// What a command may do in a place; in the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Access {
    /// Read it.
    Read,
    /// Read and change it.
    Write,
    /// Nothing.
    None,
}

/// A place in the file system.
#[derive(Clone, Debug, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileSystemPath {
    /// A path.
    Path(HostPath),
    /// A pattern of paths.
    GlobPattern(HostPath),
    /// The whole file system.
    Root,
    /// What programs need to run at all.
    Minimal,
    /// The working directory, or a folder below it.
    ProjectRoots {
        /// The folder.
        subpath: Option<HostPath>,
    },
    /// The folder that `TMPDIR` names.
    Tmpdir,
    /// `/tmp`
    SlashTmp,
    /// A place that this version does not know.
    Unknown,
}

/// Where the host's temporary folders are: the core cannot look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Write, Read)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SpecialFolders {
    /// `TMPDIR`, if it is set to an absolute path.
    pub tmpdir: Option<HostPath>,
    /// Whether `/tmp` is a folder.
    pub slash_tmp: bool,
}

impl FileSystemPath {
    /// Whether both are the same place, however it is written.
    fn is_same(&self, other: &Self) -> bool {
        let is_path = |path: &HostPath, of: &[&str]| components(path.expose()).eq(of.iter().copied());
        match (self, other) {
            (Self::Path(path), Self::Root) | (Self::Root, Self::Path(path)) => is_path(path, &[]),
            (Self::Path(path), Self::SlashTmp) | (Self::SlashTmp, Self::Path(path)) => is_path(path, &["tmp"]),
            _ => self == other,
        }
    }
}

/// The parts of a path, without those that say nothing.
fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".")
}

impl PermissionProfile {
    /// The policy that events report (`docs/contract/rules.md` 9.4).
    pub fn sandbox_policy(&self, cwd: Option<&HostPath>, folders: &SpecialFolders) -> SandboxPolicy {
        let (file_system, network_enabled) = match self {
            Self::Disabled => return SandboxPolicy::FullAccess,
            Self::External { .. } => return SandboxPolicy::ExternalSandbox,
            Self::Managed { file_system, network_enabled } => (file_system, *network_enabled),
        };
        match file_system {
            FileSystemProfile::Restricted { entries } if !full_disk_write(entries) => {
                if has_writable_root(entries, cwd, folders) {
                    SandboxPolicy::WorkspaceWrite
                } else {
                    SandboxPolicy::ReadOnly
                }
            }
            _ if network_enabled => SandboxPolicy::FullAccess,
            _ => SandboxPolicy::ExternalSandbox,
        }
    }
}

/// Whether the whole disk may be written: the root is, and nothing narrows it.
fn full_disk_write(entries: &[FileSystemEntry]) -> bool {
    let root_is_written =
        entries.iter().any(|entry| entry.path == FileSystemPath::Root && entry.access == Access::Write);
    root_is_written && !entries.iter().any(|entry| narrows(entry, entries))
}

fn narrows(entry: &FileSystemEntry, entries: &[FileSystemEntry]) -> bool {
    if entry.access == Access::Write {
        return false;
    }
    let outranked = || {
        entries.iter().any(|other| {
            other.path.is_same(&entry.path) && other.access == Access::Write && other.access > entry.access
        })
    };
    match entry.path {
        FileSystemPath::GlobPattern(_) => true,
        FileSystemPath::Minimal | FileSystemPath::Unknown => false,
        _ => !outranked(),
    }
}

fn has_writable_root(entries: &[FileSystemEntry], cwd: Option<&HostPath>, folders: &SpecialFolders) -> bool {
    let resolved: Vec<(Vec<String>, Access)> =
        entries.iter().filter_map(|entry| Some((resolve(&entry.path, cwd, folders)?, entry.access))).collect();
    let written = resolved.iter().filter(|(_, access)| *access == Access::Write).map(|(path, _)| path);
    written.into_iter().any(|path| {
        let decisive = resolved
            .iter()
            .filter(|(prefix, _)| path.starts_with(prefix))
            .max_by_key(|(prefix, access)| (prefix.len(), *access));
        // A protected folder (`.git` and its like) below a writable root counts only where an entry names
        // it, and every candidate here is named by its own entry.
        decisive.is_some_and(|(_, access)| *access == Access::Write)
    })
}

/// The components of the place, if it is one place and the host knows it.
fn resolve(path: &FileSystemPath, cwd: Option<&HostPath>, folders: &SpecialFolders) -> Option<Vec<String>> {
    let split = |path: &str| -> Vec<String> { components(path).map(String::from).collect() };
    // Without a working directory its place is still one place: below no other.
    let cwd = || cwd.map_or_else(|| alloc::vec![String::from("\0cwd")], |cwd| split(cwd.expose()));
    match path {
        FileSystemPath::Path(path) => Some(split(path.expose())),
        FileSystemPath::Root => Some(Vec::new()),
        FileSystemPath::ProjectRoots { subpath } => {
            let mut path = cwd();
            path.extend(subpath.iter().flat_map(|subpath| split(subpath.expose())));
            Some(path)
        }
        FileSystemPath::Tmpdir => {
            folders.tmpdir.as_ref().filter(|path| path.expose().starts_with('/')).map(|path| split(path.expose()))
        }
        FileSystemPath::SlashTmp => folders.slash_tmp.then(|| split("/tmp")),
        FileSystemPath::GlobPattern(_) | FileSystemPath::Minimal | FileSystemPath::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{Access, FileSystemEntry, FileSystemPath, FileSystemProfile, PermissionProfile, SpecialFolders};
    use crate::event::turn::SandboxPolicy;

    fn managed(entries: &[(FileSystemPath, Access)], network_enabled: bool) -> SandboxPolicy {
        let entries: Vec<_> =
            entries.iter().map(|(path, access)| FileSystemEntry { path: path.clone(), access: *access }).collect();
        let profile =
            PermissionProfile::Managed { file_system: FileSystemProfile::Restricted { entries }, network_enabled };
        let folders = SpecialFolders { tmpdir: Some("/var/tmp".into()), slash_tmp: false };
        profile.sandbox_policy(Some(&"/home/dev/shop".into()), &folders)
    }

    fn path(path: &str) -> FileSystemPath {
        FileSystemPath::Path(path.into())
    }

    /// Every row of `docs/contract/rules.md` 9.4.
    #[test]
    fn profiles_and_their_policies() {
        let of = |profile: PermissionProfile| profile.sandbox_policy(None, &SpecialFolders::default());
        assert_eq!(of(PermissionProfile::Disabled), SandboxPolicy::FullAccess);
        for network_enabled in [true, false] {
            assert_eq!(of(PermissionProfile::External { network_enabled }), SandboxPolicy::ExternalSandbox);
        }
        let unrestricted = |network_enabled| PermissionProfile::Managed {
            file_system: FileSystemProfile::Unrestricted,
            network_enabled,
        };
        assert_eq!(of(unrestricted(true)), SandboxPolicy::FullAccess);
        assert_eq!(of(unrestricted(false)), SandboxPolicy::ExternalSandbox);

        let root = (FileSystemPath::Root, Access::Write);
        assert_eq!(managed(core::slice::from_ref(&root), true), SandboxPolicy::FullAccess);
        assert_eq!(managed(&[root], false), SandboxPolicy::ExternalSandbox);
        assert_eq!(managed(&[(FileSystemPath::Root, Access::Read)], true), SandboxPolicy::ReadOnly);
        assert_eq!(
            managed(
                &[
                    (FileSystemPath::Root, Access::Read),
                    (FileSystemPath::ProjectRoots { subpath: None }, Access::Write)
                ],
                true
            ),
            SandboxPolicy::WorkspaceWrite
        );
        assert_eq!(managed(&[], true), SandboxPolicy::ReadOnly);
    }

    #[test]
    fn entries_that_narrow_a_writable_root() {
        let with = |narrowing| managed(&[(FileSystemPath::Root, Access::Write), narrowing], true);
        for narrowing in [
            (FileSystemPath::GlobPattern("*.pem".into()), Access::Read),
            (FileSystemPath::Root, Access::None),
            (path("/etc"), Access::Read),
            (path("/etc"), Access::None),
            (FileSystemPath::Tmpdir, Access::Read),
        ] {
            assert_ne!(with(narrowing.clone()), SandboxPolicy::FullAccess, "{narrowing:?}");
        }
        for harmless in [
            (FileSystemPath::Root, Access::Read),
            // The same place, written otherwise.
            (path("/"), Access::Read),
            (FileSystemPath::Minimal, Access::Read),
            (FileSystemPath::Unknown, Access::None),
        ] {
            assert_eq!(with(harmless.clone()), SandboxPolicy::FullAccess, "{harmless:?}");
        }
        // A write entry for the same place outranks read, but not none.
        let write = (path("/etc"), Access::Write);
        let root = (FileSystemPath::Root, Access::Write);
        assert_eq!(
            managed(&[root.clone(), write.clone(), (path("/etc"), Access::Read)], true),
            SandboxPolicy::FullAccess
        );
        assert_eq!(managed(&[root.clone(), write, (path("/etc"), Access::None)], true), SandboxPolicy::WorkspaceWrite);
        // A pattern is no one place.
        let pattern = || FileSystemPath::GlobPattern("*.pem".into());
        assert_eq!(
            managed(&[root, (pattern(), Access::Write), (pattern(), Access::Read)], true),
            SandboxPolicy::WorkspaceWrite
        );
    }

    #[test]
    fn places_that_resolve_to_a_writable_root() {
        let write = |path| managed(&[(path, Access::Write)], false);
        assert_eq!(write(path("/srv")), SandboxPolicy::WorkspaceWrite);
        assert_eq!(write(FileSystemPath::ProjectRoots { subpath: Some("out".into()) }), SandboxPolicy::WorkspaceWrite);
        assert_eq!(write(FileSystemPath::Tmpdir), SandboxPolicy::WorkspaceWrite);
        assert_eq!(write(FileSystemPath::SlashTmp), SandboxPolicy::ReadOnly, "the host says that /tmp is no folder");
        assert_eq!(write(FileSystemPath::Minimal), SandboxPolicy::ReadOnly);
        assert_eq!(write(FileSystemPath::GlobPattern("/srv/*".into())), SandboxPolicy::ReadOnly);
        // The longest prefix decides; of equal ones the higher access.
        assert_eq!(
            managed(&[(path("/srv"), Access::Write), (path("/srv"), Access::None)], false),
            SandboxPolicy::ReadOnly
        );
        assert_eq!(
            managed(&[(path("/srv/a"), Access::Write), (path("/srv"), Access::None)], false),
            SandboxPolicy::WorkspaceWrite
        );
        // However a place is written, it is the same.
        assert_eq!(
            managed(&[(path("/srv//./a/"), Access::Write), (path("\\srv\\a"), Access::None)], false),
            SandboxPolicy::ReadOnly
        );
    }
}
