//! Real programs with build info in them: a few lines of C, one section, and the C compiler of the machine.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Command;

use anyhow::{Context as _, bail};
use flate2::write::ZlibEncoder;
use serde_json::json;

/// The bytes of a section, and its name on ELF and on Mach-O.
pub struct Section {
    elf: &'static str,
    mach_o: &'static str,
    bytes: Vec<u8>,
}

/// What the Go linker writes since Go 1.18 (Go, debug/buildinfo): a 32-byte header that says the strings follow inline,
/// the version, and the module list between two 16-byte marks; each string after its length as a varint.
pub(super) fn go(version: &str, path: &str, dependencies: &[(&str, &str)]) -> Section {
    const START: [u8; 16] = *b"\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6";
    const END: [u8; 16] = *b"\xf9\x32\x43\x31\x86\x18\x20\x72\x00\x82\x42\x10\x41\x16\xd8\xf2";
    const INLINE: u8 = 2;
    let mut modules = format!("path\t{path}\nmod\t{path}\t(devel)\t\n");
    for (module, version) in dependencies {
        modules.extend([format!("dep\t{module}\t{version}\th1:{}=\n", "A".repeat(43))]);
    }
    modules += "build\t-compiler=gc\nbuild\tCGO_ENABLED=0\nbuild\tGOOS=linux\n";
    let mut bytes = b"\xff Go buildinf:".to_vec();
    bytes.extend([8, INLINE]);
    bytes.resize(32, 0);
    for text in [version.as_bytes(), &[&START, modules.as_bytes(), &END].concat()] {
        varint(text.len(), &mut bytes);
        bytes.extend_from_slice(text);
    }
    Section { elf: ".go.buildinfo", mach_o: "__DATA,__go_buildinfo", bytes }
}

fn varint(mut value: usize, to: &mut Vec<u8>) {
    while value >= 0x80 {
        to.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

/// What cargo-auditable embeds: zlib of a JSON list, the first package being the program itself.
pub(super) fn cargo_auditable(crates: &[(&str, &str)]) -> Section {
    let others: Vec<_> = (1..crates.len()).collect();
    let package = |(at, (name, version)): (usize, &(&str, &str))| match at {
        0 => {
            json!({"name": name, "version": version, "source": "local", "dependencies": others, "root": true})
        }
        _ => json!({"name": name, "version": version, "source": "crates.io"}),
    };
    let list = json!({"packages": crates.iter().enumerate().map(package).collect::<Vec<_>>()});
    let mut encoder = ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    let bytes = encoder
        .write_all(list.to_string().as_bytes())
        .and_then(|()| encoder.finish())
        .expect("zlib compresses into memory");
    Section { elf: ".dep-v0", mach_o: "__DATA,.dep-v0", bytes }
}

/// A program that does nothing and carries `section`.
pub fn compile(section: &Section) -> anyhow::Result<Vec<u8>> {
    let name = if cfg!(target_vendor = "apple") { section.mach_o } else { section.elf };
    let mut source = format!(
        "__attribute__((section(\"{name}\"), used, aligned(16)))\nstatic const unsigned char info[] = {{"
    );
    for byte in &section.bytes {
        write!(source, "{byte},")?;
    }
    // Reading the array keeps linkers from dropping it.
    source += "};\nint main(void) { return *(volatile const unsigned char *)info == 1; }\n";
    let directory = tempfile::tempdir().context("cannot make a temporary directory")?;
    let (input, output) = (directory.path().join("program.c"), directory.path().join("program"));
    std::fs::write(&input, source)?;
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let compiled =
        Command::new(&compiler).arg("-o").arg(&output).arg(&input).output().with_context(|| {
            format!("cannot run the C compiler {}; install one, or name it in CC", compiler.display())
        })?;
    if !compiled.status.success() {
        bail!("{} failed: {}", compiler.display(), String::from_utf8_lossy(&compiled.stderr).trim());
    }
    std::fs::read(&output).context("the compiler wrote no program")
}
