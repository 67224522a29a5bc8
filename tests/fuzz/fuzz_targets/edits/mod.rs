//! Changes to bytes that are as they should be.

/// A message with changes, four bytes each: where (two bytes), what, and a byte to write.
pub fn edit(message: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    for edit in edits.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % (message.len() + 1);
        match edit[2] % 3 {
            0 => message.insert(at, edit[3]),
            1 => drop(message.splice(at.., message.get(at + 1..).unwrap_or_default().to_vec())),
            _ => message.iter_mut().skip(at).take(1).for_each(|byte| *byte = edit[3]),
        }
    }
    message
}
