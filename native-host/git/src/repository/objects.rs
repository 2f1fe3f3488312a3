//! Objects outside the repository: Git keeps a push's objects apart until the hooks have accepted it.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use gix::odb;
use tempfile::TempDir;

/// Lets a repository read the objects that `GIT_OBJECT_DIRECTORY` and `GIT_ALTERNATE_OBJECT_DIRECTORIES`
/// name beside its own. They are read through a folder that lists them all, which must outlive it.
pub(super) fn of_environment(repo: &mut gix::Repository) -> io::Result<Option<TempDir>> {
    let alternates = env::var_os("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
    let named: Vec<PathBuf> = env::var_os("GIT_OBJECT_DIRECTORY")
        .map(PathBuf::from)
        .into_iter()
        .chain(env::split_paths(&alternates))
        .filter(|path| !path.as_os_str().is_empty() && path.is_dir())
        .map(std::path::absolute)
        .collect::<io::Result<_>>()?;
    let store = repo.objects.store_ref();
    if named.iter().all(|path| path == store.path()) {
        return Ok(None);
    }
    let list = tempfile::tempdir()?;
    fs::create_dir_all(list.path().join("info"))?;
    let own = std::path::absolute(store.path())?;
    let lines: Vec<u8> = named.iter().chain([&own]).flat_map(|path| [bytes(path), b"\n"].concat()).collect();
    fs::write(list.path().join("info/alternates"), lines)?;
    let replacements: Vec<_> = store.replacements().collect();
    let mut replacements = replacements.into_iter();
    let handle =
        odb::at_opts(list.path(), repo.object_hash(), &mut replacements, odb::store::init::Options::default())?;
    repo.objects = odb::memory::Proxy::from(handle);
    Ok(Some(list))
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}
