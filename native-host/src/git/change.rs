//! What a step adds and deletes.

use std::fmt;
use std::ops::ControlFlow;

use gix::bstr::{BStr, ByteSlice};
use gix::diff::blob::platform::prepare_diff::Operation;
use gix::diff::blob::platform::resource::Data;
use gix::diff::blob::{Algorithm, Diff, InternedInput, ResourceKind, sources};
use gix::error::ResultExt;
use gix::object::tree::diff::ChangeDetached;
use gix::objs::tree::{EntryKind, EntryMode};
use gix::{ObjectId, Tree};

use super::{Git, GitError, LARGE_FILE, Step};

/// What a step did to a file.
#[derive(Clone, Default)]
pub struct FileChange<'a> {
    /// The file's path from the repository's root; the former one of a deleted file.
    pub path: String,
    /// Its former path, if it was renamed.
    pub renamed_from: Option<String>,
    /// The lines that were added, without their line ends.
    pub added: Vec<&'a [u8]>,
    /// The lines that were deleted, without their line ends.
    pub deleted: Vec<&'a [u8]>,
    /// How many of the added lines of a merge none of its parents has.
    pub in_no_parent: u64,
    /// Why the file was not read, if it was not.
    pub unread: Option<Unread>,
}

/// Shows neither the path nor a line.
impl fmt::Debug for FileChange<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "FileChange({} added, {} deleted)", self.added.len(), self.deleted.len())
    }
}

/// Why a file's changes are not lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unread {
    /// It is binary, or is to be taken for binary.
    Binary,
    /// It is larger than `core.bigFileThreshold`, or 64 MiB.
    TooLarge,
}

/// A file before or after a step.
#[derive(Clone, Copy)]
struct Side<'a> {
    path: &'a BStr,
    id: ObjectId,
    kind: EntryKind,
}

/// Reads the changes of one step after another.
#[derive(Debug)]
pub struct ChangeReader<'a> {
    git: &'a Git,
    resources: Resources,
}

/// What `gix` keeps between two diffs.
struct Resources(Box<gix::diff::blob::Platform>);

impl fmt::Debug for Resources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Resources")
    }
}

impl<'a> ChangeReader<'a> {
    /// A reader of a repository's changes.
    ///
    /// # Errors
    ///
    /// [`GitError`] if the repository's index or attributes cannot be read.
    pub fn new(git: &'a Git) -> Result<Self, GitError> {
        Ok(Self { git, resources: Resources(Box::new(git.repo.diff_resource_cache_for_tree_diff()?)) })
    }

    /// Shows every file that a step changes to `see`. Submodules are not files.
    ///
    /// # Errors
    ///
    /// [`GitError`] if an object cannot be read.
    pub fn read(&mut self, step: &Step, mut see: impl FnMut(&FileChange<'_>)) -> Result<(), GitError> {
        for (path, unread) in &step.unread {
            see(&FileChange { path: path.clone(), unread: Some(*unread), ..FileChange::default() });
        }
        let repo = &self.git.repo;
        let new_tree = repo.find_tree(step.new_tree)?;
        let others = step.others.iter().map(|other| Ok((repo.find_tree(other.tree)?, other.is_in_range)));
        let others = others.collect::<Result<Vec<_>, GitError>>()?;
        let mut changes = Vec::new();
        repo.find_tree(step.old_tree)?.changes()?.for_each_to_obtain_tree_with_cache(
            &new_tree,
            &mut self.resources.0,
            |change| {
                changes.push(change.detach());
                Ok(ControlFlow::Continue(()))
            },
        )?;
        for change in &changes {
            let (old, new) = sides(change);
            if [old, new].into_iter().flatten().all(|side| is_text(side.kind)) {
                self.file(old, new, &others, &mut see)?;
            }
        }
        self.resources.0.clear_resource_cache_keep_allocation();
        Ok(())
    }

    fn file(
        &mut self,
        old: Option<Side<'_>>,
        new: Option<Side<'_>>,
        others: &[(Tree<'_>, bool)],
        see: &mut impl FnMut(&FileChange<'_>),
    ) -> Result<(), GitError> {
        let repo = &self.git.repo;
        let is_merge = !others.is_empty();
        let Some(place) = new.or(old) else { return Ok(()) };
        let mut file = FileChange { path: place.path.to_str_lossy().into_owned(), ..FileChange::default() };
        file.renamed_from = old.filter(|old| old.path != place.path).map(|old| old.path.to_str_lossy().into_owned());

        let resources = &mut self.resources.0;
        resources.clear_resource_cache_keep_allocation();
        for (side, kind) in [(old, ResourceKind::OldOrSource), (new, ResourceKind::NewOrDestination)] {
            let absent = Side { id: repo.object_hash().null(), kind: EntryKind::Blob, ..place };
            let Side { path, id, kind: entry } = side.unwrap_or(absent);
            resources.set_resource(id, entry, path, kind, &repo.objects).or_error()?;
        }
        let diff = resources.prepare_diff().or_error()?;
        let Operation::InternalDiff { algorithm } = diff.operation else {
            let size = [diff.old.data, diff.new.data].into_iter().filter_map(binary_size).max();
            let is_large = size.is_some_and(|size| size >= repo.big_file_threshold().unwrap_or(LARGE_FILE));
            file.unread = Some(if is_large { Unread::TooLarge } else { Unread::Binary });
            see(&file);
            return Ok(());
        };
        let input = InternedInput::new(diff.old.intern_source(), diff.new.intern_source());
        let lines = Diff::compute(algorithm, &input);
        let new_text = diff.new.data.as_slice().unwrap_or_default();
        let others = others.iter().filter(|_| lines.count_additions() > 0).filter_map(|(tree, is_in_range)| {
            let other = blob_at(tree, place.path).transpose()?;
            Some(other.map(|other| (lines_beyond(&other, new_text, algorithm), *is_in_range)))
        });
        let others = others.collect::<Result<Vec<_>, GitError>>()?;
        for hunk in lines.hunks() {
            file.deleted.extend(hunk.before.map(|line| without_end(input.interner[input.before[line as usize]])));
            for line in hunk.after {
                file.in_no_parent += u64::from(is_merge && others.iter().all(|(beyond, _)| beyond.is_added(line)));
                // What another parent has is new only if that parent is.
                if others.iter().all(|(beyond, is_in_range)| *is_in_range || beyond.is_added(line)) {
                    file.added.push(without_end(input.interner[input.after[line as usize]]));
                }
            }
        }
        see(&file);
        Ok(())
    }
}

fn is_text(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable | EntryKind::Link)
}

/// The lines of `new` that `other` lacks.
fn lines_beyond(other: &[u8], new: &[u8], algorithm: Algorithm) -> Diff {
    Diff::compute(algorithm, &InternedInput::new(sources::byte_lines(other), sources::byte_lines(new)))
}

fn binary_size(data: Data<'_>) -> Option<u64> {
    if let Data::Binary { size } = data { Some(size) } else { None }
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The file before and after a change. A copy has no former self: all its lines are new.
fn sides(change: &ChangeDetached) -> (Option<Side<'_>>, Option<Side<'_>>) {
    use ChangeDetached::{Addition, Deletion, Modification, Rewrite};
    let side = |path, id: &ObjectId, mode: &EntryMode| Some(Side { path, id: *id, kind: mode.kind() });
    match change {
        Addition { location, entry_mode, id, .. } | Rewrite { location, entry_mode, id, copy: true, .. } => {
            (None, side(location.as_bstr(), id, entry_mode))
        }
        Deletion { location, entry_mode, id, .. } => (side(location.as_bstr(), id, entry_mode), None),
        Modification { location, previous_entry_mode, previous_id, entry_mode, id } => {
            (side(location.as_bstr(), previous_id, previous_entry_mode), side(location.as_bstr(), id, entry_mode))
        }
        Rewrite { source_location, source_entry_mode, source_id, location, entry_mode, id, .. } => {
            (side(source_location.as_bstr(), source_id, source_entry_mode), side(location.as_bstr(), id, entry_mode))
        }
    }
}

fn blob_at(tree: &Tree<'_>, path: &BStr) -> Result<Option<Vec<u8>>, GitError> {
    let entry = tree.lookup_entry(path.split(|byte| *byte == b'/'))?;
    match entry {
        Some(entry) if is_text(entry.mode().kind()) => Ok(Some(entry.object()?.detach().data)),
        _ => Ok(None),
    }
}
