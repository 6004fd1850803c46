//! The body of an answer, within limits.

use bytes::Bytes;
use reqwest::Response;

use super::Client;
use crate::authentik::error::Error;

/// The largest answer that is taken, decompressed. A hundred users with drawn pictures are 0.3 MiB, a
/// hundred groups with ten thousand members each 7 MiB.
const LARGEST_BODY: usize = 32 << 20;

impl Client {
    /// The body of an answer, decompressed, up to a limit: a small answer can unpack to any size.
    pub(super) async fn whole(&self, url: &str, mut response: Response) -> Result<Bytes, Error> {
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
            body.extend_from_slice(&part);
        }
        Ok(body.into())
    }
}
