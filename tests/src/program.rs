//! The program, as a person runs it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

/// The program, built once if this test runs alone.
pub static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--offline", "--package", "turnledger", "--message-format", "json"])
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo build");
    assert!(built.status.success());
    let artifacts = String::from_utf8(built.stdout).expect("messages of cargo");
    let messages = artifacts.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let executable = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back();
    executable.expect("the program")
});

/// The program, with a home of its own and no settings from outside.
pub fn command(home: &Path) -> Command {
    let mut command = Command::new(&*PROGRAM);
    command.env("HOME", home).env_remove("DO_NOT_TRACK").env_remove("XDG_CONFIG_HOME").env_remove("XDG_STATE_HOME");
    let settings = std::env::vars_os().map(|(name, _)| name);
    for setting in settings.filter(|name| name.to_string_lossy().starts_with("TURNLEDGER_")) {
        command.env_remove(setting);
    }
    command
}

/// Runs the program with `input` on its standard input.
///
/// # Panics
///
/// If it cannot be run.
pub fn run(arguments: &[&str], input: &[u8]) -> Output {
    let home = tempfile::tempdir().expect("a folder");
    run_in(home.path(), arguments, input)
}

/// The same in a home that is there before and after.
///
/// # Panics
///
/// If it cannot be run.
pub fn run_in(home: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = command(home)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A program that stops reading early closes the pipe.
    let _ = child.stdin.take().expect("its input").write_all(input);
    child.wait_with_output().expect("the program ends")
}

/// What it printed, as JSON, a value a line.
///
/// # Panics
///
/// If it is something else.
pub fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// What it printed.
///
/// # Panics
///
/// If that is no text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// What it said on standard error.
///
/// # Panics
///
/// If that is no text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}
