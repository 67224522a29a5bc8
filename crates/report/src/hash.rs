//! Ids made from what they identify.

use sha2::{Digest, Sha256};

/// SHA-256 over parts; a length before each keeps `ab, c` and `a, bc` apart.
fn sha256(parts: &[&str]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// 64 lower-case hex digits.
pub(crate) fn fingerprint(parts: &[&str]) -> String {
    plimsoll_types::Digest::from_bytes(sha256(parts)).hex()
}

/// A UUID of version 8 (RFC 9562, section 5.8: made by a rule of the writer's own).
pub(crate) fn uuid(parts: &[&str]) -> String {
    let hash = sha256(parts);
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&hash[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let number = u128::from_be_bytes(bytes);
    let hex = format!("{number:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_its_version_and_variant_and_depends_on_every_part() {
        let id = uuid(&["a", "bc"]);
        assert_eq!((id.len(), &id[14..15]), (36, "8"));
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"));
        assert_ne!(id, uuid(&["ab", "c"]));
        assert_eq!(id, uuid(&["a", "bc"]));
    }
}
