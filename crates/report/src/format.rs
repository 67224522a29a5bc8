//! The register of formats.

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::str::FromStr;

use plimsoll_types::report::Report;

use crate::formats::{cyclonedx, json, sarif, table};

/// A way to write a report down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// For a person on a terminal.
    Table,
    /// `plimsoll.report/v1`, everything there is, on one line.
    Json,
    /// CycloneDX 1.6 with vulnerabilities.
    CyclonedxJson,
    /// SARIF 2.1.0, as code scanning services read it.
    Sarif,
}

/// How to write, where a format leaves a choice. Only [`Format::Table`] does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether the reader shows ANSI colours.
    pub color: bool,
    /// Columns of the terminal; without it, lines are as long as they need to be.
    pub width: Option<usize>,
}

/// A text that names no [`Format`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a report format; known are {known}", known = names())]
pub struct UnknownFormat(String);

impl Format {
    /// Every format.
    pub const ALL: &'static [Self] = &[Self::Table, Self::Json, Self::CyclonedxJson, Self::Sarif];

    /// The text form, as on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::CyclonedxJson => "cyclonedx-json",
            Self::Sarif => "sarif",
        }
    }
}

fn names() -> String {
    Format::ALL.iter().map(|format| format.as_str()).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let found = Self::ALL.iter().find(|format| format.as_str() == text);
        found.copied().ok_or_else(|| UnknownFormat(text.chars().take(100).collect()))
    }
}

/// Writes a report and a final line break. The bytes depend on nothing but the arguments. `out` is flushed
/// and need not be buffered.
pub fn write(format: Format, report: &Report, out: &mut dyn Write, options: &Options) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    match format {
        Format::Table => out.write_all(table::render(report, options).as_bytes())?,
        Format::Json => json::write(report, &mut out)?,
        Format::CyclonedxJson => cyclonedx::write(report, &mut out)?,
        Format::Sarif => sarif::write(report, &mut out)?,
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{failed_scan, hostile, sample};

    #[test]
    fn text_forms_round_trip() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(*format));
        }
        let error = "xml".parse::<Format>().unwrap_err().to_string();
        assert_eq!(error, "\"xml\" is not a report format; known are table, json, cyclonedx-json, sarif");
    }

    #[test]
    fn every_format_writes_every_report_the_same_way_twice_and_ends_its_last_line() {
        for report in [sample(), failed_scan(), hostile()] {
            for format in Format::ALL {
                let bytes = || {
                    let mut out = Vec::new();
                    write(*format, &report, &mut out, &Options::default()).unwrap();
                    out
                };
                let first = bytes();
                assert!(first == bytes() && first.ends_with(b"\n"), "{format}");
            }
        }
    }

    #[test]
    fn a_failing_writer_is_an_error_and_not_a_short_report() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for format in Format::ALL {
            let error = write(*format, &sample(), &mut Full, &Options::default()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{format}");
        }
    }
}
