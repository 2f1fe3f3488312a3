//! What a step adds and deletes.

use std::collections::HashMap;
use std::fmt;
use std::ops::ControlFlow;

use gix::bstr::{BStr, BString, ByteSlice};
use gix::diff::blob::platform::prepare_diff::Operation;
use gix::diff::blob::platform::resource::Data;
use gix::diff::blob::{Algorithm, Diff, InternedInput, ResourceKind, sources};
use gix::error::ResultExt;
use gix::object::tree::diff::ChangeDetached;
use gix::objs::tree::{EntryKind, EntryMode};
use gix::{ObjectId, Tree};

use super::history::Other;
use super::{Git, GitError, Step};

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
    /// Whether it is a copy: what it lacks of the other file is still there.
    pub is_copy: bool,
    /// The whole file after the step.
    pub text: &'a [u8],
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
    /// It has the size of `core.bigFileThreshold` or more; 16 MiB if that is not set.
    TooLarge,
    /// A filter stands between it and the repository (Git LFS is one); filters are programs, and do not
    /// run.
    Filtered,
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
        let others = step.others.iter().map(|other| self.other(other, &new_tree));
        let others = others.collect::<Result<Vec<_>, GitError>>()?;
        let mut changes = Vec::new();
        changes_between(&repo.find_tree(step.old_tree)?, &new_tree, &mut self.resources.0, |change| {
            changes.push(change);
        })?;
        for change in &changes {
            let (old, new) = sides(change);
            let is_text = |side: &Side<'_>| is_text(side.kind);
            self.file((old.filter(is_text), new.filter(is_text)), is_copy(change), &others, &mut see)?;
        }
        self.resources.0.clear_resource_cache_keep_allocation();
        Ok(())
    }

    /// What another side of a merge has, as what it lacks of the merge's result.
    fn other(&mut self, other: &Other, new_tree: &Tree<'_>) -> Result<OtherSide, GitError> {
        let tree = self.git.repo.find_tree(other.tree)?;
        let mut files = HashMap::new();
        changes_between(&tree, new_tree, &mut self.resources.0, |change| {
            let (old, new) = sides(&change);
            if let Some(new) = new {
                let old = old.filter(|old| is_text(old.kind) && !is_copy(&change));
                files.insert(new.path.to_owned(), old.map(|old| old.id));
            }
        })?;
        Ok(OtherSide { files, is_parent: other.is_parent, is_in_range: other.is_in_range })
    }

    fn file(
        &mut self,
        (old, new): (Option<Side<'_>>, Option<Side<'_>>),
        is_copy: bool,
        others: &[OtherSide],
        see: &mut impl FnMut(&FileChange<'_>),
    ) -> Result<(), GitError> {
        let repo = &self.git.repo;
        let is_merge = others.iter().any(|other| other.is_parent);
        let Some(place) = new.or(old) else { return Ok(()) };
        let mut file = FileChange { path: place.path.to_str_lossy().into_owned(), is_copy, ..FileChange::default() };
        let renamed_from = old.filter(|old| !is_copy && old.path != place.path);
        file.renamed_from = renamed_from.map(|old| old.path.to_str_lossy().into_owned());

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
            let is_large = size.is_some_and(|size| size >= self.git.large_file());
            file.unread = Some(if is_large { Unread::TooLarge } else { Unread::Binary });
            see(&file);
            return Ok(());
        };
        let input = InternedInput::new(diff.old.intern_source(), diff.new.intern_source());
        let lines = Diff::compute(algorithm, &input);
        file.text = diff.new.data.as_slice().unwrap_or_default();
        let has_additions = lines.count_additions() > 0;
        let others = others.iter().filter(|_| has_additions).map(|other| {
            let beyond = match other.files.get(place.path) {
                None => Beyond::Nothing,
                Some(None) => Beyond::Everything,
                Some(Some(id)) => Beyond::Lines(lines_beyond(&repo.find_object(*id)?.data, file.text, algorithm)),
            };
            Ok((beyond, other))
        });
        let others = others.collect::<Result<Vec<_>, GitError>>()?;
        for hunk in lines.hunks() {
            file.deleted.extend(hunk.before.map(|line| without_end(input.interner[input.before[line as usize]])));
            for line in hunk.after {
                let is_evil = || others.iter().all(|(beyond, other)| !other.is_parent || beyond.has(line));
                file.in_no_parent += u64::from(is_merge && is_evil());
                // What another side has is new only if that side is.
                if others.iter().all(|(beyond, other)| other.is_in_range || beyond.has(line)) {
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

/// Another side of a merge.
struct OtherSide {
    /// Where it differs from the merge's result: the file that it has in place of one, if any.
    files: HashMap<BString, Option<ObjectId>>,
    is_parent: bool,
    is_in_range: bool,
}

/// The lines of a file that another side lacks.
enum Beyond {
    Nothing,
    Everything,
    Lines(Diff),
}

impl Beyond {
    fn has(&self, line: u32) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Lines(lines) => lines.is_added(line),
        }
    }
}

/// The changes from one tree to another, with renames unless the configuration says otherwise.
fn changes_between(
    old: &Tree<'_>,
    new: &Tree<'_>,
    resources: &mut gix::diff::blob::Platform,
    mut see: impl FnMut(ChangeDetached),
) -> Result<(), GitError> {
    old.changes()?.for_each_to_obtain_tree_with_cache(new, resources, |change| {
        see(change.detach());
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(())
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

fn is_copy(change: &ChangeDetached) -> bool {
    matches!(change, ChangeDetached::Rewrite { copy: true, .. })
}

/// The file before and after a change.
fn sides(change: &ChangeDetached) -> (Option<Side<'_>>, Option<Side<'_>>) {
    use ChangeDetached::{Addition, Deletion, Modification, Rewrite};
    let side = |path, id: &ObjectId, mode: &EntryMode| Some(Side { path, id: *id, kind: mode.kind() });
    match change {
        Addition { location, entry_mode, id, .. } => (None, side(location.as_bstr(), id, entry_mode)),
        Deletion { location, entry_mode, id, .. } => (side(location.as_bstr(), id, entry_mode), None),
        Modification { location, previous_entry_mode, previous_id, entry_mode, id } => {
            (side(location.as_bstr(), previous_id, previous_entry_mode), side(location.as_bstr(), id, entry_mode))
        }
        Rewrite { source_location, source_entry_mode, source_id, location, entry_mode, id, .. } => {
            (side(source_location.as_bstr(), source_id, source_entry_mode), side(location.as_bstr(), id, entry_mode))
        }
    }
}
