//! The format: a line with the checksum, a line about the rows, the rows.
//!
//! ```text
//! authentik-entity-provider snapshot 1 <bytes after this line> <their SHA-256>
//! {"baseUrl": …, "readAt": …, "users": …, "groups": …, "peaks": …, "watermark": …, "fullReadAt": …}
//! users, then groups as lines of JSON, compressed with zstd
//! ```
//!
//! Members that a reader does not know are ignored, so that later ones may be added within a version.

use std::io::{self, BufReader, BufWriter};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Kept, rows};
use crate::base_url::BaseUrl;
use crate::catalog::plan::Names;
use crate::digest::sha256_hex;
use crate::directory::Directory;
use crate::snapshot::peaks::Peaks;
use crate::snapshot::reading::Origin;

/// The first words of every file in every version.
const MAGIC: &str = "authentik-entity-provider snapshot ";
/// The version that is written, and the latest that is understood.
const VERSION: u32 = 1;
/// zstd's own default: a tenth of the size, and faster than the JSON is written.
const LEVEL: i32 = 3;
/// Digits of the checksum: all of them.
const DIGITS: usize = 64;

/// Why a file is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It ends too early.
    #[error("it ends too early, as after a copy that was broken off")]
    Torn,
    /// The checksum does not fit, or the rows cannot be read.
    #[error("its content is not what was written")]
    Corrupted,
    /// Another program wrote it, or it is about another server.
    #[error("it holds no snapshot of this Authentik")]
    Foreign,
    /// A later version of this program wrote it.
    #[error("a later version of this program wrote it, in format {0}")]
    Newer(u32),
}

impl Refusal {
    /// What kind of refusal it is, stable over versions.
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

/// The line about the rows.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    base_url: String,
    read_at: Timestamp,
    users: usize,
    groups: usize,
    #[serde(default)]
    peaks: Peaks,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    watermark: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    full_read_at: Option<Timestamp>,
}

/// Writes rows of a server with the names that they hold.
///
/// # Errors
/// When zstd fails.
pub fn encode(
    base_url: &BaseUrl,
    directory: &Directory,
    names: &Names,
    peaks: &Peaks,
    read_at: Timestamp,
    origin: &Origin,
) -> io::Result<Vec<u8>> {
    // What is wrong with rows is not kept, so that the next process has to find out.
    let is_whole = directory.flaws().is_empty();
    let header = Header {
        base_url: base_url.as_str().to_owned(),
        read_at,
        users: directory.users().len(),
        groups: directory.groups().len(),
        peaks: peaks.clone(),
        watermark: origin.watermark.filter(|_| is_whole),
        full_read_at: origin.full_at.filter(|_| is_whole),
    };
    let mut rest = serde_json::to_vec(&header)?;
    rest.push(b'\n');
    // JSON is written a few bytes at a time, each of which would be a call of zstd.
    let mut compressed = BufWriter::new(zstd::Encoder::new(rest, LEVEL)?);
    rows::write(&mut compressed, directory, names)?;
    let rest = compressed.into_inner()?.finish()?;
    let mut bytes = first_line(&rest).into_bytes();
    bytes.extend_from_slice(&rest);
    Ok(bytes)
}

/// Reads what [`encode`] wrote about this server.
///
/// # Errors
/// Refuses everything that is not whole, of this server and of a version that is known.
pub fn decode(bytes: &[u8], base_url: &BaseUrl) -> Result<Kept, Refusal> {
    let Some((first, rest)) = lines(bytes) else {
        return Err(unfinished(bytes));
    };
    let claims = first
        .strip_prefix(MAGIC.as_bytes())
        .ok_or(Refusal::Foreign)?;
    let claims = str::from_utf8(claims).map_err(|_| Refusal::Corrupted)?;
    let version = claims
        .split(' ')
        .next()
        .and_then(|version| version.parse().ok());
    match version.ok_or(Refusal::Corrupted)? {
        VERSION => {}
        newer if newer > VERSION => return Err(Refusal::Newer(newer)),
        _ => return Err(Refusal::Corrupted),
    }
    let length = claims
        .split(' ')
        .nth(1)
        .and_then(|length| length.parse().ok());
    if length.is_some_and(|length: usize| rest.len() < length) {
        return Err(Refusal::Torn);
    }
    // Compared as text, so that no other spelling of the same claims passes.
    if first_line(rest).as_bytes() != &bytes[..=first.len()] {
        return Err(Refusal::Corrupted);
    }
    let (header, compressed) = lines(rest).ok_or(Refusal::Corrupted)?;
    let header: Header = serde_json::from_slice(header).map_err(|_| Refusal::Corrupted)?;
    if header.base_url != base_url.as_str() {
        return Err(Refusal::Foreign);
    }
    let (directory, names) = read_rows(compressed, &header).map_err(|_| Refusal::Corrupted)?;
    let Header {
        peaks,
        read_at,
        watermark,
        full_read_at: full_at,
        ..
    } = header;
    let origin = Origin {
        watermark,
        full_at,
        ..Origin::default()
    };
    Ok(Kept {
        directory,
        names,
        peaks,
        read_at,
        origin,
    })
}

/// The first line, with its line break.
fn first_line(rest: &[u8]) -> String {
    format!(
        "{MAGIC}{VERSION} {} {}\n",
        rest.len(),
        sha256_hex(rest, DIGITS)
    )
}

/// What stands before the first line break and after it.
fn lines(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

/// What a file without a whole line is.
fn unfinished(bytes: &[u8]) -> Refusal {
    let common = bytes.len().min(MAGIC.len());
    if bytes[..common] == MAGIC.as_bytes()[..common] {
        Refusal::Torn
    } else {
        Refusal::Foreign
    }
}

/// The rows that a header announces, decompressed line by line.
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
