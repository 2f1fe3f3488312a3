//! The parser of diffs against Git: random files and edits, and what Git itself says of them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use sha2::{Digest as _, Sha256};
use turnledger::Sha2;
use turnledger_core::accepted_lines::{Fingerprinter, lines};
use turnledger_core::event::accepted_lines::LineFingerprint;
use turnledger_git::repository::{ChangeReader, Git};
use turnledger_tests::repo::Repo;

const NAMES: [&str; 8] = [
    "plain.rs",
    "a/b",
    "b/a",
    "with space.txt",
    " spaces at both ends ",
    "nä\u{308}ïve/日本.txt",
    "quote\"back\\slash\ttab",
    "dev/null",
];

/// Lines that look like parts of a diff, and others that are hard to tell apart.
const LINES: [&str; 20] = [
    "",
    "}",
    "    }",
    "let x = 1;",
    "\tlet y = 2;",
    "--- a/x",
    "+++ b/x",
    "-- x",
    "++ x",
    "@@ -1 +1 @@",
    "diff --git a/x b/x",
    "\\ No newline at end of file",
    " leading",
    "trailing ",
    "+",
    "-",
    "caf\u{e9}",
    "one\rtwo",
    "with return\r",
    "GIT binary patch",
];

const OPTIONS: [&[&str]; 8] = [
    &[],
    &["--unified=0"],
    &["--no-prefix"],
    &["--find-renames=40%", "--find-copies-harder"],
    &["--binary"],
    &["--patience", "--unified=10"],
    &["--no-renames", "--function-context"],
    &["--src-prefix=old/", "--dst-prefix=new/"],
];

const SETTINGS: [&str; 4] =
    ["diff.mnemonicPrefix=true", "core.quotePath=false", "diff.suppressBlankEmpty=true", "diff.noPrefix=false"];

#[derive(Clone, Debug)]
enum Content {
    Lines { lines: Vec<&'static str>, ends_with_newline: bool },
    Binary(u8),
}

#[derive(Clone, Debug)]
enum Edit {
    Insert(Index, &'static str),
    Delete(Index),
    Rename(usize),
    Remove,
    MakeExecutable,
    Replace(Content),
}

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        8 => (prop::collection::vec(select(&LINES[..]), 0..30), any::<bool>())
            .prop_map(|(lines, ends_with_newline)| Content::Lines { lines, ends_with_newline }),
        1 => any::<u8>().prop_map(Content::Binary),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        6 => (any::<Index>(), select(&LINES[..])).prop_map(|(at, line)| Edit::Insert(at, line)),
        4 => any::<Index>().prop_map(Edit::Delete),
        1 => (0..NAMES.len()).prop_map(Edit::Rename),
        1 => Just(Edit::Remove),
        1 => Just(Edit::MakeExecutable),
        1 => content().prop_map(Edit::Replace),
    ]
}

fn put(repo: &Repo, name: &str, content: &Content) {
    let path = repo.file(name);
    let _ = fs::remove_file(&path);
    match content {
        Content::Lines { lines, ends_with_newline } => {
            let end = if *ends_with_newline && !lines.is_empty() { "\n" } else { "" };
            repo.write(name, lines.join("\n") + end);
        }
        Content::Binary(byte) => repo.write(name, [*byte, 0, 1, b'\n', b'+']),
    }
}

/// A link that is never a file: what Git counts where one becomes the other is not what it shows.
fn put_link(repo: &Repo, target: Option<&str>) {
    let path = repo.file("link");
    let _ = fs::remove_file(&path);
    if let Some(target) = target {
        symlink(target, path).expect("a link");
    }
}

fn change(repo: &Repo, name: &str, edits: &[Edit]) {
    let path = repo.file(name);
    for edit in edits {
        let is_text = path.symlink_metadata().is_ok_and(|file| file.is_file());
        match edit {
            Edit::Remove => drop(fs::remove_file(&path)),
            Edit::Replace(content) => put(repo, name, content),
            Edit::MakeExecutable if is_text => {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its permissions");
            }
            Edit::Rename(to) if is_text && repo.file(NAMES[*to]).symlink_metadata().is_err() => {
                repo.write(NAMES[*to], "");
                fs::rename(&path, repo.file(NAMES[*to])).expect("another name");
            }
            Edit::Insert(at, line) if is_text => {
                let text = fs::read(&path).expect("the file");
                let mut parts: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
                let line = format!("{line}\n");
                parts.insert(at.index(parts.len() + 1), line.as_bytes());
                fs::write(&path, parts.concat()).expect("the file");
            }
            Edit::Delete(at) if is_text => {
                let text = fs::read(&path).expect("the file");
                let mut parts: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
                if !parts.is_empty() {
                    parts.remove(at.index(parts.len()));
                }
                fs::write(&path, parts.concat()).expect("the file");
            }
            _ => {}
        }
    }
}

/// Added and deleted lines as `git diff --numstat` has them; binary files have none.
fn numstat(text: &[u8]) -> (u64, u64) {
    let text = String::from_utf8_lossy(text);
    let counts = text.split(['\n', '\0']).filter_map(|line| {
        let mut columns = line.split('\t');
        Some((columns.next()?.parse::<u64>().ok()?, columns.next()?.parse::<u64>().ok()?))
    });
    counts.fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1))
}

/// The counts as the reference makes them (`docs/contract/rules.md` 8.2): it knows no counts of hunks.
fn contract(diff: &[u8]) -> (u64, u64) {
    let (mut added, mut deleted, mut in_hunk) = (0, 0, false);
    for line in lines(diff) {
        if line.starts_with(b"diff --git ") {
            in_hunk = false;
        } else if line.starts_with(b"@@ ") {
            in_hunk = true;
        } else if !in_hunk && (line.starts_with(b"+++ ") || line.starts_with(b"--- ")) {
        } else if line.starts_with(b"+") {
            added += 1;
        } else if line.starts_with(b"-") {
            deleted += 1;
        }
    }
    (added, deleted)
}

fn ours(diff: &[u8]) -> (u64, u64, Vec<LineFingerprint>) {
    let mut fingerprinter = Fingerprinter::new(Sha2::default());
    let fingerprints = lines(diff).filter_map(|line| fingerprinter.line(line)).collect();
    (fingerprinter.added(), fingerprinter.deleted(), fingerprints)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn counts_are_those_of_git(
        files in prop::collection::vec(content(), NAMES.len()),
        present in prop::collection::vec(any::<bool>(), NAMES.len()),
        edits in prop::collection::vec(prop::collection::vec(edit(), 0..6), NAMES.len()),
        links in prop::collection::vec(prop::option::of(select(&["plain.rs", "gone"][..])), 2),
        options in select(&OPTIONS[..]),
        settings in prop::sample::subsequence(&SETTINGS[..], 0..=SETTINGS.len()),
    ) {
        let repo = Repo::new();
        for ((name, content), _) in NAMES.iter().zip(&files).zip(&present).filter(|(_, present)| **present) {
            put(&repo, name, content);
        }
        put_link(&repo, links[0]);
        repo.commit("before");
        put_link(&repo, links[1]);
        for (name, edits) in NAMES.iter().zip(&edits) {
            change(&repo, name, edits);
        }
        repo.commit("after");
        let mut command: Vec<&str> = settings.iter().flat_map(|setting| ["-c", *setting]).collect();
        command.extend(["diff", "HEAD^", "HEAD"]);
        command.extend(options);
        let diff = repo.git(&command);
        command.extend(["--numstat", "-z"]);
        let expected = numstat(&repo.git(&command));
        let (added, deleted, _) = ours(&diff);
        prop_assert_eq!((added, deleted), expected, "{}", String::from_utf8_lossy(&diff));
        prop_assert_eq!(contract(&diff), expected);

        // What the program reads of the repository itself; which file is a rename of which is a guess
        // that each makes in its own way.
        repo.git(&["config", "diff.renames", "false"]);
        let git = Git::open(Some(repo.path())).expect("the repository");
        let (mut added, mut deleted) = (0, 0);
        let step = git.span("HEAD^..HEAD").expect("a range");
        ChangeReader::new(&git).expect("a reader").read(&step, |change| {
            added += change.added.len() as u64;
            deleted += change.deleted.len() as u64;
        }).expect("the changes");
        let default = numstat(&repo.git(&["diff", "--numstat", "-z", "HEAD^", "HEAD"]));
        prop_assert_eq!((added, deleted), default);
    }
}

/// A hash as `docs/contract/rules.md` 8.7 says it, without the core.
fn hash(domain: &str, value: &str) -> String {
    let digest = Sha256::digest(format!("file-line-v1\0{domain}\0{value}"));
    digest
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    /// Every line is written once, so that the added ones are those that were not there before.
    #[test]
    fn hashes_are_those_of_the_files(
        kept in prop::collection::vec((0..NAMES.len(), any::<bool>()), 0..60),
        added in prop::collection::vec((0..NAMES.len(), any::<Index>(), select(&LINES[..])), 1..40),
        no_prefix in any::<bool>(),
        no_quotes in any::<bool>(),
    ) {
        let repo = Repo::new();
        let mut before: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut after = before.clone();
        for (number, (file, stays)) in kept.iter().enumerate() {
            let line = format!("line {number} of the former file");
            before.entry(NAMES[*file]).or_default().push(line.clone());
            let lines = after.entry(NAMES[*file]).or_default();
            lines.extend(stays.then_some(line));
        }
        let mut expected = Vec::new();
        for (number, (file, at, text)) in added.iter().enumerate() {
            let line = format!("{text}  new\t{number}");
            let lines = after.entry(NAMES[*file]).or_default();
            lines.insert(at.index(lines.len() + 1), line.clone());
            let words: Vec<&str> = line.split_whitespace().collect();
            expected.push((hash("path", NAMES[*file]), hash("line", &words.join(" "))));
        }
        let write = |files: &BTreeMap<&str, Vec<String>>| {
            for (name, lines) in files {
                repo.write(name, lines.join("\n") + "\n");
            }
        };
        write(&before);
        repo.commit("before");
        write(&after);
        repo.commit("after");
        let quotes = format!("core.quotePath={}", !no_quotes);
        let mut command = vec!["-c", &quotes, "diff", "--no-renames", "HEAD^", "HEAD"];
        command.extend(no_prefix.then_some("--no-prefix"));
        let diff = repo.git(&command);
        let mut found: Vec<_> = ours(&diff).2.iter().map(|one| (one.path_hash.to_string(), one.line_hash.to_string())).collect();
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected, "{}", String::from_utf8_lossy(&diff));
    }
}
