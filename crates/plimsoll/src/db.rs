//! `plimsoll db`: knowledge snapshots.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use plimsoll_knowledge::{BuildOptions, build};

use crate::cli::DbCommand;
use crate::{inputs, output};

/// How many skipped files are named; the rest is counted.
const SHOWN: usize = 20;

/// Runs the command; a failure is exit code 3, as for a scan.
pub(crate) fn run(command: DbCommand) -> ExitCode {
    let result = match command {
        DbCommand::Build { out, sources } => build_snapshot(&sources, &out),
        DbCommand::Info { file, json } => info(&file, json),
    };
    match result {
        Ok(text) => output::say(&text),
        Err(why) => {
            output::complain(&why);
            ExitCode::from(3)
        }
    }
}

fn build_snapshot(sources: &[PathBuf], out: &Path) -> Result<String, String> {
    let report = build(sources, out, &BuildOptions::default()).map_err(|error| error.to_string())?;
    for skipped in report.skipped.iter().take(SHOWN) {
        output::complain(&format!("skipped {skipped}"));
    }
    if report.skipped.len() > SHOWN {
        output::complain(&format!("skipped {} more", report.skipped.len() - SHOWN));
    }
    for (ecosystem, records) in &report.unsupported {
        output::complain(&format!(
            "{records} records of {ecosystem}, which is not an ecosystem Plimsoll matches"
        ));
    }
    Ok(format!("{}: {} advisories\n{}", out.display(), report.records, info(out, false)?))
}

fn info(file: &Path, json: bool) -> Result<String, String> {
    let snapshot = inputs::snapshot(file).map_err(|failure| failure.to_string())?;
    let info = snapshot.info();
    if json {
        serde_json::to_string_pretty(&info).map_err(|error| error.to_string())
    } else {
        Ok(info.to_string())
    }
}
