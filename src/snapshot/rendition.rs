//! One representation of the entities: a selection, a format, a content coding and an ETag.

use bytes::Bytes;
use clap::ValueEnum;
use serde::Deserialize;
use utoipa::ToSchema;

pub use super::coding::Encoding;
use super::document::{Document, SEPARATOR};
use super::shard::Shard;
use crate::catalog::entity::Kind;
use crate::digest::sha256_hex;

/// The format of a body with entities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, ToSchema, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON documents, each after a `---` line: the format that Backstage reads
    #[default]
    Yaml,
    /// One JSON array; Backstage's URL location rejects it
    Json,
    /// One JSON document in each line; Backstage's URL location rejects it
    Ndjson,
}

impl Format {
    /// All formats, the default first.
    pub const ALL: [Self; 3] = [Self::Yaml, Self::Json, Self::Ndjson];

    /// Returns the media type (`application/yaml` by RFC 9512).
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Yaml => "application/yaml",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

/// A selection of entities in a format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Variant {
    /// The format of the body.
    pub format: Format,
    /// Limits the selection to a kind.
    pub kind: Option<Kind>,
    /// Limits the selection to a shard.
    pub shard: Option<Shard>,
}

/// A body and its strong ETag.
#[derive(Debug)]
pub struct Rendition {
    /// The body.
    pub bytes: Bytes,
    /// The quoted entity tag (RFC 9110, section 8.8.3); it differs for each content and coding.
    pub etag: String,
    /// The content coding of the body.
    pub encoding: Encoding,
    /// The format of the body.
    pub format: Format,
}

impl Rendition {
    /// Renders a variant of a document without a content coding.
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
                None => Self::with_digest(
                    document.bytes().clone(),
                    document.digest(),
                    Encoding::Identity,
                    format,
                ),
            },
            _ => Self::joined(format, document.entities(kind).map(|(_, json)| json)),
        }
    }

    /// Renders JSON documents without a content coding.
    #[must_use]
    pub(super) fn joined<'a>(format: Format, documents: impl Iterator<Item = &'a [u8]>) -> Self {
        let bytes = match format {
            Format::Yaml => delimited(documents, SEPARATOR),
            Format::Json => array(documents),
            Format::Ndjson => delimited(documents, b""),
        };
        Self::of(bytes, Encoding::Identity, format)
    }

    /// Returns one entity as JSON, by its name in the document.
    #[must_use]
    pub fn of_entity(document: &Document, kind: Kind, name: &str) -> Option<Self> {
        Some(Self::of(
            document.entity(kind, name)?,
            Encoding::Identity,
            Format::Json,
        ))
    }

    /// Compresses the body with a content coding.
    #[must_use]
    pub fn encoded(&self, encoding: Encoding) -> Self {
        Self::of(encoding.encode(&self.bytes).into(), encoding, self.format)
    }

    /// Computes the tag from the sent bytes alone, so that it stays strong even if another version
    /// compresses differently.
    fn of(bytes: Bytes, encoding: Encoding, format: Format) -> Self {
        let digest = sha256_hex(&bytes, 32);
        Self::with_digest(bytes, &digest, encoding, format)
    }

    /// Builds a rendition from bytes and their hash.
    fn with_digest(bytes: Bytes, digest: &str, encoding: Encoding, format: Format) -> Self {
        Self {
            bytes,
            etag: format!("\"{digest}\""),
            encoding,
            format,
        }
    }
}

/// Writes one JSON array with a document in each line.
fn array<'a>(documents: impl Iterator<Item = &'a [u8]>) -> Bytes {
    let mut bytes = vec![b'['];
    for (at, json) in documents.enumerate() {
        bytes.extend_from_slice(if at == 0 { b"\n" } else { b",\n" });
        bytes.extend_from_slice(json);
    }
    bytes.extend_from_slice(b"\n]\n");
    bytes.into()
}

/// Writes each document after a separator and before a line break.
fn delimited<'a>(documents: impl Iterator<Item = &'a [u8]>, separator: &[u8]) -> Bytes {
    let mut bytes = Vec::new();
    for json in documents {
        bytes.extend_from_slice(separator);
        bytes.extend_from_slice(json);
        bytes.push(b'\n');
    }
    bytes.into()
}
