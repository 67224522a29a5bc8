use std::io::Write as _;

use super::*;

/// Unit and file name of each file found, the units, and what was skipped.
type Walked = (Vec<(usize, String)>, Vec<Unit>, Vec<Skipped>);

fn labels(sources: &[&Path], limits: Limits) -> Result<Walked, Error> {
    let mut found = Vec::new();
    let mut visit = |file: Found<'_>| {
        let name = file.label.rsplit('/').next().unwrap().to_owned();
        found.push((file.unit, name));
        true
    };
    let mut walker = Walker::new(limits, &mut visit);
    for source in sources {
        walker.source(source)?;
    }
    let (units, skipped) = (walker.units, walker.skipped);
    Ok((found, units, skipped))
}

fn zip_of(path: &Path, files: &[(&str, &[u8])]) {
    let mut writer = zip::ZipWriter::new(File::create(path).unwrap());
    for (name, bytes) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn directories_zips_and_markers_make_units() {
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("demo");
    fs::create_dir_all(&demo).unwrap();
    fs::create_dir_all(folder.path().join(".git")).unwrap();
    for name in ["a.json", "notes.txt", ".git/x.json", "demo/b.yaml"] {
        fs::write(folder.path().join(name), "{}").unwrap();
    }
    fs::write(demo.join(MARKER), r#"{"completeness":"demonstration","note":"x"}"#).unwrap();
    zip_of(&folder.path().join("all.zip"), &[("c.json", b"{}"), ("readme.md", b"")]);
    let (found, units, skipped) = labels(&[folder.path()], Limits::default()).unwrap();
    let name = |name: &str| found.iter().find(|(_, found)| found == name).unwrap().0;
    assert_eq!(found.len(), 3);
    assert_eq!(units[name("a.json")].marked, None);
    assert_eq!(units[name("b.yaml")].marked, Some(Completeness::Demonstration));
    assert_ne!(name("a.json"), name("c.json"));
    assert!(skipped.is_empty());
}

#[test]
fn a_record_at_the_limit_is_read_and_one_byte_more_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("x.zip");
    zip_of(&zip, &[("a.json", &[b' '; 10]), ("b.json", &[b' '; 11])]);
    let (found, _, skipped) = labels(&[&zip], Limits { record_bytes: 10, ..Limits::default() }).unwrap();
    assert_eq!(found.len(), 1);
    assert!(skipped[0].file.ends_with("x.zip!/b.json") && skipped[0].why.contains("10 bytes"), "{skipped:?}");
}

#[test]
fn limits_on_all_sources_end_the_build() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.json", "b.json"] {
        fs::write(folder.path().join(name), "{}").unwrap();
    }
    fs::create_dir_all(folder.path().join("x/y")).unwrap();
    for limits in [
        Limits { files: 1, ..Limits::default() },
        Limits { total_bytes: 3, ..Limits::default() },
        Limits { depth: 1, ..Limits::default() },
    ] {
        assert!(matches!(labels(&[folder.path()], limits), Err(Error::Limit { .. })), "{limits:?}");
    }
    let enough = Limits { files: 2, total_bytes: 4, depth: 2, ..Limits::default() };
    assert_eq!(labels(&[folder.path()], enough).unwrap().0.len(), 2);
}

#[test]
fn bad_sources_say_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("x.tar.gz"), "").unwrap();
    fs::write(path("x.zip"), "no zip").unwrap();
    fs::create_dir(path("m")).unwrap();
    fs::write(path("m").join(MARKER), r#"{"completeness":"half"}"#).unwrap();
    let error = |name: &str| labels(&[&path(name)], Limits::default()).unwrap_err();
    assert!(matches!(error("none"), Error::Io { .. }));
    assert!(matches!(error("x.tar.gz"), Error::UnsupportedSource { .. }));
    assert!(matches!(error("x.zip"), Error::Archive { .. }));
    assert!(matches!(error("m"), Error::Marker { .. }));
}
