//! Where reports go.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use plimsoll_report::{Format, Options};
use plimsoll_types::report::Report;

use crate::cli::Color;

/// One `--format F[=FILE]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) format: Format,
    /// Standard output if none.
    pub(crate) file: Option<PathBuf>,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, file) = match text.split_once('=') {
            Some((_, "")) => return Err("a file name must follow the =".into()),
            Some((format, file)) => (format, Some(file.into())),
            None => (text, None),
        };
        Ok(Self { format: format.parse().map_err(|error| format!("{error}"))?, file })
    }
}

/// Writes the report to every target. The first failure is returned, after all have been tried.
pub(crate) fn write(report: &Report, targets: &[Target], color: Color) -> Result<(), String> {
    let mut result = Ok(());
    for target in targets {
        let written = match &target.file {
            Some(file) => write_file(report, target.format, file).map_err(|error| unwritable(file, &error)),
            None => unless_closed(write_stdout(report, target.format, color))
                .map_err(|error| format!("cannot write to standard output: {error}")),
        };
        result = result.and(written);
    }
    result
}

/// What to say of a file that cannot be written.
pub(crate) fn unwritable(file: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}; name a file that can be written", file.display())
}

/// Says on standard error, on one line, what failed and what to do. Names in it may be a stranger's.
pub(crate) fn complain(message: &str) {
    eprintln!("plimsoll: {}", plimsoll_report::sanitize::one_line(message));
}

/// A reader that closes the pipe (`| head`, `| grep -q`) has what it wanted; that is no failure of ours.
fn unless_closed(written: io::Result<()>) -> io::Result<()> {
    written.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}

/// Prints a text and a line end; a standard output that takes none is exit code 3.
pub(crate) fn say(text: &str) -> ExitCode {
    match unless_closed(writeln!(io::stdout().lock(), "{text}")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("cannot write to standard output: {error}"));
            ExitCode::from(3)
        }
    }
}

fn write_stdout(report: &Report, format: Format, color: Color) -> io::Result<()> {
    let stdout = io::stdout().lock();
    let terminal = stdout.is_terminal();
    let options = Options {
        color: match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        },
        width: if terminal { terminal_width() } else { None },
    };
    let mut buffered = BufWriter::with_capacity(1 << 16, stdout);
    plimsoll_report::write(format, report, &mut buffered, &options)?;
    buffered.flush()
}

fn terminal_width() -> Option<usize> {
    let stated = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    stated.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
}

fn write_file(report: &Report, format: Format, file: &Path) -> io::Result<()> {
    let options = Options { color: false, width: None };
    write_whole(file, |out| plimsoll_report::write(format, report, out, &options))
}

/// Whole or not at all: whoever reads the file never sees half of it. What is no regular file itself (a pipe, a
/// device, a link such as `/dev/stdout`) is written as it is: moving a file to its place would replace it.
pub(crate) fn write_whole(
    file: &Path,
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> io::Result<()> {
    if std::fs::symlink_metadata(file).is_ok_and(|meta| !meta.is_file()) {
        return write(&mut File::create(file)?);
    }
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = tempfile::Builder::new()
        .prefix(".plimsoll-")
        .tempfile_in(directory)
        .map_err(|error| without_path(&error, directory))?;
    write(temporary.as_file_mut())?;
    // A temporary file is its owner's alone; a report is read by others.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(file).map_or(0o644, |meta| meta.permissions().mode());
        temporary.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
    }
    temporary.persist(file).map_err(|error| error.error)?;
    Ok(())
}

/// The name of a temporary file means nothing to whoever asked for another: why there is none, without it. Most often
/// the directory is not there, and then the system has a better word for it than the kind of the error.
fn without_path(error: &io::Error, directory: &Path) -> io::Error {
    std::fs::metadata(directory).err().unwrap_or_else(|| error.kind().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_format_and_maybe_a_file() {
        let json = Target { format: Format::Json, file: Some("a=b.json".into()) };
        assert_eq!("json=a=b.json".parse(), Ok(json));
        assert_eq!("table".parse(), Ok(Target { format: Format::Table, file: None }));
        assert!("json=".parse::<Target>().is_err() && "xml".parse::<Target>().is_err());
    }

    #[test]
    fn a_file_is_replaced_whole_or_left_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("report");
        std::fs::write(&file, "old").unwrap();
        let broken = write_whole(&file, |out| {
            out.write_all(b"ha")?;
            Err(io::ErrorKind::Other.into())
        });
        assert!(broken.is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "old");
        write_whole(&file, |out| out.write_all(b"new")).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_written_to_and_never_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let (target, link) = (directory.path().join("target"), directory.path().join("link"));
        std::fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        write_whole(&link, |out| out.write_all(b"new")).unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "new");
    }

    #[test]
    fn a_reader_that_leaves_is_no_failure() {
        assert!(unless_closed(Err(io::ErrorKind::BrokenPipe.into())).is_ok());
        assert!(unless_closed(Err(io::ErrorKind::StorageFull.into())).is_err());
    }
}
