//! Reads the body of an answer up to a limit.

use bytes::Bytes;
use reqwest::Response;

use super::Client;
use crate::authentik::error::Error;

/// The maximum size of a decompressed body, in bytes. 100 users with generated avatars have 0.3
/// MiB, 100 groups with 10,000 members each have 7 MiB.
const LARGEST_BODY: usize = 32 << 20;

impl Client {
    /// Reads the decompressed body up to `LARGEST_BODY`: a small answer may decompress to any size.
    pub(super) async fn read_body(
        &self,
        url: &str,
        mut response: Response,
    ) -> Result<Bytes, Error> {
        let mut body = Vec::new();
        while let Some(part) = response
            .chunk()
            .await
            .map_err(|error| self.transport(url, &error))?
        {
            if body.len() + part.len() > LARGEST_BODY {
                return Err(Error::TooLarge {
                    url: url.into(),
                    limit: LARGEST_BODY,
                });
            }
            self.instruments.bytes.inc_by(part.len() as u64);
            body.extend_from_slice(&part);
        }
        Ok(body.into())
    }
}
