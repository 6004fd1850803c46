//! The one hash that names and tags are made from, the same on every machine and version.

use sha2::{Digest, Sha256};

/// The first hexadecimal digits of the SHA-256 (FIPS 180-4) of some bytes; at most 64.
#[must_use]
pub fn sha256_hex(bytes: &[u8], digits: usize) -> String {
    let digest = Sha256::digest(bytes);
    let nibbles = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.take(digits).map(|nibble| char::from(b"0123456789abcdef"[usize::from(nibble)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_sha_256() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256_hex(b"", 64), empty);
        assert_eq!(sha256_hex(b"42", 8), "73475cb4");
    }
}
