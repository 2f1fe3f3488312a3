//! Progress bars, shown at a terminal only.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use turnledger_intake::recording::Source;

/// A bar over the bytes of what is read.
pub(super) fn of_bytes(sources: &[Source], is_wanted: bool) -> ProgressBar {
    let total: Option<u64> = sources.iter().map(Source::stored_bytes).sum();
    let template = match total {
        Some(_) => "{bar:40} {percent:>3}% {binary_bytes}/{binary_total_bytes} ({binary_bytes_per_sec}, {eta} left)",
        None => "{spinner} {binary_bytes} ({binary_bytes_per_sec})",
    };
    bar(total, template, is_wanted)
}

/// A bar over the bytes of files.
pub(super) fn of_files(bytes: u64, is_wanted: bool) -> ProgressBar {
    let template =
        "{bar:40} {percent:>3}% {binary_bytes}/{binary_total_bytes} ({binary_bytes_per_sec}, {eta} left) {msg}";
    bar(Some(bytes), template, is_wanted)
}

/// A bar over events.
pub(super) fn of_events(total: u64, is_wanted: bool) -> ProgressBar {
    bar(Some(total), "{bar:40} {percent:>3}% {human_pos}/{human_len} events ({per_sec}, {eta} left) {msg}", is_wanted)
}

fn bar(total: Option<u64>, template: &str, is_wanted: bool) -> ProgressBar {
    if !is_wanted || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
    // The templates are constants: one either always parses or never does.
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
