//! The one request to Backstage's catalog: read this location again.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::outbound;
use crate::outbound::error::OutboundError;
use crate::outbound::proxy::Proxies;

/// How long Backstage may take for one request; it only notes that the location is due.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks a Backstage backend; cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    refresh: Url,
    proxy: Option<String>,
}

/// Why no request can be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The token holds a character that no header may hold.
    #[error("`entityProvider.backstage.token` holds a character that cannot be sent")]
    Token,
    /// No connection can be prepared.
    #[error("cannot prepare connections to `entityProvider.backstage.baseUrl`")]
    Outbound(#[from] OutboundError),
}

/// Why Backstage did not take a request.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// No location of this ref is in the catalog.
    #[error(
        "Backstage knows no {0}; compare `entityProvider.backstage.locations` with its `catalog.locations`"
    )]
    Unknown(String),
    /// The token does not allow it.
    #[error(
        "Backstage answers {0}; is `entityProvider.backstage.token` one of its \
         `backend.auth.externalAccess` tokens?"
    )]
    Refused(StatusCode),
    /// Any other answer.
    #[error("Backstage answers {0}")]
    Status(StatusCode),
    /// No answer came.
    #[error("cannot reach Backstage at `entityProvider.backstage.baseUrl`: {0}")]
    Unreachable(String),
    /// Anything but an answer of the catalog came through a proxy.
    #[error("through the proxy {0}: {1}")]
    Proxied(String, Box<RefreshError>),
}

impl RefreshError {
    /// What kind of failure it is, stable over versions.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "backstage-location",
            Self::Refused(_) => "backstage-token",
            Self::Status(_) => "backstage-status",
            Self::Unreachable(_) => "backstage-unreachable",
            Self::Proxied(_, error) => error.code(),
        }
    }
}

impl Client {
    /// Prepares connections; nothing is sent.
    ///
    /// # Errors
    /// When the token cannot stand in a header, or the system's certificates cannot be read.
    pub fn new(
        base_url: &Url,
        token: &SecretString,
        proxies: &Proxies,
    ) -> Result<Self, SetupError> {
        let bearer = format!("Bearer {}", token.expose_secret());
        let mut authorization = HeaderValue::try_from(bearer).map_err(|_| SetupError::Token)?;
        authorization.set_sensitive(true);
        let proxy = proxies.of(base_url);
        let http = outbound::client(base_url, proxy, None)?
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, authorization)]))
            .timeout(PATIENCE)
            .build()
            .map_err(OutboundError::from)?;
        let mut refresh = base_url.clone();
        refresh.set_path(&format!(
            "{}/api/catalog/refresh",
            base_url.path().trim_end_matches('/')
        ));
        let proxy = proxy.map(ToString::to_string);
        Ok(Self {
            http,
            refresh,
            proxy,
        })
    }

    /// Makes a location due (`POST /api/catalog/refresh`); Backstage reads it within about a second.
    ///
    /// # Errors
    /// When Backstage does not take it.
    pub async fn refresh(&self, entity_ref: &str) -> Result<(), RefreshError> {
        let refreshed = self.send(entity_ref).await;
        refreshed.map_err(|error| match (&self.proxy, error) {
            (Some(proxy), error) if !matches!(error, RefreshError::Unknown(_)) => {
                RefreshError::Proxied(proxy.clone(), Box::new(error))
            }
            (_, error) => error,
        })
    }

    /// Sends the request.
    async fn send(&self, entity_ref: &str) -> Result<(), RefreshError> {
        let request = self
            .http
            .post(self.refresh.clone())
            .json(&json!({ "entityRef": entity_ref }));
        let answer = request.send().await.map_err(|error| unreachable(&error))?;
        let status = answer.status();
        match status {
            _ if status.is_success() => Ok(()),
            StatusCode::NOT_FOUND if is_of_the_catalog(answer).await => {
                Err(RefreshError::Unknown(entity_ref.to_owned()))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(RefreshError::Refused(status)),
            _ => Err(RefreshError::Status(status)),
        }
    }
}

/// Whether the catalog itself finds nothing. While Backstage starts it listens before it has any
/// routes, and then everything is a 404 without a body (`DefaultRootHttpRouter`, backend-defaults 0.18).
async fn is_of_the_catalog(not_found: Response) -> bool {
    let body = not_found.json::<Value>().await;
    body.is_ok_and(|body| body["error"]["name"] == "NotFoundError")
}

/// The last and most telling link of an error's chain, without the URL.
fn unreachable(error: &reqwest::Error) -> RefreshError {
    let chain = std::iter::successors(std::error::Error::source(error), |error| error.source());
    let cause = if error.is_timeout() {
        None
    } else {
        chain.last().map(ToString::to_string)
    };
    RefreshError::Unreachable(
        cause.unwrap_or_else(|| format!("no answer within {} s", PATIENCE.as_secs())),
    )
}
