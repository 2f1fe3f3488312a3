//! The command as a process: signals to it, and its end as ours.

use std::process::{ExitCode, ExitStatus};

use anyhow::{Context, anyhow, bail};

/// Passes signals on to the command. Those that the terminal sends reach it by themselves.
#[cfg(unix)]
pub(super) fn pass_on_signals(id: u32) {
    use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    use signal_hook::iterator::SignalsInfo;
    use signal_hook::iterator::exfiltrator::WithOrigin;

    let wanted = [SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];
    // Without them the session runs as well; a signal then ends both at once.
    let Ok(mut signals) = SignalsInfo::<WithOrigin>::new(wanted) else { return };
    let Some(child) = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw) else { return };
    std::thread::spawn(move || {
        for origin in &mut signals {
            if origin.process.is_some()
                && let Some(signal) = rustix::process::Signal::from_named_raw(origin.signal)
            {
                // The command may be gone already.
                let _ = rustix::process::kill_process(child, signal);
            }
        }
    });
}

#[cfg(not(unix))]
pub(super) fn pass_on_signals(_: u32) {}

/// Waits until somebody wants an end.
#[cfg(unix)]
pub(super) fn wait_for_signal() -> anyhow::Result<i32> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM]);
    let signals = signals.as_mut().map_err(|error| anyhow!("cannot wait for a signal: {error}"))?;
    signals.forever().next().context("cannot wait for a signal")
}

#[cfg(not(unix))]
pub(super) fn wait_for_signal() -> anyhow::Result<i32> {
    loop {
        std::thread::park();
    }
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
            signal_hook::low_level::emulate_default_handler(signal).context("cannot end by a signal")?;
            bail!("cannot end by a signal")
        }
        #[cfg(not(unix))]
        Ended::BySignal(code) | Ended::WithCode(code) => std::process::exit(code),
        // Not by a return: the thread that waits for input would be waited for.
        #[cfg(unix)]
        Ended::WithCode(code) => std::process::exit(code),
    }
}
