//! The program, as a person runs it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// The program with all its features, built once if this test runs alone.
pub static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--offline", "--package", "turnledger-cli", "--features", "full"])
        .args(["--message-format", "json"])
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
    command_of(&PROGRAM, home)
}

/// The same of another build.
pub fn command_of(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("HOME", home).env_remove("DO_NOT_TRACK").env_remove("XDG_CONFIG_HOME").env_remove("XDG_STATE_HOME");
    command.env_remove("XDG_DATA_HOME");
    let settings = std::env::vars_os().map(|(name, _)| name);
    for setting in settings.filter(|name| name.to_string_lossy().starts_with("TURNLEDGER_")) {
        command.env_remove(setting);
    }
    command
}

/// The tap before a command, in a home of its own, with pipes on all sides.
pub fn tap(home: &Path, options: &[&str], command_line: &[&str]) -> Command {
    let mut tap = command(home);
    tap.arg("tap").args(options).arg("--").args(command_line);
    tap.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    tap
}

/// Runs the tap before a command with input, to its end.
///
/// # Panics
///
/// If it cannot be run.
pub fn pass(home: &Path, options: &[&str], command_line: &[&str], input: Vec<u8>) -> Output {
    let mut child = tap(home, options, command_line).spawn().expect("the tap starts");
    let mut stdin = child.stdin.take().expect("its input");
    let writer = thread::spawn(move || {
        // A command that stops reading closes the pipe.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("the input is written");
    output
}

/// Waits until a process ends.
///
/// # Panics
///
/// If it takes longer than `limit`; it is killed then.
pub fn ends_within(child: &mut Child, limit: Duration) -> ExitStatus {
    let until = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            return status;
        }
        if Instant::now() > until {
            child.kill().expect("it can be killed");
            panic!("it did not end within {limit:?}");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Sends a process a signal.
///
/// # Panics
///
/// If it cannot be sent.
pub fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
}

/// Whether this process was started to ignore a signal: what it starts ignores it, too.
pub fn is_ignored(number: u32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("0").trim();
    u64::from_str_radix(mask, 16).is_ok_and(|mask| mask >> (number - 1) & 1 == 1)
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
