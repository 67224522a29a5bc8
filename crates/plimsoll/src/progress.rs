//! Progress for a person at a terminal.

use std::io::IsTerminal as _;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use plimsoll_fleet::{Event, Progress};

/// A bar on standard error, if somebody is looking and there is something to wait for.
pub(crate) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A bar that is not shown before there is something to pull.
    pub(crate) fn new(quiet: bool) -> Self {
        let target = if quiet || !std::io::stderr().is_terminal() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(10)
        };
        Self { bar: ProgressBar::with_draw_target(None, target) }
    }

    /// What the steps report to.
    pub(crate) fn progress(&self) -> Arc<Progress> {
        let bar = self.bar.clone();
        Arc::new(move |event| match event {
            Event::Planned { outstanding: 0, .. } => {}
            Event::Planned { layers, outstanding, bytes } => {
                // The bar takes what the rest of the line leaves: a line that wraps is drawn over and over.
                let template =
                    "{prefix}  {wide_bar} {bytes}/{total_bytes}  {binary_bytes_per_sec}  eta {eta}";
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style);
                }
                bar.set_prefix(format!("reading {outstanding} of {layers} layers"));
                bar.set_length(bytes);
            }
            Event::Pulled { bytes, .. } => bar.inc(bytes),
            _ => {}
        })
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
