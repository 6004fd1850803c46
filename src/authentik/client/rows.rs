//! Decodes the rows of a page one by one, so that a broken row does not fail the others.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::decode::{decode, without_values};
use crate::authentik::error::Error;
use crate::authentik::wire::{Listed, Page, RowResult, WirePagination, read_fields};
use crate::directory::{FieldPaths, RowError};

/// The maximum size of a row, in bytes: a group of half a million members. A larger row is an
/// error, since the snapshot would hold it in memory.
const LONGEST_ROW: usize = 4 << 20;
/// The maximum number of rows or pages of a list: far more than a Backstage catalog can hold, and
/// few enough to request.
const LARGEST_LIST: usize = 1_000_000;

/// The part of a row that every row must have.
#[derive(Deserialize)]
struct Keyed<Pk> {
    pk: Pk,
}

/// Decodes a page. A broken row with a readable pk becomes a [`RowError`].
///
/// # Errors
/// When the body is not a page, claims more than `LARGEST_LIST` rows or pages, or has a row without
/// a pk, which cannot be counted.
pub(super) fn read_page<Row: Listed>(
    url: &str,
    body: &[u8],
    fields: &FieldPaths,
) -> Result<Page<RowResult<Row>>, Error> {
    let Page {
        pagination,
        results,
        ..
    } = decode::<Page<Box<RawValue>>>(url, body)?;
    let WirePagination { count, total_pages } = pagination;
    if count.max(total_pages) > LARGEST_LIST {
        return Err(Error::Endless {
            list: Row::LIST,
            count,
            total_pages,
            limit: LARGEST_LIST,
        });
    }
    let rows = results
        .iter()
        .enumerate()
        .map(|(at, raw)| read_row(url, at, raw.get(), fields));
    Ok(Page {
        pagination,
        results: rows.collect::<Result<_, _>>()?,
        bytes: body.len(),
    })
}

/// Decodes one row. After a failure it decodes again to find the path.
fn read_row<Row: Listed>(
    url: &str,
    at: usize,
    json: &str,
    fields: &FieldPaths,
) -> Result<RowResult<Row>, Error> {
    let error = if json.len() > LONGEST_ROW {
        let problem = format!("the row is larger than {} MiB", LONGEST_ROW >> 20);
        RowError {
            field: ".".into(),
            problem: problem.into(),
        }
    } else {
        match serde_json::from_str::<Row::Wire>(json) {
            Ok(wire) => return Ok(Ok(with_fields(wire.into(), json, fields))),
            Err(_) => row_error::<Row::Wire>(json),
        }
    };
    match serde_json::from_str::<Keyed<Row::Pk>>(json) {
        Ok(Keyed { pk }) => Ok(Err((pk, error))),
        Err(error) => Err(Error::Malformed {
            url: url.into(),
            path: format!("results[{at}].pk"),
            problem: without_values(&error.to_string()),
        }),
    }
}

/// Adds the additional fields, which need a second look at the JSON, if any are selected.
fn with_fields<Row: Listed>(row: Row, json: &str, fields: &FieldPaths) -> Row {
    if fields.iter().len() == 0 {
        return row;
    }
    row.with_fields(read_fields(json, fields))
}

/// The path and problem of a broken row.
fn row_error<Wire: for<'de> Deserialize<'de>>(json: &str) -> RowError {
    let read =
        serde_path_to_error::deserialize::<_, Wire>(&mut serde_json::Deserializer::from_str(json));
    let Err(error) = read else {
        return RowError {
            field: ".".into(),
            problem: "it is not a row".into(),
        };
    };
    RowError {
        field: error.path().to_string().into(),
        problem: without_values(&error.into_inner().to_string()).into(),
    }
}
