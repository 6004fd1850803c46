//! Content codings and compression; equal bodies give equal compressed bytes.

use std::io::{self, Write};

use brotli::enc::BrotliEncoderParams;
use flate2::{Compression, GzBuilder};

/// The compression level for zstd, measured on 10,000 users (`docs/decisions.md`).
const ZSTD_LEVEL: i32 = 12;
/// The compression quality for brotli, measured on the same data.
const BROTLI_QUALITY: i32 = 9;

/// The content coding of a body (RFC 9110, section 8.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// No coding.
    Identity,
    /// `gzip`, supported by every client; the only one of these that Backstage requests.
    Gzip,
    /// `br` (RFC 7932).
    Brotli,
    /// `zstd` (RFC 8878).
    Zstd,
}

impl Encoding {
    /// The codings that compress, in order of preference.
    pub const COMPRESSING: [Self; 3] = [Self::Zstd, Self::Brotli, Self::Gzip];

    /// Returns the name in `Content-Encoding`, or `None` for an identity body.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// Compresses a body; CPU-bound, not for an async thread.
    ///
    /// # Panics
    /// Never: writes to memory do not fail.
    #[must_use]
    pub(super) fn encode(self, body: &[u8]) -> Vec<u8> {
        let encoded = match self {
            Self::Identity => Ok(body.to_vec()),
            Self::Gzip => gzip(body),
            Self::Brotli => brotli(body),
            Self::Zstd => zstd::bulk::compress(body, ZSTD_LEVEL),
        };
        let mut bytes = encoded.expect("writes to memory do not fail");
        bytes.shrink_to_fit();
        bytes
    }
}

/// Compresses without a timestamp in the header.
fn gzip(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::default());
    encoder.write_all(body)?;
    encoder.finish()
}

/// Compresses with a window of 4 MiB, which every decoder supports.
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
    fn the_zstd_window_is_within_the_limit_of_rfc_9659() {
        // RFC 9659: the window of the zstd content coding is at most 8 MiB.
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
