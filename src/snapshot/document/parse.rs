//! Reads a document that another replica rendered.

use std::hash::RandomState;

use bytes::Bytes;
use serde::Deserialize;

use super::super::shard::bucket;
use super::{Buckets, Document, Entry, SEPARATOR};
use crate::catalog::entity::Kind;
use crate::catalog::shape::Namespace;
use crate::digest::sha256_hex;

/// Bytes that are not the body of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("they are not entities as this version of the program writes them")]
pub struct InvalidDocument;

/// The part of an entity that the index needs.
#[derive(Deserialize)]
struct Envelope {
    kind: String,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    name: Box<str>,
}

impl Document {
    /// Reads a body that [`bytes`](Self::bytes) returned, of entities in a namespace.
    ///
    /// The result serves the same bytes and tags as the document that was rendered. Only the next
    /// [`render`](Self::render) differs: it copies nothing from it.
    ///
    /// # Errors
    /// If the bytes are not such a body.
    pub fn parse(bytes: Bytes, namespace: Namespace) -> Result<Self, InvalidDocument> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut groups = 0;
        let mut start = 0;
        while start < bytes.len() {
            let json = bytes[start..]
                .strip_prefix(SEPARATOR)
                .ok_or(InvalidDocument)?;
            let length = json.iter().position(|byte| *byte == b'\n');
            let length = length.ok_or(InvalidDocument)?;
            let (kind, name) = identity(&json[..length])?;
            match kind {
                Kind::Group if groups == entries.len() => groups += 1,
                // Groups come first.
                Kind::Group => return Err(InvalidDocument),
                Kind::User => {}
            }
            let from = start + SEPARATOR.len();
            start = from + length + 1;
            entries.push(Entry {
                bucket: bucket(&format!("{kind}:{namespace}/{name}")),
                name,
                json: from..from + length,
                // No entity is known to have it, so that the next document copies nothing.
                fingerprint: 0,
            });
        }
        let of_entries: Vec<u16> = entries.iter().map(|entry| entry.bucket).collect();
        let buckets = Buckets::new(&of_entries, |at| &bytes[entries[at].json.clone()], |_| None);
        Ok(Self {
            digest: sha256_hex(&bytes, 32).into(),
            bytes,
            entries,
            groups,
            buckets,
            fingerprints: RandomState::new(),
            rendered: 0,
            namespace,
        })
    }
}

/// Returns the kind and the name of an entity.
fn identity(json: &[u8]) -> Result<(Kind, Box<str>), InvalidDocument> {
    let entity: Envelope = serde_json::from_slice(json).map_err(|_| InvalidDocument)?;
    let kind = match &*entity.kind {
        "Group" => Kind::Group,
        "User" => Kind::User,
        _ => return Err(InvalidDocument),
    };
    Ok((kind, entity.metadata.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = concat!(
        "---\n{\"kind\":\"Group\",\"metadata\":{\"name\":\"a\"}}\n",
        "---\n{\"kind\":\"User\",\"metadata\":{\"name\":\"pat\"},\"spec\":{}}\n",
    );

    fn parse(body: &str) -> Result<Document, InvalidDocument> {
        Document::parse(
            Bytes::copy_from_slice(body.as_bytes()),
            Namespace::default(),
        )
    }

    #[test]
    fn a_body_is_indexed_by_kind_and_name() {
        let document = parse(BODY).unwrap();
        let counts = Kind::ALL.map(|kind| document.count(kind));
        assert_eq!(counts, [1, 1]);
        let pat = document.entity(Kind::User, "pat").unwrap();
        assert!(pat.ends_with(b"\"spec\":{}}"));
        assert_eq!(document.entity(Kind::Group, "pat"), None);
        assert_eq!(parse("").unwrap().count(Kind::User), 0);
    }

    #[test]
    fn other_bytes_are_rejected() {
        let (group, user) = BODY.split_at(BODY.rfind("---").unwrap());
        let users_first = format!("{user}{group}");
        for bad in [
            "{}",
            "---\n{}\n",
            "---\n{\"kind\":\"User\"",
            &BODY.replace("User", "Location"),
            &BODY[..BODY.len() - 1],
            &format!("{BODY}{BODY}"),
            &users_first,
        ] {
            assert_eq!(parse(bad).err(), Some(InvalidDocument), "{bad}");
        }
    }
}
