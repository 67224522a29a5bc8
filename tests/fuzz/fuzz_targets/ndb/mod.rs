//! rpm's NDB databases around any packages: no fuzzer would lay out a page of slots by itself.

const PAGE: usize = 4096;
const BLOCK: usize = 16;

/// A database of these blobs.
pub fn database(blobs: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0; PAGE];
    bytes[..4].copy_from_slice(b"RpmP");
    bytes[8..12].copy_from_slice(&1_u32.to_le_bytes());
    bytes[12..16].copy_from_slice(&1_u32.to_le_bytes());
    bytes[32..].chunks_exact_mut(16).for_each(|slot| slot[..4].copy_from_slice(b"Slot"));
    for (at, blob) in blobs.iter().enumerate().take(PAGE / 16 - 2) {
        let number = (at as u32 + 1).to_le_bytes();
        let length = (blob.len() as u32).to_le_bytes();
        let start = bytes.len();
        bytes.extend([&b"BlbS"[..], &number, &[0; 4], &length, blob].concat());
        bytes.resize((bytes.len() + 12).next_multiple_of(BLOCK) - 12, 0);
        bytes.extend([&[0; 4][..], &length, b"BlbE"].concat());
        let blocks = ((bytes.len() - start) / BLOCK) as u32;
        let place = [number, ((start / BLOCK) as u32).to_le_bytes(), blocks.to_le_bytes()].concat();
        bytes[32 + at * 16 + 4..][..12].copy_from_slice(&place);
    }
    bytes
}
