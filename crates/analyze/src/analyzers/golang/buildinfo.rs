//! Modules of Go binaries, from the build information the linker puts into them.

use std::collections::BTreeSet;

use plimsoll_types::{PackageRecord, PackageType, PathBytes, Payload, Record, Section};

use super::{build_info::BuildInfo, main_version::main_version};
use crate::{
    Analyzer, Content, FileMeta, Interest, ReadError, Scratch,
    executable::{self, Executable, Fields, Region},
    extent::Extent,
};

const MAGIC: &[u8; 14] = b"\xff Go buildinf:";
const HEADER: usize = 32;
const ALIGNMENT: u64 = 16;
/// What is searched at a time.
const CHUNK: usize = 1 << 20;
/// The longest text of modules that is read; that of Kubernetes has 60 KB.
const TEXT_LIMIT: u64 = 8 << 20;
/// The markers around the text of modules.
const FRAME: usize = 16;

/// See the module documentation.
pub(crate) struct GoBuildInfo;

impl Analyzer for GoBuildInfo {
    fn id(&self) -> &'static str {
        "golang/buildinfo"
    }

    fn version(&self) -> u32 {
        1
    }

    fn wants(&self, file: &FileMeta<'_>) -> Interest {
        executable::interest(file)
    }

    fn read(
        &self,
        file: &FileMeta<'_>,
        content: &mut Content<'_>,
        section: &mut Section,
        _: &mut Scratch,
    ) -> Result<(), ReadError> {
        let mut seen = BTreeSet::new();
        executable::visit(content, |executable, extent| {
            let Some((go_version, text)) = find(executable, extent)? else { return Ok(()) };
            for package in packages(&go_version, &text) {
                // A universal binary says the same for each architecture.
                if seen.insert((package.name.clone(), package.version.clone())) {
                    let payload = Payload::Package(Box::new(package));
                    section.records.push(Record { path: PathBytes::clone(file.path), payload });
                }
            }
            Ok(())
        })
    }

    fn depends_on_name(&self) -> bool {
        false
    }
}

/// Go version and text of modules; `None` if this is no Go binary.
fn find(executable: &Executable, extent: &mut Extent<'_>) -> Result<Option<(String, String)>, ReadError> {
    let sections = [&b".go.buildinfo"[..], b"__go_buildinfo"].into_iter();
    let data = sections
        .filter_map(|name| executable.section(name))
        .chain(executable.segments.iter().filter(|segment| segment.data))
        .next();
    let Some(data) = data else { return Ok(None) };
    let Some(start) = search(data, extent)? else { return Ok(None) };
    let header = extent.read_at(start, HEADER)?;
    let [.., pointer_size, flags] = header[..FRAME] else { return Ok(None) };
    let (version, text) = if flags & 2 == 0 {
        let pointer = usize::from(pointer_size);
        if !matches!(pointer, 4 | 8) {
            return Ok(None);
        }
        let fields = Fields { bytes: &header, big_endian: flags & 1 == 1 };
        let read = |at: usize, extent: &mut Extent<'_>| match fields.uint(at, pointer) {
            Some(address) => go_string(executable, extent, address, pointer, fields.big_endian),
            None => Ok(None),
        };
        (read(FRAME, extent)?, read(FRAME + pointer, extent)?)
    } else {
        let mut at = start + HEADER as u64;
        (inline_string(extent, &mut at)?, inline_string(extent, &mut at)?)
    };
    let Some(version) = version.filter(|version| !version.is_empty()) else { return Ok(None) };
    Ok(Some((lossy(&version), lossy(unframed(&text.unwrap_or_default())))))
}

/// Where in the file the information starts.
fn search(data: &Region, extent: &mut Extent<'_>) -> Result<Option<u64>, ReadError> {
    let mut skip = data.address.wrapping_neg() % ALIGNMENT;
    while skip < data.size {
        let length = (data.size - skip).min(CHUNK as u64) as usize;
        let chunk = extent.read_at(data.offset.saturating_add(skip), length)?;
        if chunk.is_empty() {
            break;
        }
        let found = chunk.chunks(ALIGNMENT as usize).position(|bytes| bytes.starts_with(MAGIC));
        if let Some(found) = found {
            let start = data.offset + skip + found as u64 * ALIGNMENT;
            return Ok((extent.size() - start >= HEADER as u64).then_some(start));
        }
        skip += CHUNK as u64;
    }
    Ok(None)
}

/// A string whose length stands before it, seven bits to a byte.
fn inline_string(extent: &mut Extent<'_>, at: &mut u64) -> Result<Option<Vec<u8>>, ReadError> {
    let prefix = extent.read_at(*at, 10)?;
    let mut length = 0_u64;
    for (index, byte) in prefix.iter().enumerate() {
        length |= u64::from(byte & 0x7f).checked_shl(7 * index as u32).unwrap_or_default();
        if byte & 0x80 == 0 {
            *at += index as u64 + 1;
            let bytes = within_limit(length, |length| Ok(extent.read_at(*at, length)?))?;
            *at = at.saturating_add(length);
            return Ok(bytes);
        }
    }
    Ok(None)
}

/// The string whose header (pointer and length) is mapped at `address`.
fn go_string(
    executable: &Executable,
    extent: &mut Extent<'_>,
    address: u64,
    pointer: usize,
    big_endian: bool,
) -> Result<Option<Vec<u8>>, ReadError> {
    let header = executable.read_mapped(extent, address, 2 * pointer)?;
    let fields = Fields { bytes: &header, big_endian };
    match (fields.uint(0, pointer), fields.uint(pointer, pointer)) {
        (Some(data), Some(length)) => {
            within_limit(length, |length| Ok(executable.read_mapped(extent, data, length)?))
        }
        _ => Ok(None),
    }
}

/// The string, if all of it is there.
fn within_limit(
    length: u64,
    read: impl FnOnce(usize) -> Result<Vec<u8>, ReadError>,
) -> Result<Option<Vec<u8>>, ReadError> {
    if length > TEXT_LIMIT {
        return Err(ReadError::Limit(format!(
            "Go build information of {length} bytes, more than the {TEXT_LIMIT} that are read"
        )));
    }
    let bytes = read(length as usize)?;
    if bytes.len() as u64 != length {
        return Err(ReadError::Malformed("Go build information is cut off: the binary is not whole".into()));
    }
    Ok(Some(bytes))
}

/// The text without the markers around it; empty if they are not there.
fn unframed(text: &[u8]) -> &[u8] {
    match text.len().checked_sub(FRAME) {
        Some(end) if end > FRAME && text[end - 1] == b'\n' => &text[FRAME..end],
        _ => &[],
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Dependencies, the main module and the standard library.
fn packages(go_version: &str, text: &str) -> Vec<PackageRecord> {
    let info = BuildInfo::parse(text);
    // `go1.22.3 X:boringcrypto` names experiments after the version; `devel …` is no release.
    let go_version = go_version.split(' ').next().unwrap_or_default();
    let mut packages = Vec::with_capacity(info.dependencies.len() + 2);
    let mut push = |path: &str, version: &str, sum: &str, replaces: Option<&str>| {
        let mut package = PackageRecord::new(PackageType::Golang, path, version);
        let facts = [("go", Some(go_version)), ("h1", Some(sum)), ("replaces", replaces)];
        package.extra = facts
            .into_iter()
            .filter_map(|(key, value)| {
                Some((key.to_owned(), value.filter(|value| !value.is_empty())?.to_owned()))
            })
            .collect();
        packages.push(package);
    };
    for module in &info.dependencies {
        push(&module.path, &module.version, &module.sum, module.replaces.as_deref());
    }
    match &info.main {
        Some(main) => {
            push(&main.path, &main_version(&main.version, &info), &main.sum, main.replaces.as_deref());
        }
        // Built from files on the command line, or without modules.
        None if !info.path.is_empty() => push(&info.path, &main_version("(devel)", &info), "", None),
        None => {}
    }
    if let Some(version) = go_version.strip_prefix("go").filter(|version| !version.is_empty()) {
        push("stdlib", version, "", None);
    }
    packages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{executable::tests::elf, testing::analyze};

    const TEXT: &str = "path\tex.org/tool\nmod\tex.org/tool\tv1.2.3\th1:m=\ndep\tex.org/a\tv0.1.0\th1:a=\n";

    fn framed() -> Vec<u8> {
        [&[b'<'; 16][..], TEXT.as_bytes(), &[b'>'; 16]].concat()
    }

    fn inline(version: &str, text: &[u8]) -> Vec<u8> {
        let mut bytes = [&MAGIC[..], &[8, 2], &[0; 16]].concat();
        bytes.push(version.len() as u8);
        bytes.extend_from_slice(version.as_bytes());
        bytes.extend_from_slice(&[text.len() as u8 & 0x7f | 0x80, (text.len() >> 7) as u8]);
        bytes.extend_from_slice(text);
        bytes
    }

    fn found(bytes: &[u8]) -> Vec<String> {
        let section = analyze(&GoBuildInfo, &[("usr/bin/tool", bytes)]);
        let describe = |record: &Record| match &record.payload {
            Payload::Package(package) => format!("{} {}", package.name, package.version),
            other => format!("{other:?}"),
        };
        section.records.iter().map(describe).collect()
    }

    const ALL: [&str; 3] = ["ex.org/a v0.1.0", "ex.org/tool v1.2.3", "stdlib 1.22.3"];

    #[test]
    fn inline_information_is_read() {
        let bytes = elf(&[(".text", &[0x90; 100]), (".go.buildinfo", &inline("go1.22.3", &framed()))]);
        assert_eq!(found(&bytes), ALL);
    }

    #[test]
    fn it_is_found_without_sections() {
        let mut bytes =
            elf(&[(".data", &[0; 4096]), (".go.buildinfo", &inline("go1.22.3 X:boringcrypto", &framed()))]);
        bytes[60] = 0;
        assert_eq!(found(&bytes), ALL);
    }

    /// A 64-bit Mach-O file with one writable segment of one section.
    fn macho(name: &[u8], content: &[u8]) -> Vec<u8> {
        const DATA: usize = 32 + 72 + 80;
        const ADDRESS: u64 = 0x1_0000_4000;
        let mut bytes = vec![0; DATA];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(0, b"\xcf\xfa\xed\xfe");
        put(16, &[1]);
        put(20, &[72 + 80]);
        let segment = 32;
        put(segment, &[0x19]);
        put(segment + 4, &[72 + 80]);
        put(segment + 24, &ADDRESS.to_le_bytes());
        put(segment + 40, &(DATA as u64).to_le_bytes());
        put(segment + 48, &(content.len() as u64).to_le_bytes());
        put(segment + 56, &[3, 0, 0, 0, 3]);
        put(segment + 64, &[1]);
        let section = segment + 72;
        put(section, name);
        put(section + 16, b"__DATA");
        put(section + 32, &ADDRESS.to_le_bytes());
        put(section + 40, &(content.len() as u64).to_le_bytes());
        put(section + 48, &(DATA as u32).to_le_bytes());
        bytes.extend_from_slice(content);
        bytes
    }

    #[test]
    fn it_is_found_in_mach_o_by_its_section_and_without() {
        let info = inline("go1.22.3", &framed());
        assert_eq!(found(&macho(b"__go_buildinfo", &info)), ALL);
        assert_eq!(found(&macho(b"__data", &[&[0; 4096][..], &info].concat())), ALL);
        assert!(found(&macho(b"__data", &[7; 5000])).is_empty());
    }

    #[test]
    fn a_universal_binary_says_it_once() {
        let part = macho(b"__go_buildinfo", &inline("go1.22.3", &framed()));
        let mut bytes = b"\xca\xfe\xba\xbe\0\0\0\x02".to_vec();
        for offset in [4096_u32, 16384] {
            bytes.extend_from_slice(&[0; 8]);
            bytes.extend_from_slice(&offset.to_be_bytes());
            bytes.extend_from_slice(&(part.len() as u32).to_be_bytes());
            bytes.extend_from_slice(&[0; 4]);
        }
        for offset in [4096, 16384] {
            bytes.resize(offset, 0);
            bytes.extend_from_slice(&part);
        }
        assert_eq!(found(&bytes), ALL);
    }

    #[test]
    fn pointers_of_old_binaries_are_followed() {
        const BASE: u64 = 0x40_0000 + 128;
        let text = framed();
        let mut data = [&MAGIC[..], &[8, 0]].concat();
        let words = [BASE + 32, BASE + 48, BASE + 64, 8, BASE + 72, text.len() as u64];
        data.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        data.extend_from_slice(b"go1.22.3");
        data.extend_from_slice(&text);
        assert_eq!(found(&elf(&[(".go.buildinfo", &data)])), ALL);
    }

    #[test]
    fn other_binaries_have_no_modules() {
        assert!(found(&elf(&[(".data", &[7; 5000])])).is_empty());
        assert!(found(b"\x7fELF").is_empty());
    }

    #[test]
    fn cut_off_information_is_reported() {
        let mut bytes = inline("go1.22.3", &framed());
        bytes.truncate(60);
        bytes[41] = 0xff;
        bytes[42] = 0x7f;
        let found = found(&elf(&[(".go.buildinfo", &bytes)]));
        assert!(found[0].starts_with("Unreadable"), "{found:?}");
    }

    #[test]
    fn without_modules_the_standard_library_remains() {
        assert_eq!(found(&elf(&[(".go.buildinfo", &inline("go1.12", b""))])), ["stdlib 1.12"]);
    }
}
