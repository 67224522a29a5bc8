//! `plimsoll.report/v1`: the report itself.

use std::io::{self, Write};

use plimsoll_types::report::Report;

/// On one line: half the bytes of an indented one, and a stream of reports stays one report a line.
pub(crate) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, report)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{failed_scan, hostile, sample};

    #[test]
    fn it_reads_back_as_the_same_report_from_one_line() {
        for report in [sample(), failed_scan(), hostile()] {
            let mut out = Vec::new();
            write(&report, &mut out).unwrap();
            assert_eq!(std::str::from_utf8(&out).unwrap().lines().count(), 1);
            assert_eq!(serde_json::from_slice::<Report>(&out).unwrap(), report);
        }
    }

    #[test]
    fn a_scan_that_failed_has_every_field_and_every_array() {
        let mut out = Vec::new();
        write(&failed_scan(), &mut out).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        for field in ["/image/digest", "/image/platform", "/image/config_digest", "/distro"] {
            assert!(value.pointer(field).unwrap().is_null(), "{field}");
        }
        assert_eq!(value["image"]["reference"], "registry.example.com/shop/app:1.4");
        for array in [
            "/image/layers",
            "/image/other_platforms",
            "/packages",
            "/vulnerabilities",
            "/coverage/blind_spots",
            "/verdict/reasons",
        ] {
            assert!(value.pointer(array).unwrap().is_array(), "{array}");
        }
        assert_eq!(value["verdict"]["status"], "not_judged");
    }
}
