//! Codex, and what it wrote to disk.

use std::env;
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::HumanBytes;
use serde::Serialize;
use turnledger_intake::import::{Memory, Options, Rollouts, codex_home, default_folders};

use super::{Problem, ago, counted, quoted};

/// How long Codex may take to say its version.
const PATIENCE: Duration = Duration::from_secs(10);

/// The program.
#[derive(Debug, Serialize)]
pub(super) struct Codex {
    path: PathBuf,
    /// As it says it itself; null if it says none.
    version: Option<String>,
}

/// The first `codex` in `PATH`, as a shell finds it.
pub(super) fn find(problems: &mut Vec<Problem>) -> Option<Codex> {
    let names: &[&str] = if cfg!(windows) { &["codex.exe", "codex.cmd"] } else { &["codex"] };
    let folders = env::var_os("PATH").unwrap_or_default();
    let mut files = env::split_paths(&folders).flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    let path = files.find(|file| is_program(file))?;
    let version = match version(&path) {
        Ok(version) => Some(version),
        Err(error) => {
            let problem = format!("{} does not say its version: {error}", path.display());
            problems.push(Problem::new("codex", problem, format!("see what `{} --version` says", quoted(&path))));
            None
        }
    };
    Some(Codex { path, version })
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;

    fs::metadata(file).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

/// What follows the name in the first line that `codex --version` prints.
fn version(program: &Path) -> io::Result<String> {
    let mut command = Command::new(program);
    let mut child =
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let until = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() > until {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it does not end"));
        }
        thread::sleep(Duration::from_millis(10));
    };
    if !status.success() {
        return Err(io::Error::other(status.to_string()));
    }
    let mut said = Vec::new();
    // Whatever it left running may hold the pipe; a version is shorter than this.
    if let Some(mut stdout) = child.stdout.take() {
        said.resize(256, 0);
        let length = stdout.read(&mut said)?;
        said.truncate(length);
    }
    let said = String::from_utf8_lossy(&said);
    let version = said.lines().next().and_then(|line| line.split_whitespace().last());
    version.map(|version| version.replace(char::is_control, "")).ok_or_else(|| io::Error::other("it says nothing"))
}

impl fmt::Display for Codex {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at {}", self.version.as_deref().unwrap_or("of an unknown version"), self.path.display())
    }
}

/// What `turnledger import` would read.
#[derive(Debug, Serialize)]
pub(super) struct Sessions {
    /// Codex's own folder.
    home: PathBuf,
    is_there: bool,
    folders: Vec<Folder>,
}

#[derive(Debug, Serialize)]
struct Folder {
    path: PathBuf,
    /// Files of threads; a thread that is in two files counts once.
    files: u64,
    bytes: u64,
    /// When the newest session began; null without one.
    newest_ms: Option<u64>,
}

pub(super) fn sessions(problems: &mut Vec<Problem>) -> Option<Sessions> {
    let home = codex_home()?;
    let named = env::var_os("CODEX_HOME").is_some_and(|home| !home.is_empty());
    let is_there = home.is_dir();
    if named && !is_there {
        let problem = format!("CODEX_HOME names {}, which is no folder", home.display());
        problems.push(Problem::new("sessions", problem, "`unset CODEX_HOME`, or name the folder that Codex uses"));
    }
    let folders = default_folders().into_iter().map(|path| Folder::of(path, problems)).collect();
    Some(Sessions { home, is_there, folders })
}

impl Folder {
    fn of(path: PathBuf, problems: &mut Vec<Problem>) -> Self {
        let found = Rollouts::find(std::slice::from_ref(&path), &Options::default(), &Memory::default());
        let found = found.unwrap_or_else(|error| {
            problems.push(Problem::new("sessions", error, format!("`chmod u+rx {}`", quoted(&path))));
            Rollouts::default()
        });
        let newest_ms = found.files.iter().map(|file| file.start.0).max().filter(|at| *at > 0);
        Self { path, files: u64::try_from(found.files.len()).unwrap_or(u64::MAX), bytes: found.bytes(), newest_ms }
    }
}

impl Sessions {
    pub(super) fn files(&self) -> u64 {
        self.folders.iter().map(|folder| folder.files).sum()
    }
}

impl fmt::Display for Sessions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_there {
            return write!(formatter, "{} (not there)", self.home.display());
        }
        if self.folders.is_empty() {
            return write!(formatter, "none below {}", self.home.display());
        }
        for Folder { path, files, bytes, newest_ms } in &self.folders {
            write!(formatter, "{}: {} ({})", path.display(), counted(*files, "session"), HumanBytes(*bytes))?;
            match newest_ms {
                Some(newest) => writeln!(formatter, ", the newest began {}", ago(*newest))?,
                None => writeln!(formatter)?,
            }
        }
        Ok(())
    }
}
