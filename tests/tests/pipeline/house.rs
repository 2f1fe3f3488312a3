//! The layout is what it promises: imports run downwards, no two files import each other, versions are compared in one
//! file and statuses in another.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// All files below a folder with one of these endings, but for what is made or installed.
fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_dir() {
                if !["node_modules", "dist", "generated", "tests", "target", "embed"].contains(&&*name) {
                    open.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) && name != "tests.rs" {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A file's code, without comments and without its tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("text");
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = text.lines().map(|line| match line.trim_start() {
        comment if comment.starts_with("/*") || comment.starts_with("* ") => "",
        _ => line.split("//").next().unwrap_or_default(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The paths that a file's `use` declarations name, each with its segments. Re-exports are no imports.
fn imports(code: &str) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for declaration in code.split("\nuse ").skip(1) {
        let declaration = declaration.split(';').next().unwrap_or_default();
        expand(&[], &declaration.split_whitespace().collect::<String>(), &mut all);
    }
    all
}

/// Expands `a::{b,c::{d,e}}`.
fn expand(before: &[String], tree: &str, all: &mut Vec<Vec<String>>) {
    let mut segments = before.to_vec();
    let mut rest = tree;
    while let Some((segment, after)) = rest.split_once("::") {
        if segment.contains('{') {
            break;
        }
        segments.push(segment.to_owned());
        rest = after;
    }
    let Some(group) = rest.strip_prefix('{').and_then(|group| group.strip_suffix('}')) else {
        segments.push(rest.to_owned());
        all.push(segments);
        return;
    };
    let (mut depth, mut from) = (0, 0);
    for (at, byte) in group.bytes().enumerate().chain([(group.len(), b',')]) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 0 => {
                if from < at {
                    expand(&segments, &group[from..at], all);
                }
                from = at + 1;
            }
            _ => {}
        }
    }
}

/// The files of a Rust crate by their modules' paths.
fn modules(source: &str) -> BTreeMap<Vec<String>, PathBuf> {
    let base = root().join(source);
    let named = files(source, &[".rs"]).into_iter().map(|path| {
        let place = path.strip_prefix(&base).expect("below it").with_extension("");
        let mut segments: Vec<_> = place.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        segments.pop_if(|last| ["mod", "lib", "main"].contains(&&**last));
        (segments, path)
    });
    named.collect()
}

/// Which of a crate's files a file imports. A module and what stands in it are one room: what it takes from the modules
/// around it is no arrow.
fn imported(own: &[String], code: &str, modules: &BTreeMap<Vec<String>, PathBuf>) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for import in imports(code) {
        let mut at = match import[0].as_str() {
            "crate" => Vec::new(),
            "super" => own[..own.len().saturating_sub(1)].to_vec(),
            _ => own.to_vec(),
        };
        let is_path = ["crate", "super", "self"].contains(&&*import[0]);
        for segment in &import[usize::from(is_path)..] {
            at.push(segment.clone());
            if !modules.contains_key(&at) {
                at.pop();
                break;
            }
        }
        if !own.starts_with(&at) && (is_path || at.len() > own.len()) {
            found.extend(modules.get(&at).cloned());
        }
    }
    found
}

/// The files that reach themselves by imports.
fn circles(arrows: &BTreeMap<PathBuf, BTreeSet<PathBuf>>) -> BTreeSet<String> {
    let reaches_itself = |start: &PathBuf| {
        let mut seen = BTreeSet::new();
        let mut open: Vec<_> = arrows[start].iter().collect();
        while let Some(file) = open.pop() {
            if file == start {
                return true;
            }
            if seen.insert(file) {
                open.extend(arrows.get(file).into_iter().flatten());
            }
        }
        false
    };
    let circular = arrows.keys().filter(|file| reaches_itself(file));
    circular.map(|file| file.strip_prefix(root()).expect("below it").display().to_string()).collect()
}

const CRATES: [&str; 10] = [
    "core/src",
    "native-host/src",
    "native-host/archive/src",
    "native-host/export/src",
    "native-host/intake/src",
    "native-host/git/src",
    "native-host/testing/src",
    "native-host/collector/src",
    "native-host/python/src",
    "native-host/cli/src",
];

#[test]
fn no_two_rust_files_import_each_other() {
    for source in CRATES {
        let modules = modules(source);
        let arrows: BTreeMap<_, _> = modules
            .iter()
            .map(|(own, path)| {
                let mut to = imported(own, &code(path), &modules);
                to.remove(path);
                (path.clone(), to)
            })
            .collect();
        assert!(arrows.values().map(BTreeSet::len).sum::<usize>() > modules.len() / 2, "{source} has imports");
        assert_eq!(circles(&arrows), BTreeSet::new(), "{source}");
    }
}

#[test]
fn no_two_typescript_files_import_each_other() {
    let all = files("wasm", &[".ts", ".tsx"]);
    let arrows: BTreeMap<_, _> = all
        .iter()
        .map(|path| {
            let text = fs::read_to_string(path).expect("text");
            let folder = path.parent().expect("a folder");
            let names = text.split("from \"").skip(1).filter_map(|rest| rest.split('"').next());
            let targets = names.filter(|name| name.starts_with('.')).flat_map(|name| {
                let name = name.trim_end_matches(".js");
                [".ts", ".tsx"].map(|ending| normal(&folder.join(format!("{name}{ending}"))))
            });
            (path.clone(), targets.filter(|target| all.contains(target)).collect::<BTreeSet<_>>())
        })
        .collect();
    assert!(arrows.values().map(BTreeSet::len).sum::<usize>() > all.len(), "they import each other's files");
    assert_eq!(circles(&arrows), BTreeSet::new());
}

/// A path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path {
        match part.to_str() {
            Some(".") => {}
            Some("..") => _ = normal.pop(),
            _ => normal.push(part),
        }
    }
    normal
}

/// The rooms of the core, from the top down: each imports those below it alone.
const ROOMS: [&str; 31] = [
    "lib",
    "serde_traits",
    "transcode",
    "schemas",
    "pipeline",
    "snapshot",
    "reducer",
    "codex",
    "restore",
    "source",
    "output",
    "batch",
    "policy",
    "columns",
    "delivery",
    "accepted_lines",
    "discard",
    "fact",
    "question",
    "unknown",
    "dialect",
    "event",
    "git_remote",
    "digest",
    "protocol",
    "id",
    "private",
    "sharing",
    "capped",
    "time",
    "json",
];

#[test]
fn imports_run_downwards_in_the_core() {
    let rooms: Vec<_> = ROOMS.to_vec();
    let floor =
        |room: &str| rooms.iter().position(|other| *other == room).unwrap_or_else(|| panic!("{room} has no floor"));
    let mut arrows = BTreeSet::new();
    for (own, path) in modules("core/src") {
        let from = own.first().cloned().unwrap_or_else(|| "lib".into());
        let code = code(&path);
        for part in code.split("crate::").skip(1) {
            let names = match part.strip_prefix('{') {
                Some(group) => group.split('}').next().unwrap_or_default().split(',').collect(),
                None => vec![part],
            };
            for name in names {
                let to: String = name.trim().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                if !to.is_empty() && to != from && rooms.contains(&&*to) {
                    arrows.insert((from.clone(), to));
                }
            }
        }
    }
    assert!(arrows.len() > 60, "{}", arrows.len());
    let upwards: Vec<_> = arrows.iter().filter(|(from, to)| floor(from) >= floor(to)).collect();
    assert_eq!(upwards, Vec::<&(String, String)>::new());
    // They stand side by side.
    assert!(!arrows.contains(&("reducer".into(), "codex".into())));
}

#[test]
fn no_rule_imports_another() {
    let matching = ["mod", "requests", "approvals"];
    for path in files("core/src/reducer", &[".rs"]) {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if path.parent().is_some_and(|folder| folder.ends_with("state")) || matching.contains(&&*name) {
            continue;
        }
        for import in imports(&code(&path)).into_iter().filter(|import| import[0] == "super") {
            assert!(["Reducer", "state"].contains(&&*import[1]), "{name} imports {import:?}");
        }
    }
}

/// The numbers in a file's code.
fn numbers(code: &str) -> BTreeSet<u64> {
    let words = code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter_map(|word| word.parse().ok()).collect()
}

/// The files of all hosts whose code has one of these numbers.
fn with_numbers(wanted: &[u64]) -> Vec<String> {
    let rust = CRATES.into_iter().chain(["wasm/src"]).flat_map(|source| files(source, &[".rs"]));
    let script = files("wasm/ts", &[".ts"]);
    let found = rust.chain(script).filter(|path| numbers(&code(path)).iter().any(|number| wanted.contains(number)));
    found.map(|path| path.strip_prefix(root()).expect("below it").display().to_string()).collect()
}

#[test]
fn versions_are_compared_in_one_file() {
    // Beside it stands the table of members.
    let files = ["core/src/dialect.rs", "core/src/event/since.rs"];
    assert_eq!(with_numbers(&[131, 132, 143, 169, 171]), files);
}

#[test]
fn statuses_mean_something_in_one_file() {
    let statuses = [401, 403, 404, 405, 408, 409, 410, 413, 415, 422, 425, 429];
    // The npm package tells the core with 401 that a provider had no new credentials.
    // And Codex reports with 404 that its provider knows no such model.
    let files = ["core/src/delivery/answer.rs", "core/src/event/error_kind.rs", "wasm/ts/answer.ts"];
    assert_eq!(with_numbers(&statuses), files);
}
