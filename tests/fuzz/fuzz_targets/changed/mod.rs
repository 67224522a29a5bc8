//! Databases of any packages with some bytes changed.

/// A database made of the headers in the input, with some of its bytes changed, half of them near its start: what is
/// there are few bytes of a long file.
pub fn database(data: &[u8], made_of: impl Fn(&[Vec<u8>]) -> Vec<u8>) -> Vec<u8> {
    let (changes, data) = data.split_at_checked(1).unwrap_or_default();
    let changes = changes.first().map_or(0, |count| usize::from(count % 8) * 4);
    let (changes, data) = data.split_at(changes.min(data.len()));
    let headers: Vec<Vec<u8>> = data.split(|byte| *byte == 0xff).map(crate::package::header).collect();
    let mut bytes = made_of(&headers);
    for change in changes.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]]));
        let at = if change[2] & 1 == 0 { at % 160 } else { at % bytes.len() };
        bytes[at] = change[3];
    }
    bytes
}
