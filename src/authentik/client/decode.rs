//! Decodes JSON. Errors name the path, but no value: it may be personal data.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::not_authentik;
use crate::authentik::error::Error;

/// Decodes JSON. After a failure it decodes again to find the path.
pub(super) fn decode<T: for<'de> Deserialize<'de>>(url: &str, body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).or_else(|error| {
        if !error.is_data() {
            return Err(not_authentik(url, "the answer is not JSON"));
        }
        let found =
            serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(body));
        found.map_err(|error| match error.path().to_string().as_str() {
            "." | "pagination" | "results" => {
                not_authentik(url, "the answer is not a page of a list")
            }
            path => Error::Malformed {
                url: url.into(),
                path: path.into(),
                problem: without_values(&error.into_inner().to_string()),
            },
        })
    })
}

/// Removes the value that a message of the decoder quotes: it may be personal data.
pub(super) fn without_values(message: &str) -> String {
    match (message.find(['`', '"']), message.rfind(", expected")) {
        (Some(value), Some(expected)) if value < expected => {
            format!("{}{}", message[..value].trim_end(), &message[expected..])
        }
        _ => message.to_owned(),
    }
}

/// The text of an error from Authentik: a `detail`, or texts for fields (Django REST framework).
pub(super) fn detail(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum ErrorBody {
        Detail { detail: String },
        Fields(BTreeMap<String, Vec<String>>),
    }
    Some(match serde_json::from_slice(body).ok()? {
        ErrorBody::Detail { detail } => detail,
        ErrorBody::Fields(fields) => {
            let fields = fields
                .iter()
                .map(|(field, texts)| format!("{field}: {}", texts.join(" ")));
            fields.collect::<Vec<_>>().join("; ")
        }
    })
}
