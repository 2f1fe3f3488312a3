//! Real repositories, made with the real Git.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// When everything is committed unless a test says otherwise, in Unix seconds: after the recordings.
pub const AT: i64 = 1_795_305_600;

/// A diff that adds `lines` to a new file.
pub fn diff_of(path: &str, lines: &[&str]) -> String {
    let count = lines.len();
    format!("--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{count} @@\n+{}\n", lines.join("\n+"))
}

/// A repository in a folder of its own, which goes with it.
#[derive(Debug)]
pub struct Repo {
    folder: TempDir,
}

impl Default for Repo {
    fn default() -> Self {
        Self::new()
    }
}

#[allow(clippy::missing_panics_doc, reason = "a test cannot go on without its repository")]
impl Repo {
    /// An empty repository with the branch `main`.
    pub fn new() -> Self {
        let repo = Self { folder: tempfile::tempdir().expect("a folder") };
        repo.git(&["init", "--quiet", "--initial-branch", "main"]);
        repo
    }

    /// A clone of `from`, made with `options`.
    pub fn clone_of(from: &Self, options: &[&str]) -> Self {
        let repo = Self { folder: tempfile::tempdir().expect("a folder") };
        let url = format!("file://{}", from.path().display());
        let arguments = [&["clone", "--quiet"], options, &[&url, "."]].concat();
        repo.git(&arguments);
        repo
    }

    /// Its working tree.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Its working tree, as an argument.
    pub fn argument(&self) -> String {
        self.path().display().to_string()
    }

    /// A file of its working tree.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Runs Git, whatever the machine's own configuration; returns what it printed.
    pub fn git(&self, arguments: &[&str]) -> Vec<u8> {
        self.git_at(AT, arguments)
    }

    /// Runs Git at a time in Unix seconds.
    pub fn git_at(&self, at: i64, arguments: &[&str]) -> Vec<u8> {
        self.git_with(at, arguments, b"")
    }

    /// Runs Git at a time in Unix seconds, with `input` on its standard input.
    pub fn git_with(&self, at: i64, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let date = format!("@{at} +0000");
        let mut child = Command::new("git")
            .args(arguments)
            .current_dir(self.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "A")
            .env("GIT_AUTHOR_EMAIL", "a@example.test")
            .env("GIT_COMMITTER_NAME", "A")
            .env("GIT_COMMITTER_EMAIL", "a@example.test")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .env("GIT_ALLOW_PROTOCOL", "file")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("git runs");
        let mut stdin = child.stdin.take().expect("its input");
        let output = std::thread::scope(|scope| {
            // Git may end before it has read all.
            scope.spawn(move || drop(stdin.write_all(input)));
            child.wait_with_output().expect("git ends")
        });
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// What Git prints, as one line of text.
    pub fn ask(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.git(arguments)).expect("text").trim().to_owned()
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.file(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("its folders");
        fs::write(path, content).expect("a file");
    }

    /// Reads a file.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).expect("a file")
    }

    /// Commits everything.
    pub fn commit(&self, message: &str) {
        self.commit_at(AT, message);
    }

    /// Commits everything at a time in Unix seconds.
    pub fn commit_at(&self, at: i64, message: &str) {
        self.git(&["add", "--all"]);
        self.git_at(at, &["commit", "--quiet", "--allow-empty", "--message", message]);
    }

    /// Writes a file that is no part of the working tree; returns its path, as an argument.
    pub fn keep(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let name = format!(".git/{name}");
        self.write(&name, content);
        self.file(&name).display().to_string()
    }

    /// Applies a diff to the working tree.
    pub fn apply(&self, diff: &str) {
        self.write(".git/diff", diff);
        self.git(&["apply", ".git/diff"]);
    }
}
