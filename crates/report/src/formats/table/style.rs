//! Colours, and the page they are put on.

use anstyle::{AnsiColor, Style};
use plimsoll_types::report::{Action, Severity, VerdictStatus};

use super::columns::wrap;
use crate::format::Options;

/// The text so far. Everything put on it must have been sanitised, for it writes escape sequences itself.
pub(super) struct Page {
    out: String,
    color: bool,
    width: Option<usize>,
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Narrower terminals are taken to be this wide: wrapped one word a line nothing can be read.
const MIN_WIDTH: usize = 40;

impl Page {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            out: String::new(),
            color: options.color,
            width: options.width.map(|width| width.max(MIN_WIDTH)),
        }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// A line of its own in bold.
    pub(super) fn strong(&mut self, text: &str) {
        let text = self.styled(BOLD, text);
        self.line(&text);
    }

    /// Begins a section.
    pub(super) fn heading(&mut self, text: &str) {
        self.blank();
        self.strong(text);
    }

    pub(super) fn blank(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    pub(super) fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    /// Plain text, wrapped to the width and indented.
    pub(super) fn paragraph(&mut self, indent: usize, text: &str) {
        self.marked(indent, "", "", text);
    }

    /// Dimmed text, wrapped to the width and indented.
    pub(super) fn aside(&mut self, indent: usize, text: &str) {
        let lines = match self.width {
            Some(width) => wrap(text, width.saturating_sub(indent).max(MIN_WIDTH / 2)),
            None => vec![text.to_owned()],
        };
        for line in lines {
            let line = self.dim(&line);
            self.line(&format!("{}{line}", " ".repeat(indent)));
        }
    }

    /// A word in its style, then text that wraps beside it. `shown` is how `word` looks.
    pub(super) fn marked(&mut self, indent: usize, word: &str, shown: &str, text: &str) {
        let gap = if word.is_empty() { 0 } else { word.len() + 2 };
        let left = " ".repeat(indent + gap);
        let lines = match self.width {
            Some(width) => wrap(text, width.saturating_sub(left.len())),
            None => vec![text.to_owned()],
        };
        for (at, line) in lines.iter().enumerate() {
            match at {
                0 if gap > 0 => self.line(&format!("{}{shown}  {line}", " ".repeat(indent))),
                _ => self.line(&format!("{left}{line}")),
            }
        }
    }

    pub(super) fn verdict(&mut self, status: VerdictStatus, word: &str, summary: &str) {
        let color = match status {
            VerdictStatus::Pass => AnsiColor::Green,
            VerdictStatus::Warn => AnsiColor::Yellow,
            VerdictStatus::Fail => AnsiColor::Red,
            VerdictStatus::NotJudged => AnsiColor::Magenta,
        };
        let shown = self.styled(color.on_default().bold().invert(), word);
        self.blank();
        self.marked(0, word, &shown, summary);
    }

    pub(super) fn action(&self, action: Action, text: &str) -> String {
        let style = match action {
            Action::Go => DIM,
            Action::Warn => AnsiColor::Yellow.on_default(),
            Action::NotJudged => AnsiColor::Magenta.on_default(),
            Action::Stop => AnsiColor::Red.on_default().bold(),
        };
        self.styled(style, text)
    }

    pub(super) fn severity(&self, severity: Severity, text: &str) -> String {
        let style = match severity {
            Severity::Critical => AnsiColor::Red.on_default().bold(),
            Severity::High => AnsiColor::Red.on_default(),
            Severity::Medium => AnsiColor::Yellow.on_default(),
            Severity::Unknown => AnsiColor::Magenta.on_default(),
            Severity::Low | Severity::Negligible => DIM,
        };
        self.styled(style, text)
    }

    pub(super) fn dim(&self, text: &str) -> String {
        self.styled(DIM, text)
    }

    pub(super) fn good(&self, text: &str) -> String {
        self.styled(AnsiColor::Green.on_default(), text)
    }

    pub(super) fn width(&self) -> Option<usize> {
        self.width
    }

    fn styled(&self, style: Style, text: &str) -> String {
        if self.color && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}
