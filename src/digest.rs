//! SHA-256, which names, `ETag`s and shards derive from; its values must never change.

use sha2::{Digest, Sha256};

/// The SHA-256 (FIPS 180-4) of the concatenated parts.
#[must_use]
pub fn sha256<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    parts
        .into_iter()
        .fold(Sha256::new(), Sha256::chain_update)
        .finalize()
        .into()
}

/// The first `digits` hexadecimal digits of the SHA-256 of some bytes; at most 64.
#[must_use]
pub fn sha256_hex(bytes: &[u8], digits: usize) -> String {
    hex(&sha256([bytes]), digits)
}

/// The first `digits` hexadecimal digits of a digest.
#[must_use]
pub fn hex(digest: &[u8], digits: usize) -> String {
    let nibbles = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles
        .take(digits)
        .map(|nibble| char::from(b"0123456789abcdef"[usize::from(nibble)]))
        .collect()
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

    #[test]
    fn parts_are_hashed_as_their_whole() {
        assert_eq!(
            sha256([b"4".as_slice(), b"", b"2"]),
            sha256([b"42".as_slice()])
        );
    }
}
