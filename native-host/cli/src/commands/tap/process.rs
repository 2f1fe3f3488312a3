//! The command as a process: passes signals on, and ends as the command ends.

use std::process::{ExitCode, ExitStatus};

use anyhow::{Context, bail};
#[cfg(unix)]
use signal_hook::consts::{SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
#[cfg(unix)]
use signal_hook::iterator::SignalsInfo;
#[cfg(unix)]
use signal_hook::iterator::exfiltrator::{WithOrigin, origin::Origin};
use turnledger_intake::tap::Tap;

/// The signals that ask a process to end.
#[cfg(unix)]
const ENDS: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// A signal that ends the command may also reach the tap, a moment later.
#[cfg(unix)]
const SAME_MOMENT: std::time::Duration = std::time::Duration::from_millis(50);

/// The signals to this process; `None` if they cannot be had, since a session runs without them as well.
pub(super) struct Signals(#[cfg(unix)] Option<SignalsInfo<WithOrigin>>);

#[cfg(unix)]
impl Signals {
    /// Takes signals from now on. A signal that was ignored at the start, as under `nohup`, stays ignored.
    pub(super) fn take() -> Self {
        let ignored = ignored();
        let passed_on = [SIGCONT, SIGUSR1, SIGUSR2];
        let wanted = ENDS.into_iter().chain(passed_on).filter(|signal| ignored >> (signal - 1) & 1 == 0);
        Self(SignalsInfo::<WithOrigin>::new(wanted.chain([SIGCHLD])).ok())
    }

    /// Passes signals on to the command until it ends. One thread waits and signals, so no signal goes to a process id
    /// that has been given to another process.
    pub(super) fn until_end(&mut self, tap: &mut Tap) -> anyhow::Result<ExitStatus> {
        const UNKNOWN: &str = "cannot wait for the command";
        let Some(signals) = &mut self.0 else { return tap.wait().context(UNKNOWN) };
        loop {
            if let Some(status) = tap.try_wait().context(UNKNOWN)? {
                return Ok(status);
            }
            for origin in signals.wait() {
                if origin.signal != SIGCHLD && !reaches_command(&origin) {
                    // A command that has just ended takes no more.
                    let _ = tap.signal(origin.signal);
                }
            }
        }
    }

    /// Waits for a signal that asks for an end.
    pub(super) fn until_wanted(&mut self) -> anyhow::Result<Ended> {
        let mut signals = self.0.iter_mut().flat_map(SignalsInfo::forever).map(|origin| origin.signal);
        let wanted = signals.find(|signal| ENDS.contains(signal));
        wanted.map(Ended::BySignal).context("cannot wait for a signal")
    }

    /// Calls `end` at the next signal that asks for an end.
    pub(super) fn then(mut self, end: impl FnOnce() + Send + 'static) {
        std::thread::spawn(move || {
            std::thread::sleep(SAME_MOMENT);
            self.0.iter_mut().flat_map(SignalsInfo::pending).for_each(drop);
            if self.until_wanted().is_ok() {
                end();
            }
        });
    }
}

/// Whether a signal reaches the command without the tap. A terminal signals all processes in its foreground, but a
/// hangup goes to the session's leader alone.
#[cfg(unix)]
fn reaches_command(origin: &Origin) -> bool {
    // A session led from outside this process's PID namespace has the id 0, which `rustix` does not allow for.
    let leads = nix::unistd::getsid(None).is_ok_and(|session| session == nix::unistd::getpid());
    origin.process.is_none() && !(origin.signal == SIGHUP && leads)
}

/// The signals that were ignored at the start, a bit each; none if the system does not say.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

#[cfg(not(unix))]
impl Signals {
    /// Leaves Ctrl-C to the command, which gets it from the console, too: the tap ends as the command does.
    pub(super) fn take() -> Self {
        // A session runs without it as well.
        #[cfg(windows)]
        let _ = ctrlc::set_handler(|| ());
        Self()
    }

    pub(super) fn until_end(&mut self, tap: &mut Tap) -> anyhow::Result<ExitStatus> {
        tap.wait().context("cannot wait for the command")
    }

    pub(super) fn until_wanted(&mut self) -> anyhow::Result<Ended> {
        loop {
            std::thread::park();
        }
    }

    pub(super) fn then(self, _: impl FnOnce() + Send + 'static) {}
}

/// How the session ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ended {
    WithCode(i32),
    BySignal(i32),
}

impl Ended {
    /// The end of a command.
    pub(super) fn of(status: ExitStatus) -> Self {
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
            return Self::BySignal(signal);
        }
        Self::WithCode(status.code().unwrap_or(1))
    }
}

/// Ends as the command did: by its exit code, or by the signal that ended it.
pub(super) fn end_as(ended: Ended) -> anyhow::Result<ExitCode> {
    match ended {
        #[cfg(unix)]
        Ended::BySignal(signal) => {
            // No core dump of the tap: it would hold the session's messages.
            let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
            let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
            signal_hook::low_level::emulate_default_handler(signal).context("cannot end by a signal")?;
            bail!("cannot end by a signal")
        }
        #[cfg(not(unix))]
        Ended::BySignal(code) | Ended::WithCode(code) => std::process::exit(code),
        // Not by a return, which would wait for the thread that reads input.
        #[cfg(unix)]
        Ended::WithCode(code) => std::process::exit(code),
    }
}
