//! What a step adds and deletes.

use std::collections::HashMap;
use std::fmt;
use std::ops::ControlFlow;

use gix::attrs::search::Outcome;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::diff::blob::{Algorithm, Diff, InternedInput, sources};
use gix::object::tree::diff::ChangeDetached;
use gix::objs::tree::{EntryKind, EntryMode};
use gix::worktree::stack::state::attributes::Source;
use gix::{ObjectId, Tree};

use super::merged::MergedLines;
use super::{Git, GitError, Step};

/// What a step did to a file.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct FileChange<'a> {
    /// The file's path from the repository's root; the former one of a deleted file.
    pub path: String,
    /// Its former path, if it was renamed.
    pub renamed_from: Option<String>,
    /// The lines that were added.
    pub added: Vec<AddedLine<'a>>,
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

/// A line that was added.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct AddedLine<'a> {
    /// What it says, without its line end.
    pub text: &'a [u8],
    /// When it was committed, in Unix seconds; `None` if that is not known, or not yet.
    pub at: Option<i64>,
}

/// Shows no line.
impl fmt::Debug for AddedLine<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "AddedLine({:?})", self.at)
    }
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
    /// It is larger than `core.bigFileThreshold`; than 16 MiB if that is not set.
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
    attributes: Attributes<'a>,
}

/// A file before and after a change.
type Contents = (Vec<u8>, Vec<u8>);

/// What `gix` keeps between two diffs.
struct Resources(Box<gix::diff::blob::Platform>);

/// What `.gitattributes` say of the attribute `diff`.
struct Attributes<'a>(Box<(gix::AttributeStack<'a>, Outcome)>);

impl fmt::Debug for Resources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Resources")
    }
}

impl fmt::Debug for Attributes<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Attributes")
    }
}

impl<'a> ChangeReader<'a> {
    /// A reader of a repository's changes.
    ///
    /// # Errors
    ///
    /// [`GitError`] if the repository's index or attributes cannot be read.
    pub fn new(git: &'a Git) -> Result<Self, GitError> {
        Self::try_new(git).map_err(|error| git.explained(error))
    }

    fn try_new(git: &'a Git) -> Result<Self, GitError> {
        let index = git.repo.index_or_load_from_head_or_empty()?;
        let attributes = git.repo.attributes_only(&index, Source::IdMapping)?;
        let found = attributes.selected_attribute_matches(["diff"]);
        let attributes = Attributes(Box::new((attributes, found)));
        Ok(Self { git, resources: Resources(Box::new(git.repo.diff_resource_cache_for_tree_diff()?)), attributes })
    }

    /// Shows every file that a step changes to `see`. A submodule is a file with the line that Git shows
    /// of it. Returns which of the merged commits cannot be read; their lines are unknown.
    ///
    /// # Errors
    ///
    /// [`GitError`] if an object cannot be read.
    pub fn read<'s>(
        &mut self,
        step: &'s Step,
        mut see: impl FnMut(&FileChange<'_>),
    ) -> Result<Vec<&'s Step>, GitError> {
        let mut unread = Vec::new();
        let mut merged = step.merged.as_ref().map(|_| MergedLines::default());
        if let Some(lines) = &mut merged {
            for commit in step.merged.iter().flatten() {
                let mut nothing = commit.merged.as_ref().map(|_| MergedLines::default());
                match self.read_one(commit, &mut nothing, &mut |change| lines.add(change)) {
                    Ok(()) => {}
                    Err(error @ GitError::Partial(_)) => return Err(error),
                    Err(_) => unread.push(commit),
                }
            }
        }
        self.read_one(step, &mut merged, &mut see)?;
        Ok(unread)
    }

    fn read_one(
        &mut self,
        step: &Step,
        merged: &mut Option<MergedLines>,
        see: &mut dyn FnMut(&FileChange<'_>),
    ) -> Result<(), GitError> {
        self.try_read(step, merged, see).map_err(|error| self.git.explained(error))
    }

    fn try_read(
        &mut self,
        step: &Step,
        merged: &mut Option<MergedLines>,
        see: &mut dyn FnMut(&FileChange<'_>),
    ) -> Result<(), GitError> {
        if step.is_unreadable {
            let id = step.commit.as_ref().map_or("", |commit| &commit.short);
            return Err(GitError::Unreadable(id.into()));
        }
        for (path, unread) in &step.unread {
            see(&FileChange { path: path.clone(), unread: Some(*unread), ..FileChange::default() });
        }
        let repo = &self.git.repo;
        let new_tree = repo.find_tree(step.new_tree)?;
        let parents = step.other_parents.iter().map(|parent| self.parent(*parent, &new_tree));
        let parents = parents.collect::<Result<Vec<_>, GitError>>()?;
        let mut changes = Vec::new();
        changes_between(&repo.find_tree(step.old_tree)?, &new_tree, &mut self.resources.0, |change| {
            changes.push(change);
        })?;
        for change in &changes {
            let (old, new) = sides(change);
            let is_file = |side: &Side<'_>| is_file(side.kind);
            self.file((old.filter(is_file), new.filter(is_file)), is_copy(change), step.at, &parents, merged, see)?;
        }
        self.resources.0.clear_resource_cache_keep_allocation();
        Ok(())
    }

    /// What another parent of a merge has, as what it lacks of the merge's result.
    fn parent(&mut self, parent: ObjectId, new_tree: &Tree<'_>) -> Result<Parent, GitError> {
        let tree = self.git.repo.find_tree(self.git.read_commit(parent)?.tree)?;
        let mut files = HashMap::new();
        changes_between(&tree, new_tree, &mut self.resources.0, |change| {
            let (old, new) = sides(&change);
            if let Some(new) = new {
                let old = old.filter(|old| is_file(old.kind) && !is_copy(&change));
                files.insert(new.path.to_owned(), old.map(|old| (old.id, old.kind)));
            }
        })?;
        Ok(Parent { files })
    }

    fn file(
        &mut self,
        (old, new): (Option<Side<'_>>, Option<Side<'_>>),
        is_copy: bool,
        at: Option<i64>,
        parents: &[Parent],
        merged: &mut Option<MergedLines>,
        see: &mut dyn FnMut(&FileChange<'_>),
    ) -> Result<(), GitError> {
        let Some(place) = new.or(old) else { return Ok(()) };
        let mut file = FileChange { path: place.path.to_str_lossy().into_owned(), is_copy, ..FileChange::default() };
        let renamed_from = old.filter(|old| !is_copy && old.path != place.path);
        file.renamed_from = renamed_from.map(|old| old.path.to_str_lossy().into_owned());
        let contents = match self.contents(old, new)? {
            Ok(contents) => contents,
            Err(unread) => {
                file.unread = Some(unread);
                see(&file);
                return Ok(());
            }
        };
        let algorithm = self.git.repo.diff_algorithm()?;
        let input = InternedInput::new(sources::byte_lines(&contents.0), sources::byte_lines(&contents.1));
        let lines = Diff::compute(algorithm, &input);
        file.text = &contents.1;
        let has_additions = lines.count_additions() > 0;
        let parents = parents.iter().filter(|_| has_additions).map(|parent| {
            Ok(match parent.files.get(place.path) {
                None => Beyond::Nothing,
                Some(None) => Beyond::Everything,
                Some(Some((id, kind))) => Beyond::Lines(lines_beyond(&self.blob(*id, *kind)?, file.text, algorithm)),
            })
        });
        let parents = parents.collect::<Result<Vec<_>, GitError>>()?;
        for hunk in lines.hunks() {
            file.deleted.extend(hunk.before.map(|line| without_end(input.interner[input.before[line as usize]])));
            for line in hunk.after {
                let is_in_no_parent = !parents.is_empty() && parents.iter().all(|beyond| beyond.has(line));
                file.in_no_parent += u64::from(is_in_no_parent);
                let text = without_end(input.interner[input.after[line as usize]]);
                let at = match merged {
                    Some(merged) if !is_in_no_parent => merged.take(&file.path, text),
                    _ => Some(at),
                };
                file.added.extend(at.map(|at| AddedLine { text, at }));
            }
        }
        see(&file);
        Ok(())
    }

    /// A file before and after a change, or why it has no lines.
    fn contents(&mut self, old: Option<Side<'_>>, new: Option<Side<'_>>) -> Result<Result<Contents, Unread>, GitError> {
        let repo = &self.git.repo;
        let (attributes, found) = &mut *self.attributes.0;
        let mut both = [Vec::new(), Vec::new()];
        for (side, content) in [old, new].into_iter().zip(&mut both) {
            let Some(side) = side else { continue };
            if side.kind == EntryKind::Commit {
                *content = submodule(side.id);
                continue;
            }
            let is_binary = if side.kind == EntryKind::Link {
                Some(false)
            } else {
                let attributes =
                    attributes.at_entry(side.path, Some(side.kind.into())).map_err(gix::Error::from_error)?;
                attributes.matching_attributes(found);
                self.git.is_binary(found)
            };
            let is_large = repo.find_header(side.id)?.size() > self.git.large_file();
            if is_large && is_binary != Some(false) {
                return Ok(Err(Unread::TooLarge));
            }
            *content = repo.find_object(side.id)?.detach().data;
            if is_binary.unwrap_or_else(|| content[..content.len().min(8000)].contains(&0)) {
                return Ok(Err(Unread::Binary));
            }
        }
        let [old, new] = both;
        Ok(Ok((old, new)))
    }

    fn blob(&self, id: ObjectId, kind: EntryKind) -> Result<Vec<u8>, GitError> {
        if kind == EntryKind::Commit {
            return Ok(submodule(id));
        }
        Ok(self.git.repo.find_object(id)?.detach().data)
    }
}

impl Git {
    /// Whether Git takes a file for binary, by the attribute `diff` and by what its driver says; `None`
    /// where a NUL in its first bytes decides.
    fn is_binary(&self, found: &Outcome) -> Option<bool> {
        use gix::attrs::StateRef::{Set, Unset, Unspecified, Value};
        match found.iter_selected().next().map_or(Unspecified, |found| found.assignment.state) {
            Set => Some(false),
            Unset => Some(true),
            Unspecified => None,
            Value(driver) => {
                let key = format!("diff.{}.binary", driver.as_bstr().to_str_lossy());
                self.repo.config_snapshot().boolean(key.as_str())
            }
        }
    }
}

/// What Git shows of a submodule.
fn submodule(id: ObjectId) -> Vec<u8> {
    format!("Subproject commit {id}\n").into_bytes()
}

fn is_file(kind: EntryKind) -> bool {
    kind != EntryKind::Tree
}

/// Another parent of a merge.
struct Parent {
    /// Where it differs from the merge's result: the file that it has in place of one, if any.
    files: HashMap<BString, Option<(ObjectId, EntryKind)>>,
}

/// The lines of a file that another parent lacks.
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
