//! Headers of rpm packages.

/// A package header: its first byte counts tags of four bytes (which, type, offset, count), the rest is data.
pub fn header(bytes: &[u8]) -> Vec<u8> {
    const TAGS: [u32; 16] =
        [1000, 1001, 1002, 1003, 1011, 1014, 1015, 1022, 1027, 1029, 1044, 1116, 1117, 1118, 5096, 1];
    let (count, bytes) = bytes.split_first().unwrap_or((&0, &[]));
    let (tags, data) = bytes.split_at((usize::from(count % 32) * 4).min(bytes.len()) / 4 * 4);
    let mut header = [(tags.len() as u32 / 4).to_be_bytes(), (data.len() as u32).to_be_bytes()].concat();
    for tag in tags.chunks_exact(4) {
        let kind = u32::from(tag[1] % 12);
        for word in [TAGS[usize::from(tag[0]) % TAGS.len()], kind, u32::from(tag[2]), u32::from(tag[3])] {
            header.extend(word.to_be_bytes());
        }
    }
    header.extend_from_slice(data);
    header
}
