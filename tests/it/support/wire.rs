//! Raw answers: no decompression, and no request headers except those of the test.

use std::io::Read;
use std::sync::LazyLock;

use bytes::Bytes;
use flate2::read::GzDecoder;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method};
use serde_json::Value;

use super::app::TestApp;
use super::client_builder;

/// The headers of Backstage 1.x for the first read of a `url` location.
pub const BACKSTAGE: [(&str, &str); 3] = [
    ("accept", "*/*"),
    ("accept-encoding", "gzip, deflate"),
    ("user-agent", "node"),
];

/// The headers that Backstage adds to `If-None-Match` in later reads.
pub const REVALIDATION: [(&str, &str); 2] = [("cache-control", "no-cache"), ("pragma", "no-cache")];

/// A client without decompression. It does not reuse connections: tests share it, and a port of a
/// finished test can be assigned again.
static PLAIN: LazyLock<Client> = LazyLock::new(|| {
    client_builder()
        .no_gzip()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap()
});

/// An unprocessed answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, still encoded.
    pub body: Bytes,
}

impl Answer {
    /// Sends a request and reads the answer.
    pub async fn to(app: &TestApp, method: Method, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = PLAIN.request(method, format!("{}{path}", app.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self {
            status,
            headers,
            body: response.bytes().await.unwrap(),
        }
    }

    /// Sends a GET request with headers.
    pub async fn get(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> Self {
        Self::to(app, Method::GET, path, headers).await
    }

    /// Returns a header, or an empty string if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the `ETag`.
    pub fn etag(&self) -> &str {
        let etag = self.header("etag");
        assert!(
            etag.starts_with('"') && etag.ends_with('"') && etag.len() > 2,
            "no strong tag: {etag}"
        );
        etag
    }

    /// Returns the decompressed body.
    pub fn decoded(&self) -> Bytes {
        match self.header("content-encoding") {
            "" => self.body.clone(),
            "gzip" => {
                let mut decoded = Vec::new();
                GzDecoder::new(&*self.body)
                    .read_to_end(&mut decoded)
                    .unwrap();
                decoded.into()
            }
            "br" => {
                let mut decoded = Vec::new();
                brotli::BrotliDecompress(&mut &*self.body, &mut decoded).unwrap();
                decoded.into()
            }
            "zstd" => zstd::decode_all(&*self.body).unwrap().into(),
            other => panic!("unknown coding {other}"),
        }
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.decoded().to_vec()).unwrap()
    }

    /// Returns the body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text())
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Asserts that this is a problem document and returns its detail.
    pub fn problem(&self, status: u16, code: &str) -> String {
        assert_eq!(
            (self.status, self.header("content-type")),
            (status, "application/problem+json")
        );
        assert_eq!(self.header("cache-control"), "no-store");
        let problem = self.json();
        assert_eq!(
            (&problem["type"], &problem["status"]),
            (&"about:blank".into(), &status.into())
        );
        assert_eq!(problem["code"], code);
        assert!(!problem["title"].as_str().unwrap().is_empty());
        problem["detail"].as_str().unwrap().to_owned()
    }
}

/// Returns the JSON documents of a body in the default format, which has one in the line after each
/// `---`.
pub fn documents(body: &str) -> Vec<Value> {
    let lines: Vec<_> = body.lines().collect();
    assert_eq!(lines.len() % 2, 0);
    assert!(body.is_empty() || body.ends_with('\n'));
    let pairs = lines.chunks(2).map(|pair| {
        assert_eq!(pair[0], "---");
        serde_json::from_str(pair[1]).unwrap()
    });
    pairs.collect()
}
