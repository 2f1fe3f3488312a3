//! Files that are their owner's alone.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a file that only its owner may read and write: it is made so, and narrowed if it is there and wider. A device
/// or a pipe is left as it is.
///
/// # Errors
///
/// What the system says if the file cannot be opened, or is wider and another user's.
pub fn open_private(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    let file = options.create(true).open(path)?;
    if file.metadata()?.is_file() {
        narrow(path)?;
    }
    Ok(file)
}

/// Makes a file that only its owner may read and write. An existing file keeps its content and gets that mode.
///
/// # Errors
///
/// Those of [`open_private`].
pub fn make_private(path: &Path) -> io::Result<()> {
    open_private(OpenOptions::new().write(true).truncate(false), path).map(drop)
}

/// Makes a folder, with those above it, that only its owner may enter, and narrows one that is wider.
///
/// # Errors
///
/// What the system says if it cannot be made or is another user's.
pub fn make_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)?;
    narrow(path)
}

/// Takes away what others may do with a file or a folder. A file system without permissions has none to take.
#[cfg(unix)]
pub(crate) fn narrow(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let mode = fs::metadata(path)?.permissions().mode();
    let of_others = mode & 0o077;
    if of_others == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700))
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "the same as on Unix")]
pub(crate) fn narrow(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::{make_private, make_private_folder};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_made_or_found_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        make_private_folder(&inner).unwrap();
        assert_eq!((mode(&inner), mode(&folder.path().join("a"))), (0o700, 0o700));
        let file = inner.join("file");
        make_private(&file).unwrap();
        assert_eq!(mode(&file), 0o600);
        fs::write(&file, "kept").unwrap();
        for wide in [&file, &inner] {
            fs::set_permissions(wide, fs::Permissions::from_mode(0o777)).unwrap();
        }
        make_private(&file).unwrap();
        make_private_folder(&inner).unwrap();
        assert_eq!((mode(&file), mode(&inner)), (0o700, 0o700));
        assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
        assert!(make_private(&folder.path().join("none/file")).is_err());
    }
}
