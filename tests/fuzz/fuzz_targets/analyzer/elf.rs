//! Executables around any content.

/// A 64-bit ELF executable: one section of this name and content, mapped at `0x400080` as writable data.
pub fn elf(name: &str, content: &[u8]) -> Vec<u8> {
    const BASE: u64 = 0x40_0000;
    let names_at = 128 + content.len();
    let names = [b"\0", name.as_bytes(), b"\0"].concat();
    let table = names_at + names.len();
    let mut bytes = vec![0; 128];
    let mut put = |at: usize, value: u64, width: usize| {
        bytes[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
    };
    put(0, u64::from_le_bytes(*b"\x7fELF\x02\x01\x01\0"), 8);
    for (at, value, width) in [(16, 2, 2), (32, 64, 8), (40, table as u64, 8), (54, 56, 2), (56, 1, 2)] {
        put(at, value, width);
    }
    for (at, value) in [(58, 64), (60, 3), (62, 2)] {
        put(at, value, 2);
    }
    for (at, value, width) in [(64, 1, 4), (68, 6, 4), (80, BASE, 8), (96, names_at as u64, 8)] {
        put(at, value, width);
    }
    bytes.extend_from_slice(content);
    bytes.extend_from_slice(&names);
    for (name, kind, at, size) in [(0, 0, 0, 0), (1, 1, 128, content.len()), (0, 3, names_at, names.len())] {
        let mut header = [0; 64];
        header[0] = name;
        header[4] = kind;
        header[16..24].copy_from_slice(&(BASE + at as u64).to_le_bytes());
        header[24..32].copy_from_slice(&(at as u64).to_le_bytes());
        header[32..40].copy_from_slice(&(size as u64).to_le_bytes());
        bytes.extend_from_slice(&header);
    }
    bytes
}
