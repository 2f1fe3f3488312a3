//! What the READMEs and the pages show is what happens: their programs and commands are run here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use turnledger_tests::program::{PROGRAM, lines, run, stderr, stdout};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).expect(path)
}

/// The fenced blocks of a page in a language, each without its fences.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    let parts = page.split(opening.as_str()).skip(1);
    parts.map(|part| part.split_once("```").expect("a closing fence").0.to_owned()).collect()
}

/// Every page that a person reads, from the repository's root.
fn pages() -> Vec<String> {
    let readmes = ["", "tests/", "fuzz/", "wasm/", "wasm/inspector/", "wasm/vscode/"];
    let mut pages: Vec<_> = readmes.iter().map(|folder| format!("{folder}README.md")).collect();
    pages.extend(["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "wasm/vscode/DEVELOPING.md"].map(String::from));
    let docs = fs::read_dir(repository().join("docs")).expect("docs");
    let paths = docs.map(|entry| entry.expect("a file").path());
    let names = paths.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.extend(names.map(|path| format!("docs/{}", path.file_name().expect("a name").to_string_lossy())));
    pages
}

/// The types of the events that were printed, in order.
fn types(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["event_type"].as_str()).collect()
}

#[test]
fn the_rust_program_prints_an_event() {
    let example = read("tests/examples/readme.rs");
    let (_, program) = example.split_once("\n\n").expect("a comment before the program");
    assert_eq!(blocks(&read("README.md"), "rust"), [program]);

    let ran = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--package", "turnledger-tests", "--example", "readme"])
        .env_remove("DO_NOT_TRACK")
        .env_remove("TURNLEDGER_DISABLED")
        .output()
        .expect("cargo run");
    assert!(ran.status.success(), "{}", stderr(&ran));
    let events = lines(&ran);
    assert_eq!(types(&events), ["codex_thread_initialized"]);
    assert_eq!(events[0]["event_params"]["thread_id"], json!("thread-1"));
    assert_eq!(events[0]["event_params"]["model"], json!("gpt-5.3-codex"));
    assert_eq!(events[0]["event_params"]["app_server_client"]["client_name"], json!("editor"));
}

/// It runs with the tests of its crate.
#[test]
fn the_test_of_an_embedder_is_one_of_ours() {
    let file = read("native-host/testing/tests/embedder.rs");
    let (_, program) = file.split_once("\n\n").expect("a comment before the test");
    let shown = blocks(&read("docs/embedding.md"), "rust");
    assert_eq!(shown.iter().filter(|block| block.contains("#[test]")).collect::<Vec<_>>(), [program]);
}

/// The programs of docs/embedding.md are parts of one that embeds the ledger beside other crates, word for word. The
/// first one is in the docs of its method, and the one about credentials in those of its trait.
#[test]
fn embedding_shows_parts_of_programs() {
    let mut shown = blocks(&read("docs/embedding.md"), "rust");
    shown.retain(|block| !block.contains("#[test]"));
    let [ledger, refresher, transport] = &shown[..] else { panic!("{} programs", shown.len()) };
    let program = read("tests/embed/sqlx-0.9/src/main.rs");
    assert!(program.contains(refresher), "{refresher}");
    assert!(program.contains(transport), "{transport}");
    let documented =
        |file: &str| read(file).replace("\n///\n", "\n\n").replace("\n/// ", "\n").replace("\n    /// ", "\n");
    assert!(documented("native-host/src/delivery/auth.rs").contains(refresher), "{refresher}");
    assert!(documented("native-host/src/ledger/builder.rs").contains(ledger), "{ledger}");
}

#[test]
fn the_first_command_prints_nine_events() {
    let page = read("README.md");
    let command = page.lines().find(|line| line.starts_with("cargo run --release -- replay ")).expect("the command");
    let arguments: Vec<_> = command.split(" -- ").nth(1).expect("arguments").split_whitespace().take(2).collect();
    let recording = repository().join(arguments[1]);
    let ran = run(&["replay", recording.to_str().expect("a path")], b"");
    assert_eq!(ran.status.code(), Some(0), "{}", stderr(&ran));
    assert_eq!(lines(&ran).len(), 9);
    assert!(stderr(&ran).contains("9 events"), "{}", stderr(&ran));
}

/// Every command that a page shows exists, and so does each of its long flags.
#[test]
fn the_commands_exist() {
    // What stands before the name where it is a crate or a package, and no command.
    const OF_PACKAGES: [&str; 4] = ["add", "install", "remove", "uninstall"];
    let mut seen = BTreeSet::new();
    for page in pages() {
        let text = read(&page).replace("\\\n", " ");
        let rows = text.lines().filter(|line| line.starts_with("| ")).flat_map(|row| row.split('`').skip(1).step_by(2));
        let shell = blocks(&text, "sh");
        for line in rows.chain(shell.iter().flat_map(|block| block.lines())) {
            let words: Vec<_> = line.split_whitespace().take_while(|word| *word != "#").collect();
            for (at, pair) in words.windows(2).enumerate() {
                let is_command = pair[0] == "turnledger" || pair[0].ends_with("/release/turnledger");
                if !is_command || (at > 0 && OF_PACKAGES.contains(&words[at - 1])) || pair[1].starts_with(['<', '~']) {
                    continue;
                }
                // Of these, a command of theirs has the flags.
                let depth = match (pair[1], words.get(at + 2)) {
                    ("collect", Some(&("token" | "user"))) => 2,
                    ("spool" | "store", _) => 1,
                    _ => 0,
                };
                let below = words[at + 2..].iter().take(depth).take_while(|word| !word.starts_with('-'));
                let command = [pair[1]].into_iter().chain(below.copied()).collect::<Vec<_>>().join(" ");
                let flags = words[at + 2..].iter().take_while(|word| !["--", "|", ">", ">>"].contains(word));
                let flags = flags.filter(|word| word.starts_with("--"));
                let flags = flags.map(|flag| flag.split('=').next().unwrap_or(flag).to_owned());
                seen.insert((page.clone(), command, flags.collect::<Vec<_>>()));
            }
        }
    }
    assert!(seen.len() > 20, "{} commands", seen.len());
    let mut helps = BTreeMap::new();
    for (page, command, flags) in seen {
        let help = helps.entry(command.clone()).or_insert_with(|| {
            let words: Vec<_> = command.split(' ').chain(["--help"]).collect();
            run(&words, b"")
        });
        assert_eq!(help.status.code(), Some(0), "{page}: turnledger {command}");
        for flag in flags {
            assert!(stdout(help).contains(&flag), "{page}: turnledger {command} {flag}");
        }
    }
}

/// The script of docs/editors.md taps the app-server, and runs other commands of Codex as they are.
#[cfg(unix)]
#[test]
fn the_editors_script_taps_the_app_server_alone() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let home = tempfile::tempdir().expect("a folder");
    let page = read("docs/editors.md");
    let script = blocks(&page, "sh").into_iter().find(|block| block.starts_with("#!/bin/sh")).expect("the script");
    let fake = "#!/bin/sh\necho \"$*\" > \"$HOME/ran\"\ncat\n".to_owned();
    for (name, text) in [("codex-tap", script), ("codex", fake)] {
        let file = home.path().join(name);
        fs::write(&file, text).expect("a script");
        fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).expect("a program");
    }
    symlink(&*PROGRAM, home.path().join("turnledger")).expect("a link");
    let path = format!("{}:{}", home.path().display(), std::env::var("PATH").expect("a path"));
    let session = concat!(
        r#"{"id":0,"method":"initialize","params":{"clientInfo":{"name":"editor","version":"1"}}}"#,
        "\n",
        r#"{"id":0,"result":{"userAgent":"editor/0.131.0 (Linux 6.1; x86_64)"}}"#,
        "\n"
    );
    let run = |arguments: &[&str]| {
        let mut script = Command::new(home.path().join("codex-tap"));
        script.args(arguments).env("HOME", home.path()).env("PATH", &path).env_remove("DO_NOT_TRACK");
        let mut script = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the script starts");
        script.stdin.take().expect("its input").write_all(session.as_bytes()).expect("it reads");
        let ended = script.wait_with_output().expect("it ends");
        let ran = fs::read_to_string(home.path().join("ran")).expect("what ran");
        (ended.status.code(), stdout(&ended), ran)
    };
    let events = home.path().join("turnledger-events.jsonl");
    assert_eq!(run(&["exec", "a b"]), (Some(0), session.to_owned(), "exec a b\n".to_owned()));
    assert!(!events.exists(), "no tap");
    assert_eq!(run(&["-c", "x=1", "app-server"]), (Some(0), session.to_owned(), "-c x=1 app-server\n".to_owned()));
    assert!(events.exists(), "the tap");
}

/// The page on tests names tests that there are.
#[test]
fn named_tests_exist() {
    let folder = repository().join("tests/tests");
    let page = read("tests/README.md");
    let (_, table) = page.split_once("| oracle |").expect("the table of oracles");
    let rows = table.lines().take_while(|row| row.starts_with('|') || row.starts_with(' '));
    let files = rows.filter_map(|row| row.trim_end_matches([' ', '|']).rsplit(" | ").next());
    let names: Vec<_> = files.flat_map(|files| files.split('`').skip(1).step_by(2)).collect();
    for name in names.iter().filter(|name| !name.starts_with("wasm/")) {
        if repository().join("tests").join(name).exists() {
            continue;
        }
        let (parent, start) = name.rsplit_once('/').unwrap_or((".", name));
        let entries = fs::read_dir(folder.join(parent)).expect(name);
        let mut found = entries.map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned());
        let exists = match start.strip_suffix('*') {
            Some(start) => found.any(|file| file.starts_with(start)),
            None => found.any(|file| file == format!("{start}.rs")),
        };
        assert!(exists, "{name}");
    }
    assert!(names.len() > 30, "{} names", names.len());
}

/// The settings that pages show for other programs are JSON.
#[test]
fn json_is_json() {
    let blocks: Vec<_> = pages().iter().flat_map(|page| blocks(&read(page), "json")).collect();
    assert!(blocks.len() > 1);
    for block in blocks {
        assert!(serde_json::from_str::<Value>(&block).is_ok(), "{block}");
    }
}

/// A link in a page leads to a file of the repository.
#[test]
fn links_lead_somewhere() {
    let mut links = 0;
    for page in pages() {
        let file = repository().join(&page);
        let folder = file.parent().expect("a folder");
        for part in read(&page).split("](").skip(1) {
            let target = part.split([')', '#']).next().expect("a target");
            if target.is_empty() || target.contains("://") {
                continue;
            }
            assert!(folder.join(target).exists(), "{page}: {target}");
            links += 1;
        }
    }
    assert!(links > 20, "{links} links");
}
