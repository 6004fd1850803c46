//! Content codings: their names, and how a body is compressed; equal bodies give equal bytes.

use std::io::{self, Write};

use brotli::enc::BrotliEncoderParams;
use flate2::{Compression, GzBuilder};

/// The level for zstd, measured on 10,000 users (`docs/decisions.md`).
const ZSTD_LEVEL: i32 = 12;
/// The quality for brotli, measured likewise.
const BROTLI_QUALITY: i32 = 9;

/// The content coding of a body (RFC 9110, section 8.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// None.
    Identity,
    /// `gzip`, which every reader takes; Backstage asks for it and for no other that is here.
    Gzip,
    /// `br` (RFC 7932).
    Brotli,
    /// `zstd` (RFC 8878).
    Zstd,
}

impl Encoding {
    /// The codings that compress, the preferred one first.
    pub const COMPRESSING: [Self; 3] = [Self::Zstd, Self::Brotli, Self::Gzip];

    /// The name in `Content-Encoding`; none for a body as it is.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// A body in this coding; heavy, not for a serving thread.
    ///
    /// # Panics
    /// Never: memory is written.
    #[must_use]
    pub(super) fn encode(self, body: &[u8]) -> Vec<u8> {
        let encoded = match self {
            Self::Identity => Ok(body.to_vec()),
            Self::Gzip => gzip(body),
            Self::Brotli => brotli(body),
            Self::Zstd => zstd::bulk::compress(body, ZSTD_LEVEL),
        };
        let mut bytes = encoded.expect("memory is written");
        bytes.shrink_to_fit();
        bytes
    }
}

/// Compresses without a time in the header.
fn gzip(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::default());
    encoder.write_all(body)?;
    encoder.finish()
}

/// Compresses within the window of 4 MiB that every decoder has.
fn brotli(body: &[u8]) -> io::Result<Vec<u8>> {
    let params = BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        ..BrotliEncoderParams::default()
    };
    let mut encoded = Vec::new();
    brotli::BrotliCompress(&mut &*body, &mut encoded, &params)?;
    Ok(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bodies_give_equal_bytes_in_every_coding() {
        let body: Vec<u8> = (0..200_000_u32)
            .flat_map(|number| number.wrapping_mul(number).to_le_bytes())
            .collect();
        for encoding in Encoding::COMPRESSING {
            assert_eq!(
                encoding.encode(&body),
                encoding.encode(&body),
                "{encoding:?}"
            );
        }
    }

    #[test]
    fn zstd_needs_no_window_beyond_what_readers_must_have() {
        // RFC 9659: a content coding may not need more than 8 MiB.
        let frame = Encoding::Zstd.encode(&vec![7; 32 << 20]);
        let (descriptor, window) = (frame[4], frame[5]);
        assert_eq!(
            descriptor & 0b10_0000,
            0,
            "a single segment would need memory for the whole body"
        );
        let log = 10 + u32::from(window >> 3);
        assert!((1_u64 << log) + (1_u64 << log) / 8 * u64::from(window & 7) <= 8 << 20);
    }
}
