use futures_util::TryStreamExt;

use super::*;

/// A member of a tar: header, content, padding.
pub(crate) fn member(flag: u8, name: &str, link: &str, content: &[u8]) -> Vec<u8> {
    let mut block = [0; BLOCK];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    block[157..157 + link.len()].copy_from_slice(link.as_bytes());
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[156] = flag;
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut bytes = block.to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

/// A regular file.
pub(crate) fn file(name: &str, content: impl AsRef<[u8]>) -> Vec<u8> {
    member(b'0', name, "", content.as_ref())
}

/// A whole archive in a file of its own.
pub(crate) fn archive(members: &[Vec<u8>]) -> tempfile::NamedTempFile {
    write(&[members.concat(), vec![0; 2 * BLOCK]].concat())
}

fn write(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

async fn opened(file: &tempfile::NamedTempFile) -> Result<TarFile, Error> {
    TarFile::open(file.path().to_owned(), 100).await
}

async fn bad(members: &[Vec<u8>]) -> String {
    let error = opened(&archive(members)).await.unwrap_err();
    assert_eq!(error.kind(), "bad_archive");
    error.to_string()
}

#[tokio::test]
async fn members_are_found_by_cleaned_name_and_read_by_offset() {
    let file = archive(&[file("./a", "first"), member(b'5', "d/", "", b""), file("d//b", vec![7; 2000])]);
    let tar = opened(&file).await.unwrap();
    assert_eq!(tar.read("a", 5).await.unwrap().unwrap(), "first");
    assert_eq!(tar.read("a", 4).await.unwrap_err().kind(), "too_large");
    assert_eq!(tar.read("missing", 5).await.unwrap(), None);
    assert!(tar.contains("d") && tar.find("d").is_none());
    let extent = tar.find("d/b").unwrap();
    assert_eq!(tar.head(extent, 3).await.unwrap(), vec![7; 3]);
    let chunks: Vec<Bytes> = tar.stream(extent).try_collect().await.unwrap();
    assert_eq!(chunks.concat(), vec![7; 2000]);
}

#[tokio::test]
async fn links_lead_to_files_and_never_in_circles() {
    let file = archive(&[
        file("x/layer.tar", "layer"),
        member(b'2', "y/layer.tar", "../x/layer.tar", b""),
        member(b'1', "z/layer.tar", "y/layer.tar", b""),
        member(b'2', "loop", "loop", b""),
        member(b'2', "out", "../../../etc/passwd", b""),
        member(b'2', "absolute", "/x/layer.tar", b""),
    ]);
    let tar = opened(&file).await.unwrap();
    for name in ["y/layer.tar", "z/layer.tar", "absolute"] {
        assert_eq!(tar.read(name, 100).await.unwrap().unwrap(), "layer", "{name}");
    }
    assert!(tar.find("loop").is_none() && tar.find("out").is_none());
}

#[tokio::test]
async fn long_names_come_from_pax_or_gnu_headers() {
    let long = "d/".repeat(90) + "f";
    let record = format!(" path={long}\n");
    let record = format!("{}{record}", record.len() + 3);
    let file = archive(&[
        member(b'x', "pax", "", record.as_bytes()),
        file("short", "pax"),
        member(b'L', "././@LongLink", "", format!("{long}2\0").as_bytes()),
        file("short", "gnu"),
        file("short", "neither"),
    ]);
    let tar = opened(&file).await.unwrap();
    assert_eq!(tar.read(&long, 100).await.unwrap().unwrap(), "pax");
    assert_eq!(tar.read(&format!("{long}2"), 100).await.unwrap().unwrap(), "gnu");
    assert_eq!(tar.read("short", 100).await.unwrap().unwrap(), "neither");
}

#[tokio::test]
async fn of_two_members_with_one_name_the_last_wins() {
    let tar = opened(&archive(&[file("a", "1"), file("a", "2")])).await.unwrap();
    assert_eq!(tar.read("a", 9).await.unwrap().unwrap(), "2");
}

#[tokio::test]
async fn more_members_than_the_limit_are_refused() {
    let many = |n: usize| archive(&(0..n).map(|n| file(&format!("f{n}"), "")).collect::<Vec<_>>());
    assert!(opened(&many(100)).await.is_ok());
    assert_eq!(opened(&many(101)).await.unwrap_err().kind(), "too_large");
}

#[tokio::test]
async fn every_truncation_is_an_error_or_loses_only_whole_members() {
    let whole = [file("a", "1"), file("b", vec![1; 600])].concat();
    for length in 1..whole.len() {
        let result = opened(&write(&whole[..length])).await;
        match length {
            // At the end of a member, or in the padding after the last content.
            1024 => assert_eq!(result.unwrap().members.len(), 1),
            2136.. => assert_eq!(result.unwrap().members.len(), 2),
            513..1024 => assert_eq!(result.unwrap().members.len(), 1, "{length}"),
            _ => assert_eq!(result.unwrap_err().kind(), "bad_archive", "{length}"),
        }
    }
}

#[tokio::test]
async fn hostile_headers_are_typed_errors() {
    let mut huge = file("a", "");
    huge[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    let sum: u32 = huge[..BLOCK]
        .iter()
        .enumerate()
        .map(|(i, b)| if (148..156).contains(&i) { 32 } else { u32::from(*b) })
        .sum();
    huge[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    assert!(bad(&[huge]).await.contains("cut off"));
    assert!(bad(&[vec![b'x'; BLOCK]]).await.contains("tar header"));
    assert!(bad(&[member(b'x', "p", "", b"99 path=a\n"), file("a", "")]).await.contains("pax"));
    assert!(bad(&[member(b'S', "s", "", b"")]).await.contains("sparse"));
    assert!(bad(&[member(b'L', "l", "", &vec![b'n'; 5000])]).await.contains("4096"));
    assert!(bad(&[member(b'L', "l", "", &vec![b'n'; (1 << 20) + 1])]).await.contains("1 MiB"));
}

#[tokio::test]
async fn a_compressed_archive_is_told_how_to_be_read() {
    for (magic, tool) in
        [(&b"\x1f\x8b\x08"[..], "gunzip"), (b"\x28\xb5\x2f\xfd", "unzstd"), (b"\xfd7zXZ\0", "unxz")]
    {
        let error = opened(&write(magic)).await.unwrap_err();
        assert!(error.kind() == "unsupported" && error.to_string().contains(tool), "{error}");
    }
    assert_eq!(opened(&write(b"")).await.unwrap_err().kind(), "bad_archive");
}

#[tokio::test]
async fn what_is_no_file_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    for (path, kind) in [(dir.path().to_owned(), "bad_archive"), (dir.path().join("missing"), "io")] {
        assert_eq!(TarFile::open(path, 1).await.unwrap_err().kind(), kind);
    }
}
