use std::io::{self, Read, Seek, SeekFrom};

use plimsoll_layer::EntrySink;
use plimsoll_types::{
    ContentKind, Digest, EntryKind, Evidence, FileEntry, Payload, Record, Section, SectionStatus,
};
use sha2::{Digest as _, Sha256};

use super::{Finished, LayerRun};
use crate::testing::{analyze, analyze_within, entry, feed, file, run, symlink};
use crate::{Analyzer, Content, FileMeta, Interest, Limits, ReadError, Scratch};

/// Records the content of files named `*.txt`, or what else their names ask for.
struct Text;

/// As [`Text`] under another id, independent of names.
struct Copied;

/// Streams `*.txt`.
struct Stream;

fn note(file: &FileMeta<'_>, message: String, section: &mut Section) {
    let payload = Payload::Unreadable { limit: false, message };
    section.records.push(Record { path: file.path.clone(), payload });
}

impl Analyzer for Text {
    fn id(&self) -> &'static str {
        "test/text"
    }

    fn version(&self) -> u32 {
        1
    }

    fn wants(&self, file: &FileMeta<'_>) -> Interest {
        match file.path.file_name() {
            b"head.txt" => Interest::Head(3),
            name if name.ends_with(b".txt") => Interest::Whole,
            _ => Interest::None,
        }
    }

    fn read(
        &self,
        file: &FileMeta<'_>,
        content: &mut Content<'_>,
        section: &mut Section,
        scratch: &mut Scratch,
    ) -> Result<(), ReadError> {
        let bytes = content.bytes(1 << 30)?;
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(20)]).into_owned();
        match file.path.file_name() {
            b"panic.txt" => {
                note(file, "before".to_owned(), section);
                panic!("no reason")
            }
            b"malformed.txt" => Err(ReadError::Malformed("line 1 is odd".to_owned())),
            b"io.txt" => Err(io::Error::other("bad zip").into()),
            b"scratch.txt" => {
                scratch.insert(file.path.clone(), bytes);
                Ok(())
            }
            _ => {
                content.seek(SeekFrom::Start(0))?;
                let mut first = [0; 1];
                let read = content.read(&mut first)?;
                assert_eq!(first[..read], bytes[..read]);
                note(file, format!("{text} {}", content.size()), section);
                Ok(())
            }
        }
    }

    fn finish(&self, scratch: Scratch, section: &mut Section) {
        for (path, bytes) in scratch {
            let payload = Payload::Unreadable { limit: true, message: bytes.len().to_string() };
            section.records.push(Record { path, payload });
        }
    }
}

impl Analyzer for Copied {
    fn id(&self) -> &'static str {
        "test/copied"
    }

    fn version(&self) -> u32 {
        1
    }

    fn wants(&self, file: &FileMeta<'_>) -> Interest {
        Text.wants(file)
    }

    fn read(
        &self,
        file: &FileMeta<'_>,
        _: &mut Content<'_>,
        section: &mut Section,
        _: &mut Scratch,
    ) -> Result<(), ReadError> {
        note(file, format!("first seen as {}", file.path), section);
        Ok(())
    }

    fn depends_on_name(&self) -> bool {
        false
    }
}

impl Analyzer for Stream {
    fn id(&self) -> &'static str {
        "test/stream"
    }

    fn version(&self) -> u32 {
        1
    }

    fn wants(&self, file: &FileMeta<'_>) -> Interest {
        if file.path.file_name().ends_with(b".txt") { Interest::Stream } else { Interest::None }
    }

    fn read(
        &self,
        file: &FileMeta<'_>,
        content: &mut Content<'_>,
        section: &mut Section,
        _: &mut Scratch,
    ) -> Result<(), ReadError> {
        assert!(content.seek(SeekFrom::Start(0)).is_err());
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        note(file, bytes.len().to_string(), section);
        Ok(())
    }
}

fn messages(section: &Section) -> Vec<String> {
    let text = |record: &Record| match &record.payload {
        Payload::Unreadable { limit, message } => format!("{} {limit} {message}", record.path),
        other => format!("{} {other:?}", record.path),
    };
    section.records.iter().map(text).collect()
}

fn layer(parts: Vec<(FileEntry, &[u8])>) -> Vec<(FileEntry, Vec<u8>)> {
    parts.into_iter().map(|(entry, bytes)| (entry, bytes.to_vec())).collect()
}

fn text(path: &str, content: &'static [u8]) -> (FileEntry, &'static [u8]) {
    (file(path, content.len()), content)
}

fn link(path: &str, target: &str) -> (FileEntry, &'static [u8]) {
    (entry(path, EntryKind::HardLink, target), b"")
}

fn is_reread(parts: &[(FileEntry, Vec<u8>)]) -> bool {
    let limits = Limits::default();
    let analyzers: [&dyn Analyzer; 1] = [&Text];
    let mut run = LayerRun::new(&analyzers, &limits);
    feed(&mut run, parts).unwrap();
    matches!(run.finish(Digest::from_bytes([0; 32]), 0), Finished::Reread(_))
}

fn evidence(parts: &[(FileEntry, Vec<u8>)]) -> Evidence {
    run(&[&Text, &Copied], parts, &Limits::default())
}

#[test]
fn every_regular_file_is_hashed_and_told_by_kind_whatever_its_size() {
    let large = vec![b'x'; 600_000];
    for (size, wanted) in [(0, false), (5, false), (262_144, false), (600_000, false), (600_000, true)] {
        let path = if wanted { "a.txt" } else { "a" };
        let evidence = run(&[&Text], &layer(vec![(file(path, size), &large[..size])]), &Limits::default());
        let entry = &evidence.index.entries[0];
        assert_eq!(entry.sha256, Some(Sha256::digest(&large[..size]).into()), "{size}");
        assert_eq!(entry.content, if size == 0 { ContentKind::Empty } else { ContentKind::Text });
    }
}

#[test]
fn a_wanted_file_is_whole_in_memory_in_a_spool_and_refused_beyond_its_limit() {
    let bytes = vec![b'x'; 400_000];
    let files: [(&str, &[u8]); 1] = [("a.txt", &bytes)];
    let x = "x".repeat(20);
    for (memory_per_file, spool_per_file, expected) in [
        (400_000, 0, None),
        (399_999, 400_000, None),
        (0, 399_999, Some("/a.txt true 400000 bytes, more than the 399999 a file may have")),
    ] {
        // A file that fits in memory needs no spool.
        let spool_per_file = spool_per_file.max(memory_per_file);
        let limits = Limits { memory_per_file, spool_per_file, ..Limits::default() };
        let section = analyze_within(&Text, &files, &limits);
        let whole = format!("/a.txt false {x} 400000");
        assert_eq!(messages(&section), [expected.unwrap_or(&whole)], "{memory_per_file} {spool_per_file}");
    }
}

#[test]
fn several_analyzers_share_a_large_file() {
    let bytes = vec![b'y'; 700_000];
    let layer = layer(vec![(file("a.txt", 700_000), &bytes), (file("head.txt", 700_000), &bytes)]);
    for memory_per_file in [1 << 20, 1 << 10] {
        let limits = Limits { memory_per_file, ..Limits::default() };
        let evidence = run(&[&Text, &Stream], &layer, &limits);
        let [stream, text] = &evidence.packages.sections[..] else { panic!("two sections") };
        assert_eq!(messages(stream), ["/a.txt false 700000", "/head.txt false 700000"]);
        let y = "y".repeat(20);
        assert_eq!(messages(text), [format!("/a.txt false {y} 700000"), "/head.txt false yyy 3".to_owned()]);
        assert_eq!(evidence.index.entries[0].sha256, Some(Sha256::digest(&bytes).into()));
    }
}

#[test]
fn a_failing_file_leaves_the_layer_going_on() {
    let files: [(&str, &[u8]); 4] =
        [("malformed.txt", b"1"), ("io.txt", b"2"), ("panic.txt", b"3"), ("z.txt", b"4")];
    let section = analyze(&Text, &files);
    assert_eq!(
        messages(&section),
        [
            "/io.txt false bad zip",
            "/malformed.txt false line 1 is odd",
            "/panic.txt false before",
            "/z.txt false 4 1"
        ]
    );
    assert_eq!(section.status, SectionStatus::Failed("panicked reading /panic.txt: no reason".to_owned()));
}

struct Broken(usize);

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::Error::new(io::ErrorKind::ConnectionReset, "reset by peer"));
        }
        let read = buffer.len().min(self.0);
        self.0 -= read;
        Ok(read)
    }
}

#[test]
fn an_error_of_the_body_comes_back_as_it_was() {
    let limits = Limits { memory_per_file: 300_000, ..Limits::default() };
    for (path, size, breaks_at) in
        [("a", 10, 3), ("a.txt", 10, 3), ("a.txt", 290_000, 280_000), ("a.txt", 900_000, 400_000)]
    {
        for analyzer in [&Text as &dyn Analyzer, &Stream] {
            let analyzers = [analyzer];
            let mut run = LayerRun::new(&analyzers, &limits);
            let error =
                run.entry(file(path, size), &mut std::io::BufReader::new(Broken(breaks_at))).unwrap_err();
            assert_eq!(
                (error.kind(), error.to_string()),
                (io::ErrorKind::ConnectionReset, "reset by peer".into())
            );
        }
    }
}

#[test]
fn of_duplicate_names_the_last_has_the_records() {
    let parts = layer(vec![text("a.txt", b"one"), text("b.txt", b"b"), text("a.txt", b"two")]);
    let evidence = evidence(&parts);
    assert_eq!(evidence.index.entries.len(), 3);
    assert_eq!(messages(&evidence.packages.sections[1]), ["/a.txt false two 3", "/b.txt false b 1"]);
}

#[test]
fn what_is_no_file_any_more_has_no_records() {
    for kind in [EntryKind::Symlink, EntryKind::Directory, EntryKind::HardLink, EntryKind::Fifo] {
        let parts = layer(vec![
            text("a.txt", b"one"),
            text("scratch.txt", b"1"),
            text("etc/passwd", b"root"),
            (entry("a.txt", kind, "elsewhere"), b""),
            (entry("scratch.txt", kind, "elsewhere"), b""),
            (entry("etc/passwd", kind, "elsewhere"), b""),
        ]);
        let evidence = evidence(&parts);
        assert!(evidence.packages.sections.iter().all(|section| section.records.is_empty()), "{kind:?}");
        assert!(evidence.index.kept.is_empty(), "{kind:?}");
    }
}

#[test]
fn a_whiteout_replaces_nothing_of_its_own_layer() {
    let parts = layer(vec![text("a.txt", b"one"), (entry("a.txt", EntryKind::Whiteout, ""), b"")]);
    assert_eq!(messages(&evidence(&parts).packages.sections[1]), ["/a.txt false one 3"]);
}

#[test]
fn a_hard_link_gets_what_its_inode_has() {
    let mut first = text("a.txt", b"one");
    first.0.mode = 0o755;
    first.0.uid = 7;
    let mut second = link("b/b.txt", "a.txt");
    second.0.mode = 0o755;
    second.0.uid = 7;
    let parts = layer(vec![first, second, link("c", "b/b.txt")]);
    let evidence = evidence(&parts);
    let [a, b, c] = &evidence.index.entries[..] else { panic!("three entries") };
    for other in [b, c] {
        assert_eq!(FileEntry { path: a.path.clone(), ..other.clone() }, *a);
    }
    assert_eq!((b.kind, b.link_group, b.size, b.uid), (EntryKind::File, 1, 3, 7));
    let [copied, read] = &evidence.packages.sections[..] else { panic!("two sections") };
    assert_eq!(
        messages(copied),
        ["/a.txt false first seen as /a.txt", "/b/b.txt false first seen as /a.txt"]
    );
    assert_eq!(messages(read), ["/a.txt false one 3", "/b/b.txt false one 3"]);
}

#[test]
fn a_link_binds_to_what_its_target_was_at_that_moment() {
    let parts = layer(vec![text("a", b"old"), link("b.txt", "a"), text("a", b"newer")]);
    let evidence = evidence(&parts);
    assert_eq!(evidence.index.entries[1].size, 3);
    assert_eq!(messages(&evidence.packages.sections[1]), ["/b.txt false old 3"]);
}

#[test]
fn only_a_wanted_name_that_was_missed_asks_for_a_second_run() {
    let bound = |name: &str| layer(vec![text("a", b"one"), link(name, "a")]);
    assert!(!is_reread(&bound("b")));
    assert!(is_reread(&bound("b.txt")));
    assert!(is_reread(&bound("etc/passwd")));
    let replaced =
        layer(vec![text("a", b"one"), link("b.txt", "a"), (entry("b.txt", EntryKind::Fifo, ""), b"")]);
    assert!(!is_reread(&replaced));
}

#[test]
fn a_kept_file_may_be_a_hard_link() {
    let parts = layer(vec![text("a", b"one"), link("etc/passwd", "a"), link("x/etc/group", "etc/passwd")]);
    let kept = evidence(&parts).index.kept;
    let shown: Vec<_> = kept.iter().map(|kept| (kept.path.to_string(), &kept.bytes[..])).collect();
    assert_eq!(shown, [("/etc/passwd".to_owned(), &b"one"[..]), ("/x/etc/group".to_owned(), b"one")]);
}

#[test]
fn a_second_run_over_another_layer_is_refused() {
    let limits = Limits::default();
    let analyzers: [&dyn Analyzer; 1] = [&Text];
    let mut first = LayerRun::new(&analyzers, &limits);
    feed(&mut first, &layer(vec![text("a", b"one"), link("b.txt", "a")])).unwrap();
    let Finished::Reread(mut second) = first.finish(Digest::from_bytes([0; 32]), 0) else {
        panic!("a second run")
    };
    let error = feed(&mut *second, &layer(vec![text("z", b"one")])).unwrap_err();
    assert_eq!(error.to_string(), "/z is not what it was in the first run over this layer");
}

#[test]
fn a_link_into_a_lower_layer_stays_a_link() {
    let parts = layer(vec![link("b.txt", "lower")]);
    let entry = &evidence(&parts).index.entries[0];
    assert_eq!((entry.kind, &*entry.link_target, entry.link_group), (EntryKind::HardLink, &b"lower"[..], 0));
}

#[test]
fn links_to_symlinks_are_symlinks_and_links_to_directories_are_odd() {
    let parts = layer(vec![
        (symlink("s", "/etc"), b""),
        link("t", "s"),
        (entry("d", EntryKind::Directory, ""), b""),
        link("e", "d"),
        text("f", b"1"),
        link("f", "f"),
    ]);
    let index = evidence(&parts).index;
    assert_eq!((index.entries[1].kind, &*index.entries[1].link_target), (EntryKind::Symlink, &b"/etc"[..]));
    assert_eq!(index.entries[3].kind, EntryKind::HardLink);
    assert_eq!(index.ambiguities[..2], ["/f is a hard link to itself", "hard link /e names a directory"]);
}

#[test]
fn further_names_of_one_inode_are_read_up_to_a_limit() {
    let limits = Limits { names_per_inode: 2, ..Limits::default() };
    let parts = layer(vec![text("a", b"one"), link("1.txt", "a"), link("2.txt", "a"), link("3.txt", "a")]);
    let evidence = run(&[&Text], &parts, &limits);
    assert_eq!(
        messages(&evidence.packages.sections[0]),
        ["/1.txt false one 3", "/2.txt false one 3", "/3.txt true a file with more than 2 further names"]
    );
}

#[test]
fn records_of_one_analyzer_end_at_a_limit() {
    let files: [(&str, &[u8]); 4] = [("a.txt", b"1"), ("b.txt", b"2"), ("c.txt", b"3"), ("d.txt", b"4")];
    for (records_per_section, kept, complete) in [(4, 4, true), (3, 3, false), (2, 2, false)] {
        let limits = Limits { records_per_section, ..Limits::default() };
        let section = analyze_within(&Text, &files, &limits);
        assert_eq!(section.records.len(), kept, "{records_per_section}");
        assert_eq!(section.status == SectionStatus::Complete, complete);
    }
    let limits = Limits { section_bytes: 1, ..Limits::default() };
    assert!(matches!(analyze_within(&Text, &files, &limits).status, SectionStatus::Failed(_)));
}

#[test]
fn scratch_ends_at_a_limit() {
    let files: [(&str, &[u8]); 2] = [("a/scratch.txt", b"123"), ("b/scratch.txt", b"456")];
    for (scratch_bytes, last) in [
        (6, "/b/scratch.txt true 3"),
        (5, "/b/scratch.txt true would keep more than 5 bytes until the end of the layer"),
    ] {
        let limits = Limits { scratch_bytes, ..Limits::default() };
        let section = analyze_within(&Text, &files, &limits);
        assert_eq!(messages(&section), ["/a/scratch.txt true 3", last]);
    }
}

#[test]
fn kept_files_are_cut_at_their_limit_below_any_root() {
    let limits = Limits { kept_file_bytes: 4, kept_files: 2, ..Limits::default() };
    let parts = layer(vec![
        text("etc/passwd", b"1234"),
        text("srv/usr/lib/os-release", b"12345"),
        text("x/etc/group", b"1"),
        text("xetc/group", b"1"),
    ]);
    let index = run(&[], &parts, &limits).index;
    assert_eq!(index.kept.iter().map(|kept| &kept.bytes[..]).collect::<Vec<_>>(), [b"1234", b"1234"]);
    assert_eq!(index.ambiguities.len(), 1);
}

#[test]
fn oddities_are_sorted_told_once_and_bounded() {
    let limits = Limits { ambiguities: 2, ..Limits::default() };
    for (told, count) in [(&["b", "a", "b"][..], 2), (&["b", "a", "c", "d"], 3)] {
        let mut run = LayerRun::new(&[], &limits);
        for one in told {
            run.ambiguity((*one).to_owned());
        }
        let Finished::Done(evidence) = run.finish(Digest::from_bytes([0; 32]), 0) else { panic!("done") };
        assert_eq!(evidence.index.ambiguities.len(), count);
        assert_eq!(evidence.index.ambiguities[..2], ["a", "b"]);
    }
}
