//! The format of a state file: a line with the checksum, a header line, the rows.
//!
//! ```text
//! authentik-entity-provider snapshot 1 <bytes after this line> <their SHA-256>
//! {"baseUrl": …, "readAt": …, "users": …, "groups": …, "peaks": …, "watermark": …, "fullReadAt": …, "fields": …}
//! users, then groups as lines of JSON, compressed with zstd
//! ```
//!
//! A reader ignores unknown members of the header, so that they can be added within a version.

use std::io::{self, BufReader, BufWriter};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Confirmation, PersistedRows, rows};
use crate::base_url::BaseUrl;
use crate::catalog::plan::Names;
use crate::digest::sha256_hex;
use crate::directory::{Directory, FieldSelection};
use crate::snapshot::recent_maxima::RecentMaxima;
use crate::snapshot::sync_mode::ResumePoint;

/// The start of every file in every version.
const MAGIC: &str = "authentik-entity-provider snapshot ";
/// The written version, and the latest one that can be read.
const VERSION: u32 = 1;
/// zstd's default level: it compresses to a tenth of the size, faster than the JSON is written.
const LEVEL: i32 = 3;
/// Digits of the checksum: a full SHA-256.
const DIGITS: usize = 64;

/// The reason why a file is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The file is shorter than its first line says.
    #[error("it ends too early, as after an interrupted copy")]
    Torn,
    /// The checksum or a row is wrong.
    #[error("its content is corrupted")]
    Corrupted,
    /// Another program wrote the file, or it belongs to another server.
    #[error("it is not a snapshot of this Authentik server")]
    Foreign,
    /// A later version of this program wrote the file.
    #[error("a later version of this program wrote it, in format {0}")]
    Newer(u32),
}

impl FormatError {
    /// Returns a stable code of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Torn => "torn",
            Self::Corrupted => "corrupted",
            Self::Foreign => "foreign",
            Self::Newer(_) => "newer",
        }
    }
}

/// The header line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    base_url: String,
    read_at: Timestamp,
    users: usize,
    groups: usize,
    #[serde(default, rename = "peaks")]
    recent_maxima: RecentMaxima,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    watermark: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    full_read_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "FieldSelection::is_empty")]
    fields: FieldSelection,
    /// The namespace of the entities, unless it is `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
}

/// Encodes a server's rows and their assigned names.
///
/// # Errors
/// Fails if zstd fails.
pub fn encode(
    base_url: &BaseUrl,
    directory: &Directory,
    names: &Names,
    recent_maxima: &RecentMaxima,
    read_at: Timestamp,
    resume_point: &ResumePoint,
) -> io::Result<Vec<u8>> {
    let mut payload = encode_header(
        base_url,
        directory,
        names,
        recent_maxima,
        read_at,
        resume_point,
    )?;
    payload.push(b'\n');
    payload.extend(encode_rows(directory, names)?);
    let mut bytes = first_line(&payload).into_bytes();
    bytes.extend_from_slice(&payload);
    Ok(bytes)
}

/// Encodes everything but the rows: one line of JSON.
///
/// # Errors
/// Never, in practice: each value has a form in JSON.
pub fn encode_header(
    base_url: &BaseUrl,
    directory: &Directory,
    names: &Names,
    recent_maxima: &RecentMaxima,
    read_at: Timestamp,
    resume_point: &ResumePoint,
) -> io::Result<Vec<u8>> {
    // Findings about the rows are not persisted. Without a watermark the next process starts with a
    // full sync, which reports them again.
    let is_complete = directory.broken_rows().is_empty();
    Ok(serde_json::to_vec(&Header {
        base_url: base_url.as_str().to_owned(),
        read_at,
        users: directory.users().len(),
        groups: directory.groups().len(),
        recent_maxima: recent_maxima.clone(),
        watermark: resume_point.watermark.filter(|_| is_complete),
        full_read_at: resume_point.full_at.filter(|_| is_complete),
        fields: FieldSelection::clone(directory.selection()),
        namespace: names.namespace.named().map(str::to_owned),
    })?)
}

/// Encodes rows and their names: lines of JSON, compressed.
///
/// # Errors
/// Fails if zstd fails.
pub fn encode_rows(directory: &Directory, names: &Names) -> io::Result<Vec<u8>> {
    // serde_json writes a few bytes at a time; the buffer saves a call of zstd for each.
    let mut compressed = BufWriter::new(zstd::Encoder::new(Vec::new(), LEVEL)?);
    rows::write(&mut compressed, directory, names)?;
    compressed.into_inner()?.finish()
}

/// Decodes a file that [`encode`] wrote for this server.
///
/// # Errors
/// Rejects a file that is incomplete, corrupted, of another server or of an unknown version.
pub fn decode(bytes: &[u8], base_url: &BaseUrl) -> Result<PersistedRows, FormatError> {
    let Some((first, payload)) = lines(bytes) else {
        return Err(incomplete(bytes));
    };
    let fields = first
        .strip_prefix(MAGIC.as_bytes())
        .ok_or(FormatError::Foreign)?;
    let fields = str::from_utf8(fields).map_err(|_| FormatError::Corrupted)?;
    let version = fields
        .split(' ')
        .next()
        .and_then(|version| version.parse().ok());
    match version.ok_or(FormatError::Corrupted)? {
        VERSION => {}
        newer if newer > VERSION => return Err(FormatError::Newer(newer)),
        _ => return Err(FormatError::Corrupted),
    }
    let length = fields
        .split(' ')
        .nth(1)
        .and_then(|length| length.parse().ok());
    if length.is_some_and(|length: usize| payload.len() < length) {
        return Err(FormatError::Torn);
    }
    // The text comparison rejects other spellings of the same numbers.
    if first_line(payload).as_bytes() != &bytes[..=first.len()] {
        return Err(FormatError::Corrupted);
    }
    let (header, rows) = lines(payload).ok_or(FormatError::Corrupted)?;
    decode_rows(header, rows, base_url)
}

/// Decodes what [`encode_header`] and [`encode_rows`] wrote for this server.
///
/// # Errors
/// Rejects data that is corrupted or of another server.
pub fn decode_rows(
    header: &[u8],
    rows: &[u8],
    base_url: &BaseUrl,
) -> Result<PersistedRows, FormatError> {
    let header = Header::parse(header, base_url)?;
    let (directory, mut names) = read_rows(rows, &header).map_err(|_| FormatError::Corrupted)?;
    if let Some(namespace) = &header.namespace {
        names.namespace = namespace.parse().map_err(|_| FormatError::Corrupted)?;
    }
    let fields = Arc::new(header.fields.clone());
    let Confirmation {
        recent_maxima,
        read_at,
        resume_point,
    } = header.into();
    Ok(PersistedRows {
        directory: directory.with_selection(fields),
        names,
        recent_maxima,
        read_at,
        resume_point,
    })
}

/// Decodes what [`encode_header`] wrote for rows of this server that are already known.
///
/// # Errors
/// Rejects data that is corrupted or of another server.
pub fn decode_header(header: &[u8], base_url: &BaseUrl) -> Result<Confirmation, FormatError> {
    Header::parse(header, base_url).map(Confirmation::from)
}

impl Header {
    fn parse(line: &[u8], base_url: &BaseUrl) -> Result<Self, FormatError> {
        let header: Self = serde_json::from_slice(line).map_err(|_| FormatError::Corrupted)?;
        if header.base_url == base_url.as_str() {
            Ok(header)
        } else {
            Err(FormatError::Foreign)
        }
    }
}

impl From<Header> for Confirmation {
    fn from(header: Header) -> Self {
        Self {
            recent_maxima: header.recent_maxima,
            read_at: header.read_at,
            resume_point: ResumePoint {
                watermark: header.watermark,
                full_at: header.full_read_at,
                ..ResumePoint::default()
            },
        }
    }
}

/// Returns the first line, with its line break.
fn first_line(payload: &[u8]) -> String {
    format!(
        "{MAGIC}{VERSION} {} {}\n",
        payload.len(),
        sha256_hex(payload, DIGITS)
    )
}

/// Splits bytes at the first line break.
fn lines(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

/// Returns the reason for rejecting a file without a complete line.
fn incomplete(bytes: &[u8]) -> FormatError {
    let common = bytes.len().min(MAGIC.len());
    if bytes[..common] == MAGIC.as_bytes()[..common] {
        FormatError::Torn
    } else {
        FormatError::Foreign
    }
}

/// Decompresses the rows line by line and checks their numbers against the header.
fn read_rows(compressed: &[u8], header: &Header) -> io::Result<(Directory, Names)> {
    let plain = zstd::Decoder::with_buffer(compressed)?;
    let (directory, names) = rows::read(BufReader::new(plain), header.users, header.groups)?;
    let counted = (directory.users().len(), directory.groups().len());
    if counted == (header.users, header.groups) {
        Ok((directory, names))
    } else {
        Err(io::ErrorKind::InvalidData.into())
    }
}

#[cfg(test)]
mod tests;
