//! `turnledger import`, time after time: each tells what is new, once.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use crate::import_follow::events_so_far;
use turnledger_intake::import::{Memory, Options, Rollouts, Watch, import};
use turnledger_tests::program::{command, lines, stderr, stdout};
use turnledger_tests::rollouts::{self, recordings};

/// Runs an import whose events go to standard output, if to no file.
fn run(home: &Path, arguments: &[&str]) -> Output {
    let to: &[&str] = if arguments.contains(&"--output") { &[] } else { &["--output", "-"] };
    command(home).env_remove("CODEX_HOME").arg("import").args(to).args(arguments).output().expect("it runs")
}

fn recorded(name: &str) -> String {
    let recorded = recordings("0.131.0").into_iter().find(|recorded| recorded.name == name);
    recorded.expect("the recording").files.remove(0).1
}

/// The events of a file, one a line.
fn events(file: &str) -> String {
    let output = rollouts::import(turnledger::Sha2::default(), file);
    output.events.iter().map(|event| event.to_json() + "\n").collect()
}

fn sessions(home: &Path) -> PathBuf {
    let sessions = home.join(".codex/sessions/2026/11/28");
    fs::create_dir_all(&sessions).expect("a folder");
    sessions
}

fn append(path: &Path, text: &str) {
    let mut file = File::options().create(true).append(true).open(path).expect("a file");
    file.write_all(text.as_bytes()).expect("it is written");
}

#[test]
fn a_second_import_tells_what_is_new() {
    let home = tempfile::tempdir().expect("a folder");
    let sessions = sessions(home.path());
    let (plain, patch) = (recorded("plain_turn"), recorded("patch_files"));
    let (plain_events, patch_events) = (events(&plain), events(&patch));
    append(&sessions.join("rollout-a.jsonl"), &plain);
    // In the middle of a line.
    let cut = patch.rfind("task_complete").expect("its end");
    append(&sessions.join("rollout-b.jsonl"), &patch[..cut]);
    let begun = patch_events.lines().take(4).flat_map(|line| [line, "\n"]).collect::<String>();

    assert_eq!(stdout(&run(home.path(), &["-q"])), format!("{plain_events}{begun}"));
    let nothing = run(home.path(), &[]);
    assert_eq!(
        (nothing.status.code(), stdout(&nothing), stderr(&nothing)),
        (Some(0), String::new(), "2 files were imported before; --again reads them again\n".into())
    );
    append(&sessions.join("rollout-b.jsonl"), &patch[cut..]);
    let rest = run(home.path(), &[]);
    assert_eq!(stdout(&rest), patch_events[begun.len()..]);
    assert!(stderr(&rest).ends_with("\n1 file was imported before; --again reads it again\nRollouts say nothing of approvals, hooks, skills, and refused steers.\n"), "{}", stderr(&rest));
    assert_eq!(stdout(&run(home.path(), &["-q"])), "");
    // Codex moves a file when a thread is archived, and packs it when it is old.
    let archived = home.path().join(".codex/archived_sessions");
    fs::create_dir_all(&archived).expect("a folder");
    fs::rename(sessions.join("rollout-a.jsonl"), archived.join("rollout-a.jsonl")).expect("it moves");
    fs::remove_file(sessions.join("rollout-b.jsonl")).expect("it goes");
    fs::write(sessions.join("rollout-b.jsonl.zst"), zstd::encode_all(patch.as_bytes(), 1).expect("it is packed"))
        .expect("a file");
    assert_eq!(stdout(&run(home.path(), &["-q"])), "");
    assert_eq!(stdout(&run(home.path(), &["-q", "--again"])), format!("{plain_events}{patch_events}"));
    // What was asked for another way is another matter.
    let thread = lines(&run(home.path(), &["-q", "--again"]))[0]["event_params"]["thread_id"].clone();
    let thread = thread.as_str().expect("an id");
    assert_eq!(stdout(&run(home.path(), &["-q", "--thread", thread])), plain_events);
    assert_eq!(stdout(&run(home.path(), &["-q", "--thread", thread])), "");
    for _ in 0..2 {
        assert_eq!(
            stdout(&run(home.path(), &["-q", "--since", "2026-11-28"])),
            format!("{plain_events}{patch_events}")
        );
        let file = archived.join("rollout-a.jsonl");
        assert_eq!(stdout(&run(home.path(), &["-q", file.to_str().expect("a path")])), plain_events);
    }
    // Nothing of a path or a text is remembered.
    let memories = home.path().join(".local/state/turnledger/imports");
    let mut words: BTreeSet<String> = ["rollout-a", "sessions", ".codex"].map(Into::into).into();
    words.extend(patch.split(|letter: char| !letter.is_alphanumeric()).filter(|word| word.len() > 16).map(Into::into));
    let mut looked = 0;
    for memory in fs::read_dir(&memories).expect("a folder") {
        let text = fs::read_to_string(memory.expect("a file").path()).expect("a text");
        looked += text.len();
        assert_eq!(words.iter().find(|word| text.contains(&**word)), None);
    }
    assert!(looked > 400, "{looked} bytes");
}

#[test]
fn an_output_goes_on_where_it_ended() {
    let home = tempfile::tempdir().expect("a folder");
    let sessions = sessions(home.path());
    let (first, second) = (recorded("plain_turn"), recorded("patch_files"));
    let path = home.path().join("events.jsonl");
    let output = path.to_str().expect("a path");
    let import = |more: &[&str]| {
        let done = run(home.path(), &[&["-q", "--output", output], more].concat());
        assert_eq!((done.status.code(), stderr(&done)), (Some(0), String::new()));
        fs::read_to_string(&path).expect("events")
    };
    let both = events(&first) + &events(&second);
    append(&sessions.join("rollout-a.jsonl"), &first);
    // Somebody else's file is written anew, as by other commands.
    fs::write(&path, "another text").expect("a file");
    assert_eq!(import(&[]), events(&first));
    append(&sessions.join("rollout-b.jsonl"), &second);
    assert_eq!(import(&[]), both);
    assert_eq!(import(&[]), both);
    assert_eq!(import(&["--again"]), both);
    fs::remove_file(&path).expect("it goes");
    assert_eq!(import(&[]), both);
    // What nobody took is not remembered.
    let mut child = command(home.path())
        .env_remove("CODEX_HOME")
        .args(["import", "--output", "-"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it runs");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert_eq!(stdout(&run(home.path(), &["-q"])), both);
}

#[test]
fn only_the_sessions_of_a_repository() {
    let home = tempfile::tempdir().expect("a folder");
    let sessions = sessions(home.path());
    let (ours, other) = (recorded("plain_turn"), recorded("patch_files"));
    let with = |file: &str, url: &str| {
        let (first, rest) = file.split_once('\n').expect("lines");
        let mut first: serde_json::Value = serde_json::from_str(first).expect("a session");
        first["payload"]["git"] = serde_json::json!({ "repository_url": url });
        format!("{first}\n{rest}")
    };
    let ours = with(&ours, "git@github.com:our/repo.git");
    append(&sessions.join("rollout-a.jsonl"), &ours);
    append(&sessions.join("rollout-b.jsonl"), &with(&other, "https://github.com/other/repo"));
    let repo = turnledger_tests::repo::Repo::new();
    repo.git(&["remote", "add", "origin", "https://github.com/our/repo"]);
    let folder = repo.path().to_str().expect("a path");
    for repo in [folder, "https://github.com/Our/repo.git", "ssh://git@github.com/our/repo"] {
        assert_eq!(stdout(&run(home.path(), &["-q", "--again", "--repo", repo])), events(&ours), "{repo}");
    }
    // What was left out is not remembered.
    assert_eq!(lines(&run(home.path(), &["-q"])).len(), events(&ours).lines().count() + events(&other).lines().count());
    let none = run(home.path(), &["--repo", "nowhere"]);
    assert_eq!(
        (none.status.code(), &*stderr(&none)),
        (Some(2), "turnledger: --repo nowhere: neither a folder nor the URL of a remote\n")
    );
}

struct Quiet;

impl Watch for Quiet {
    fn note(&mut self, text: &str) {
        panic!("{text}");
    }

    fn read(&mut self, _: u64) {}
}

fn told(folder: &Path, memory: &mut Memory) -> Vec<String> {
    let options = Options::default();
    let rollouts = Rollouts::find(&[folder.to_owned()], &options, memory).expect("the files");
    let mut lines = Vec::new();
    import(&rollouts, &options, memory, &mut lines, &mut Quiet).expect("it is imported");
    String::from_utf8(lines).expect("text").lines().map(ToOwned::to_owned).collect()
}

/// Each file grows to its whole length in steps, some of them within a line, with an import behind each.
#[test]
fn a_file_that_grows_is_told_once() {
    let (mut imports, mut differ) = (0, 0);
    for version in ["0.104.0", "0.120.0", "0.131.0", "0.142.0", "0.153.0", "0.171.0"] {
        for (name, file) in recordings(version).into_iter().flat_map(|recorded| recorded.files) {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("rollout-a.jsonl");
            // The end of a file whose thread has not begun to work tells the thread without its model.
            let ends = file.match_indices('\n').map(|(at, _)| at + 1);
            let mut is_open = ends.filter(|end| !events_so_far(&file[..*end]).is_empty());
            let begun = is_open.next().unwrap_or(file.len());
            let mut memory = Memory::default();
            let mut events = Vec::new();
            let mut at = 0;
            let step = (file.len() - begun) / 5 + 1;
            while at < file.len() {
                let mut to = if at == 0 { begun } else { (at + step).min(file.len()) };
                while !file.is_char_boundary(to) {
                    to += 1;
                }
                append(&path, &file[at..to]);
                at = to;
                events.extend(told(folder.path(), &mut memory));
                let saved = folder.path().join("memory");
                memory.save(&saved).expect("it is saved");
                memory = Memory::load(&saved);
                imports += 1;
            }
            assert_eq!(told(folder.path(), &mut memory), [""; 0], "{name}");
            let whole: Vec<_> = self::events(&file).lines().map(ToOwned::to_owned).collect();
            // What a cut leaves open is told as far as it is known then: each event once, and most of them whole.
            let about = |event: &String| {
                let event: serde_json::Value = serde_json::from_str(event).expect("an event");
                let ids = ["thread_id", "turn_id", "item_id"].map(|id| event["event_params"][id].clone());
                (event["event_type"].clone(), ids)
            };
            let (told, known): (Vec<_>, Vec<_>) =
                (events.iter().map(about).collect(), whole.iter().map(about).collect());
            let missing: Vec<_> = known.iter().filter(|event| !told.contains(event)).collect();
            assert!(missing.is_empty() && told.len() == known.len(), "{version} {name}: {missing:?}");
            // A call that waited at a cut for the model's next response was told without one.
            let without_next = |event: &String| {
                let mut event: serde_json::Value = serde_json::from_str(event).expect("an event");
                event["event_params"]["subsequent_response_id"] = serde_json::Value::Null;
                event
            };
            let known: Vec<_> = whole.iter().map(without_next).collect();
            differ += events.iter().map(without_next).filter(|event| !known.contains(event)).count();
        }
    }
    assert!(imports > 600 && differ < 10, "{imports} imports, {differ} events differ");
}

#[test]
fn ten_thousand_files_that_are_known_take_no_second() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = recorded("plain_turn");
    let id = serde_json::from_str::<serde_json::Value>(file.lines().next().expect("a line")).expect("a session");
    let id = id["payload"]["id"].as_str().expect("an id").to_owned();
    for number in 0..10_000 {
        let day = folder.path().join(format!("{:02}", number % 28));
        fs::create_dir_all(&day).expect("a folder");
        let begin: String = file.lines().take(1).map(|line| line.replace(&id, &format!("thread-{number}"))).collect();
        fs::write(day.join(format!("rollout-{number}.jsonl")), begin + "\n").expect("a file");
    }
    let saved = folder.path().join("memory");
    let mut memory = Memory::default();
    assert_eq!(told(folder.path(), &mut memory).len(), 10_000);
    memory.save(&saved).expect("it is saved");
    let before = Instant::now();
    let mut memory = Memory::load(&saved);
    assert_eq!(told(folder.path(), &mut memory), [""; 0]);
    memory.save(&saved).expect("it is saved");
    assert!(before.elapsed() < Duration::from_secs(1), "{:?}", before.elapsed());
}
