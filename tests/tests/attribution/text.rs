//! What is text, which lines a change has, and in what form it comes: as Git has it.

use std::fs;

use turnledger_tests::attribution::{REMOTE, accept, numstat, repository, total};
use turnledger_tests::golden::{folder, recording};
use turnledger_tests::program::{run, stderr};
use turnledger_tests::repo::{AT, Repo, diff_of};

#[test]
fn files_in_other_encodings_are_text_in_the_repository() {
    let repo = repository();
    let events = accept(&repo, "events.jsonl", &["agent one", "größer"], &["--remote", REMOTE]);
    repo.write(".gitattributes", "*.le working-tree-encoding=UTF-16LE\n*.bom working-tree-encoding=UTF-16\n*.latin working-tree-encoding=ISO-8859-1\n");
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let latin = |text: &str| text.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect::<Vec<u8>>();
    repo.write("a.le", utf16("base\n"));
    repo.write("a.bom", [vec![0xff, 0xfe], utf16("base\n")].concat());
    repo.write("a.latin", latin("base\n"));
    repo.commit("base");
    let text = "base\nagent one\ngrößer\n";
    for (name, content) in
        [("a.le", utf16(text)), ("a.bom", [vec![0xff, 0xfe], utf16(text)].concat()), ("a.latin", latin(text))]
    {
        repo.write(name, content);
        assert_eq!(numstat(&repo, &["HEAD"]), 2, "{name}");
        assert_eq!(total(&repo, &events, &["--worktree"]), [2, 2, 0, 2, 0], "{name}");
        let blame = run(
            &["attribute", "--repo", &repo.argument(), "--events", &events, "--blame", name, "--format", "csv"],
            b"",
        );
        let blame = String::from_utf8(blame.stdout).expect("text");
        assert!(blame.ends_with("1,true,,,\n2,true,moved,unknown,\n3,true,moved,unknown,\n"), "{name}: {blame}");
        repo.git(&["add", "--all"]);
        assert_eq!(total(&repo, &events, &["--staged"]), [2, 2, 0, 2, 0], "{name}");
        repo.commit(name);
        assert_eq!(total(&repo, &events, &["HEAD"]), [2, 2, 0, 2, 0], "{name}");
    }
}

#[test]
fn attributes_say_what_is_text() {
    let repo = repository();
    let events = accept(&repo, "events.jsonl", &["agent wrote this"], &["--remote", REMOTE]);
    repo.write(
        ".gitattributes",
        "*.dat diff\n*.no -diff\n*.bin binary\n*.drv diff=driver\n*.txtdrv diff=textual\n*.auto !diff\n",
    );
    repo.git(&["config", "diff.driver.binary", "true"]);
    repo.git(&["config", "diff.textual.binary", "false"]);
    for name in ["x.dat", "x.no", "x.bin", "x.drv", "x.txtdrv", "x.auto"] {
        repo.write(name, "record \0 one\n");
        repo.commit("base");
        repo.write(name, "record \0 one\nagent wrote this\nmore here\n");
        let lines = numstat(&repo, &["HEAD"]);
        let expected = [lines, lines, 0, lines / 2, 0];
        assert_eq!(total(&repo, &events, &["--worktree"]), expected, "{name}");
        repo.git(&["add", "--all"]);
        assert_eq!(total(&repo, &events, &["--staged"]), expected, "{name}");
        repo.commit("agent");
        assert_eq!(total(&repo, &events, &["HEAD"]), expected, "{name}");
        let bare = Repo::clone_of(&repo, &["--bare"]);
        bare.git(&["remote", "set-url", "origin", REMOTE]);
        bare.git(&["config", "diff.driver.binary", "true"]);
        bare.git(&["config", "diff.textual.binary", "false"]);
        assert_eq!(total(&bare, &events, &["HEAD"]), expected, "{name}");
    }
}

#[test]
fn prefixes_of_every_kind_are_no_part_of_a_path() {
    let repo = repository();
    repo.write("src/deep/my file.txt", "base\n");
    repo.write("gone.txt", "a line\nanother line\na third line\nand a fourth\n");
    repo.commit("base");
    repo.write("src/deep/my file.txt", "base\nagent one\n");
    repo.write("new/ü.txt", "agent two\n");
    repo.git(&["mv", "gone.txt", "renamed.txt"]);
    repo.write("renamed.txt", repo.read("renamed.txt") + "agent three\n");
    repo.commit("agent");
    let mut options: Vec<Vec<String>> =
        ["--no-prefix", "--default-prefix", "--src-prefix=left/", "--dst-prefix=right/"]
            .map(|option| vec![option.to_owned()])
            .into();
    let prefixes = [
        ("old/", "new/"),
        ("v1/", "v2/"),
        ("x/y/", "x/z/"),
        ("before:", "after:"),
        ("old-", "new-"),
        ("", "new/"),
        ("../old/", "../new/"),
        ("ä/", "ö/"),
        ("p q/", "r s/"),
    ];
    options.extend(prefixes.map(|(old, new)| vec![format!("--src-prefix={old}"), format!("--dst-prefix={new}")]));
    for setting in ["diff.mnemonicPrefix=true", "diff.noPrefix=true", "diff.dstPrefix=theirs/", "diff.srcPrefix=ours/"]
    {
        options.push(vec!["-c".into(), setting.into()]);
    }
    for option in options {
        let option: Vec<&str> = option.iter().map(String::as_str).collect();
        let arguments = match option[..] {
            ["-c", setting] => vec!["-c", setting, "diff", "HEAD~1", "HEAD"],
            _ => [&["diff"], &option[..], &["HEAD~1", "HEAD"]].concat(),
        };
        let diff = repo.git(&arguments);
        let text = String::from_utf8_lossy(&diff);
        let events = run(&["fingerprint", "--at", &AT.to_string(), "--remote", REMOTE], &diff);
        let events = repo.keep("events.jsonl", &events.stdout);
        assert_eq!(total(&repo, &events, &["HEAD"]), [3, 3, 3, 0, 0], "{option:?}\n{text}");
        let kept = repo.keep("a.diff", &diff);
        assert_eq!(total(&repo, &events, &["--diff", &kept]), [3, 3, 3, 0, 0], "{option:?}\n{text}");
    }
}

#[test]
fn a_submodule_is_the_line_that_git_shows() {
    let (inner, repo) = (repository(), repository());
    let url = format!("file://{}", inner.argument());
    let submodule = |count: usize| {
        for _ in 0..count {
            inner.commit("more");
        }
        repo.git(&["-C", "inner", "pull", "--quiet", "--ff-only", "origin", "main"]);
        repo.git(&["add", "inner"]);
        repo.commit("submodule");
    };
    repo.git(&["submodule", "--quiet", "add", &url, "inner"]);
    repo.write("agent.txt", "agent one\n");
    repo.commit("with a submodule");
    let check = || {
        let diff = repo.git(&["diff", "HEAD~1", "HEAD"]);
        let events =
            repo.keep("events.jsonl", run(&["fingerprint", "--at", &AT.to_string(), "--remote", REMOTE], &diff).stdout);
        let expected = numstat(&repo, &["HEAD~1", "HEAD"]);
        let kept = repo.keep("a.diff", &diff);
        assert_eq!(total(&repo, &events, &["HEAD"]), [expected, expected, expected, 0, 0]);
        assert_eq!(total(&repo, &events, &["--diff", &kept]), [expected, expected, expected, 0, 0]);
    };
    check();
    submodule(1);
    check();
    repo.git(&["rm", "--quiet", "--force", "inner"]);
    repo.commit("no submodule");
    assert_eq!(numstat(&repo, &["HEAD~1", "HEAD"]), 0);
    let events = accept(&repo, "events.jsonl", &["agent one"], &["--remote", REMOTE]);
    assert_eq!(total(&repo, &events, &["HEAD"]), [0; 5]);
}

/// A text as Windows PowerShell and other programs store it.
fn stored(text: &[u8]) -> Vec<Vec<u8>> {
    let text = str::from_utf8(text).expect("text").replace('\n', "\r\n");
    let marked = format!("\u{feff}{text}");
    let units = |order: fn(u16) -> [u8; 2]| marked.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    vec![marked.clone().into_bytes(), units(u16::to_le_bytes), units(u16::to_be_bytes)]
}

#[test]
fn byte_order_marks_are_read_over() {
    let repo = repository();
    let events = accept(&repo, "events.jsonl", &["agent öne"], &["--remote", REMOTE]);
    repo.write("agent.txt", "agent öne\n");
    repo.commit("by the agent");
    let expected = [1, 1, 1, 0, 0];
    let diff = diff_of("agent.txt", &["agent öne"]);
    for text in stored(&fs::read(&events).expect("events")) {
        let file = repo.keep("stored.jsonl", &text);
        assert_eq!(total(&repo, &file, &["HEAD"]), expected);
        let twice = repo.keep("twice.jsonl", text.repeat(if text.starts_with(b"\xef") { 2 } else { 1 }));
        assert_eq!(total(&repo, &twice, &["HEAD"]), expected);
    }
    for text in stored(diff.as_bytes()) {
        let file = repo.keep("stored.diff", &text);
        assert_eq!(total(&repo, &events, &["--diff", &file]), expected);
        let plain = run(&["fingerprint", "--at", "1"], diff.as_bytes());
        for output in [run(&["fingerprint", "--at", "1", &file], b""), run(&["fingerprint", "--at", "1"], &text)] {
            assert_eq!((stderr(&output), &output.stdout), (String::new(), &plain.stdout));
        }
    }
    let traffic = folder().join("0.131.0/patch_files/traffic.jsonl");
    assert!(!recording("0.131.0", "patch_files").messages().is_empty());
    let plain = run(&["replay", "-q", &traffic.display().to_string()], b"");
    for text in stored(&fs::read(&traffic).expect("a recording")) {
        let file = repo.keep("stored.jsonl", &text);
        for output in [run(&["replay", "-q", &file], b""), run(&["replay", "-q", "-"], &text)] {
            assert_eq!((output.status.code(), &output.stdout), (Some(0), &plain.stdout), "{}", stderr(&output));
        }
    }
}
