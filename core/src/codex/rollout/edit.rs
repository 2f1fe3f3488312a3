//! What a patch does to one file, in the forms that rollouts have: a unified diff, or the text that the model wrote.

use alloc::vec::Vec;

use crate::json::read::{Read, Text};
use crate::private::Presence;
use crate::protocol::enums::PatchKind;
use crate::protocol::item::{Change, ChangeKind};

/// The lines of a text; a last one without an end counts.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split_terminator('\n')
}

/// What a patch does to one file.
pub(super) enum Edit<'t> {
    Add { content: &'t str },
    Delete { content: Option<&'t str> },
    Update { hunks: Vec<Hunk<'t>>, move_path: Option<&'t str> },
}

/// Lines that stand together in a file.
pub(super) struct Hunk<'t> {
    /// How many lines of the file as it was come before; none if the hunk does not say.
    pub(super) line: Option<u64>,
    pub(super) lines: Vec<HunkLine<'t>>,
}

pub(super) enum HunkLine<'t> {
    Kept(&'t str),
    Removed(&'t str),
    Added(&'t str),
}

impl<'t> HunkLine<'t> {
    /// The line that the file has before.
    pub(super) fn old(&self) -> Option<&'t str> {
        match self {
            Self::Kept(line) | Self::Removed(line) => Some(line),
            Self::Added(_) => None,
        }
    }

    fn of(line: &'t str) -> Option<Self> {
        Some(match line.as_bytes().first() {
            Some(b'+') => Self::Added(&line[1..]),
            Some(b'-') => Self::Removed(&line[1..]),
            Some(b' ') => Self::Kept(&line[1..]),
            // A context line may have lost its space.
            None => Self::Kept(line),
            Some(_) => return None,
        })
    }
}

/// One file of `changes`, as a patch's end has it.
#[derive(Read)]
pub(super) struct FileEdit<'t> {
    #[serde(rename = "type")]
    kind: PatchKind,
    content: Option<Text<'t>>,
    unified_diff: Option<Text<'t>>,
    move_path: Option<Text<'t>>,
}

impl FileEdit<'_> {
    pub(super) fn change(&self) -> Change {
        let move_path = Presence(self.move_path.is_some());
        Change { kind: ChangeKind { kind: self.kind, move_path } }
    }

    pub(super) fn edit(&self) -> Option<Edit<'_>> {
        let text = |text: &'_ Option<Text<'_>>| text.is_some();
        match self.kind {
            PatchKind::Add if text(&self.content) => {
                Some(Edit::Add { content: self.content.as_ref().map_or("", |text| &text.0) })
            }
            PatchKind::Delete => Some(Edit::Delete { content: self.content.as_ref().map(|text| &*text.0) }),
            PatchKind::Update => Some(Edit::Update {
                hunks: unified(&self.unified_diff.as_ref()?.0),
                move_path: self.move_path.as_ref().map(|path| &*path.0),
            }),
            PatchKind::Add | PatchKind::Unknown => None,
        }
    }

    pub(super) fn text_bytes(&self) -> usize {
        [&self.content, &self.unified_diff].into_iter().flatten().map(|text| text.0.len()).sum()
    }
}

/// The hunks of a unified diff without headers of files, last first: a hunk's place is in the file before the patch, and
/// what comes before it must not have moved yet.
fn unified(diff: &str) -> Vec<Hunk<'_>> {
    let mut hunks: Vec<Hunk<'_>> = Vec::new();
    let (mut old, mut new) = (0_u64, 0_u64);
    for line in lines(diff) {
        let is_content = old + new > 0 || hunks.is_empty();
        if !is_content || line.starts_with("@@") {
            let Some((start, old_lines, new_lines)) = header(line) else { continue };
            (old, new) = (old_lines, new_lines);
            // A hunk without old lines comes behind the line that it names.
            let before = if old_lines == 0 { start } else { start.saturating_sub(1) };
            hunks.push(Hunk { line: Some(before), lines: Vec::new() });
            continue;
        }
        let (Some(hunk), Some(line)) = (hunks.last_mut(), HunkLine::of(line)) else { continue };
        match line {
            HunkLine::Kept(_) => (old, new) = (old.saturating_sub(1), new.saturating_sub(1)),
            HunkLine::Removed(_) => old = old.saturating_sub(1),
            HunkLine::Added(_) => new = new.saturating_sub(1),
        }
        hunk.lines.push(line);
    }
    hunks.reverse();
    hunks
}

/// `@@ -1,2 +3,4 @@`: where it begins in the old file, and how many lines it has of each.
fn header(line: &str) -> Option<(u64, u64, u64)> {
    let ranges = line.strip_prefix("@@ -")?;
    let (old, rest) = ranges.split_once(" +")?;
    let (new, _) = rest.split_once(" @@")?;
    let range = |text: &str| {
        let (start, count) = text.split_once(',').unwrap_or((text, "1"));
        Some((start.parse::<u64>().ok()?, count.parse::<u64>().ok()?))
    };
    let ((start, old), (_, new)) = (range(old)?, range(new)?);
    Some((start, old, new))
}

/// The files of a patch as the model wrote it, each with its path.
pub(super) fn written(patch: &str) -> Vec<(&str, Edit<'_>)> {
    let mut files: Vec<(&str, Edit<'_>)> = Vec::new();
    let mut rest = patch.find("*** Begin Patch").map_or("", |start| &patch[start..]);
    while !rest.is_empty() {
        let (line, next) = rest.split_once('\n').unwrap_or((rest, ""));
        if let Some(path) = line.strip_prefix("*** Add File: ") {
            files.push((path.trim(), Edit::Add { content: "" }));
            // The content is known by its marks alone, and has none in the file.
            let added = lines(next).take_while(|line| line.starts_with('+')).map(|line| HunkLine::Added(&line[1..]));
            let hunk = Hunk { line: Some(0), lines: added.collect() };
            files.push((path.trim(), Edit::Update { hunks: Vec::from([hunk]), move_path: None }));
        } else if let Some(path) = line.strip_prefix("*** Delete File: ") {
            files.push((path.trim(), Edit::Delete { content: None }));
        } else if let Some(path) = line.strip_prefix("*** Update File: ") {
            files.push((path.trim(), Edit::Update { hunks: Vec::new(), move_path: None }));
        } else if let Some((_, Edit::Update { hunks, move_path })) = files.last_mut() {
            if let Some(path) = line.strip_prefix("*** Move to: ") {
                *move_path = Some(path.trim());
            } else if line.starts_with("@@") {
                hunks.push(Hunk { line: None, lines: Vec::new() });
            } else if !line.starts_with("***")
                && let Some(line) = HunkLine::of(line)
                && hunks.last().is_none_or(|hunk| hunk.line.is_none())
            {
                if hunks.is_empty() {
                    hunks.push(Hunk { line: None, lines: Vec::new() });
                }
                hunks.last_mut().map(|hunk| hunk.lines.push(line)).unwrap_or_default();
            }
        }
        if line.starts_with("*** End Patch") {
            break;
        }
        rest = next;
    }
    files
}

/// What a patch that the model wrote does to each of its files.
pub(super) fn changes(files: &[(&str, Edit<'_>)]) -> Vec<Change> {
    let mut changes = Vec::new();
    for (index, (path, edit)) in files.iter().enumerate() {
        let (kind, moves) = match edit {
            Edit::Add { .. } => (PatchKind::Add, false),
            Edit::Delete { .. } => (PatchKind::Delete, false),
            // The content of a file that was just added.
            Edit::Update { .. } if index > 0 && is_add_of(&files[index - 1], path) => continue,
            Edit::Update { move_path, .. } => (PatchKind::Update, move_path.is_some()),
        };
        changes.push(Change { kind: ChangeKind { kind, move_path: Presence(moves) } });
    }
    changes
}

fn is_add_of(file: &(&str, Edit<'_>), path: &str) -> bool {
    file.0 == path && matches!(file.1, Edit::Add { .. })
}
