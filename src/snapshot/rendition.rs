//! One way to send the entities: which of them, in which format, in which coding, under which tag.

use bytes::Bytes;
use serde::Deserialize;

pub use super::coding::Encoding;
use super::document::{Document, SEPARATOR};
use super::shard::Shard;
use crate::catalog::entity::Kind;
use crate::digest::sha256_hex;

/// How entities follow each other in a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON documents, each after a `---` line: what Backstage reads.
    #[default]
    Yaml,
    /// One JSON array; Backstage's URL location refuses it.
    Json,
    /// One JSON document a line; Backstage's URL location refuses it.
    Ndjson,
}

impl Format {
    /// All formats, the default first.
    pub const ALL: [Self; 3] = [Self::Yaml, Self::Json, Self::Ndjson];

    /// The media type (`application/yaml` by RFC 9512).
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Yaml => "application/yaml",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

/// Which entities in which format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Variant {
    /// How they follow each other.
    pub format: Format,
    /// Only this kind.
    pub kind: Option<Kind>,
    /// Only this shard.
    pub shard: Option<Shard>,
}

/// Bytes to send and the strong tag that belongs to them.
#[derive(Debug)]
pub struct Rendition {
    /// The body.
    pub bytes: Bytes,
    /// The entity tag, quoted (RFC 9110, section 8.8.3): another content or coding, another tag.
    pub etag: String,
    /// The content coding of the body.
    pub encoding: Encoding,
    /// The format of the body.
    pub format: Format,
}

impl Rendition {
    /// Renders a variant of a document without a coding.
    #[must_use]
    pub fn plain(document: &Document, variant: Variant) -> Self {
        let Variant {
            format,
            kind,
            shard,
        } = variant;
        if let Some(shard) = shard {
            return Self::joined(format, document.shard(shard, kind));
        }
        match format {
            Format::Yaml => match kind {
                Some(kind) => Self::of(document.part(kind), Encoding::Identity, format),
                None => Self::tagged(
                    document.bytes().clone(),
                    document.digest(),
                    Encoding::Identity,
                    format,
                ),
            },
            _ => Self::joined(format, document.entities(kind).map(|(_, json)| json)),
        }
    }

    /// Renders JSON documents without a coding.
    #[must_use]
    pub(super) fn joined<'a>(format: Format, documents: impl Iterator<Item = &'a [u8]>) -> Self {
        let bytes = match format {
            Format::Yaml => ended(documents, SEPARATOR),
            Format::Json => array(documents),
            Format::Ndjson => ended(documents, b""),
        };
        Self::of(bytes, Encoding::Identity, format)
    }

    /// One entity as JSON, by its name as it stands in the document.
    #[must_use]
    pub fn of_entity(document: &Document, kind: Kind, name: &str) -> Option<Self> {
        Some(Self::of(
            document.entity(kind, name)?,
            Encoding::Identity,
            Format::Json,
        ))
    }

    /// The same content in another coding.
    #[must_use]
    pub fn encoded(&self, encoding: Encoding) -> Self {
        Self::of(encoding.encode(&self.bytes).into(), encoding, self.format)
    }

    /// Tags bytes; the tag follows from the bytes that are sent and from nothing else, so that it
    /// stays strong even where another version compresses differently.
    fn of(bytes: Bytes, encoding: Encoding, format: Format) -> Self {
        let digest = sha256_hex(&bytes, 32);
        Self::tagged(bytes, &digest, encoding, format)
    }

    /// Tags bytes of which the hash is known.
    fn tagged(bytes: Bytes, digest: &str, encoding: Encoding, format: Format) -> Self {
        Self {
            bytes,
            etag: format!("\"{digest}\""),
            encoding,
            format,
        }
    }
}

/// One JSON array, a document a line.
fn array<'a>(documents: impl Iterator<Item = &'a [u8]>) -> Bytes {
    let mut bytes = vec![b'['];
    for (at, json) in documents.enumerate() {
        bytes.extend_from_slice(if at == 0 { b"\n" } else { b",\n" });
        bytes.extend_from_slice(json);
    }
    bytes.extend_from_slice(b"\n]\n");
    bytes.into()
}

/// One JSON document a line, each after a separator.
fn ended<'a>(documents: impl Iterator<Item = &'a [u8]>, separator: &[u8]) -> Bytes {
    let mut bytes = Vec::new();
    for json in documents {
        bytes.extend_from_slice(separator);
        bytes.extend_from_slice(json);
        bytes.push(b'\n');
    }
    bytes.into()
}
