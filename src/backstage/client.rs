//! A client for one endpoint of Backstage's catalog, `POST /api/catalog/refresh`.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::outbound;
use crate::outbound::error::OutboundError;
use crate::outbound::proxy::Proxies;

/// The timeout of one request. Backstage responds before it reads the location.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A client of a Backstage backend; cheap to clone.
#[derive(Clone, Debug)]
pub struct BackstageClient {
    http: reqwest::Client,
    refresh: Url,
    proxy: Option<String>,
}

/// Why a client cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum BackstageSetupError {
    /// The token has a character that is invalid in a header.
    #[error("`entityProvider.backstage.token` has a character that cannot be sent in a header")]
    Token,
    /// No connection can be prepared.
    #[error("`entityProvider.backstage.baseUrl`: {problem}; {remedy}")]
    Outbound {
        /// The problem.
        problem: String,
        /// The remedy.
        remedy: String,
    },
}

impl From<OutboundError> for BackstageSetupError {
    fn from(error: OutboundError) -> Self {
        Self::Outbound {
            problem: error.to_string(),
            remedy: error.remedy().to_owned(),
        }
    }
}

/// Why a refresh failed.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The catalog has no location with this ref.
    #[error(
        "Backstage has no {0}; compare `entityProvider.backstage.locations` with its `catalog.locations`"
    )]
    Unknown(String),
    /// Backstage refuses the token (401 or 403).
    #[error(
        "Backstage responded {0}; set `entityProvider.backstage.token` to one of its \
         `backend.auth.externalAccess` tokens"
    )]
    Refused(StatusCode),
    /// Backstage responded with any other error.
    #[error("Backstage responded {0}")]
    Status(StatusCode),
    /// Backstage did not respond.
    #[error("cannot reach Backstage at `entityProvider.backstage.baseUrl`: {0}")]
    Unreachable(String),
    /// Anything but an answer of the catalog came through a proxy.
    #[error("through the proxy {0}: {1}")]
    Proxied(String, Box<RefreshError>),
}

impl RefreshError {
    /// The code of the failure; stable across versions.
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

impl BackstageClient {
    /// Prepares connections; nothing is sent.
    ///
    /// # Errors
    /// When the token is invalid in a header, or the system's certificates cannot be read.
    pub fn new(
        base_url: &Url,
        token: &SecretString,
        proxies: &Proxies,
    ) -> Result<Self, BackstageSetupError> {
        let bearer = format!("Bearer {}", token.expose_secret());
        let mut authorization =
            HeaderValue::try_from(bearer).map_err(|_| BackstageSetupError::Token)?;
        authorization.set_sensitive(true);
        let proxy = proxies.of(base_url);
        let http = outbound::client(base_url, proxy, None)?
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, authorization)]))
            .timeout(TIMEOUT)
            .build()
            .map_err(OutboundError::Http)?;
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

    /// Requests a refresh of an entity; Backstage reads the location within about a second.
    ///
    /// # Errors
    /// When Backstage does not respond with a success.
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
        let response = request.send().await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        match status {
            _ if status.is_success() => Ok(()),
            StatusCode::NOT_FOUND if is_from_catalog(response).await => {
                Err(RefreshError::Unknown(entity_ref.to_owned()))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(RefreshError::Refused(status)),
            _ => Err(RefreshError::Status(status)),
        }
    }
}

/// Whether a 404 comes from the catalog. While Backstage starts it listens before it has routes,
/// and responds to every request with a 404 without a body (`DefaultRootHttpRouter`,
/// backend-defaults 0.18).
async fn is_from_catalog(not_found: Response) -> bool {
    let body = not_found.json::<Value>().await;
    body.is_ok_and(|body| body["error"]["name"] == "NotFoundError")
}

/// The root cause of an error, without the URL.
fn unreachable(error: &reqwest::Error) -> RefreshError {
    let chain = std::iter::successors(std::error::Error::source(error), |error| error.source());
    let cause = if error.is_timeout() {
        None
    } else {
        chain.last().map(ToString::to_string)
    };
    RefreshError::Unreachable(
        cause.unwrap_or_else(|| format!("no response within {} s", TIMEOUT.as_secs())),
    )
}
