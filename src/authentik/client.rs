//! The HTTP client for Authentik: requests have a timeout and retries, and follow no redirect.

mod body;
mod dates;
mod decode;
mod proxied;
mod query;
mod refusal;
mod retry;
mod rows;
mod traffic;
mod transport;
mod version;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, DATE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use tracing::field::Empty;
use tracing::{Instrument, Span, info_span};

pub use query::Filter;
pub use traffic::Traffic;
pub use version::Introduction;

use super::error::{ClientSetupError, Error};
use super::wire::{List, Listed, Page, RowResult};
use crate::base_url::BaseUrl;
use crate::clock::Clock;
use crate::directory::FieldSelection;
use crate::instruments::UpstreamInstruments;
use crate::outbound;
use crate::outbound::error::OutboundError;
use crate::outbound::proxy::Proxies;
use crate::trace;
use dates::date;
use decode::detail;
use retry::RetryBudget;
use rows::read_page;

/// The maximum length of an error text from the server, in characters.
const DETAIL_LENGTH: usize = 200;

/// Settings of the client.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// The address of Authentik.
    pub base_url: BaseUrl,
    /// A token with the intent `api`.
    pub token: SecretString,
    /// Maximum number of concurrent requests, for both lists together.
    pub concurrency: usize,
    /// Number of rows per page. Newer versions cap it at 100.
    pub page_size: u32,
    /// The timeout of one request.
    pub request_timeout: Duration,
    /// A PEM file with extra CA certificates, besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The proxies that the environment names.
    pub proxies: Proxies,
    /// The additional fields of rows that the configuration names.
    pub fields: Arc<FieldSelection>,
}

/// Sends requests to Authentik. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    settings: ClientSettings,
    in_flight: Arc<Semaphore>,
    budget: Arc<RetryBudget>,
    instruments: UpstreamInstruments,
    clock: Clock,
}

/// An answer that needs no retry.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// The server's clock when it answered.
    fn date(&self) -> Option<Timestamp> {
        date(&self.headers, DATE)
    }
}

impl Client {
    /// Creates a client. Sends nothing yet.
    ///
    /// # Errors
    /// When the token is not a valid header value, or certificates cannot be read.
    pub fn new(settings: ClientSettings, clock: Clock) -> Result<Self, ClientSetupError> {
        let url = settings.base_url.url();
        let proxy = settings.proxies.of(url);
        let http = outbound::client(url, proxy, settings.ca_file.as_deref())?
            .default_headers(headers(&settings.token)?)
            .timeout(settings.request_timeout)
            .connect_timeout(settings.request_timeout)
            .build()
            .map_err(OutboundError::Http)?;
        let in_flight = Arc::new(Semaphore::new(settings.concurrency));
        Ok(Self {
            http,
            settings,
            in_flight,
            budget: Arc::default(),
            instruments: UpstreamInstruments::default(),
            clock,
        })
    }

    /// Shares instruments with other clients, such as those before a reload.
    #[must_use]
    pub fn with_instruments(mut self, instruments: UpstreamInstruments) -> Self {
        self.instruments = instruments;
        self
    }

    /// Requests sent and rows received so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        Traffic {
            requests: self.instruments.requests.get(),
            rows: self.instruments.rows.get(),
        }
    }

    /// Maximum number of concurrent requests.
    #[must_use]
    pub fn concurrency(&self) -> usize {
        self.settings.concurrency
    }

    /// The requested number of rows per page.
    #[must_use]
    pub fn page_size(&self) -> usize {
        self.settings.page_size as usize
    }

    /// The additional fields of the rows that it reads.
    #[must_use]
    pub fn fields(&self) -> &Arc<FieldSelection> {
        &self.settings.fields
    }

    /// Requests a page of a list in the order of pks. Returns `None` beyond the end.
    ///
    /// # Errors
    /// When the page cannot be read, after retries.
    pub async fn page<Row: Listed>(
        &self,
        page: usize,
    ) -> Result<Option<Page<RowResult<Row>>>, Error> {
        self.page_of(page, self.page_size()).await
    }

    /// Like [`Client::page`], with another page size.
    ///
    /// # Errors
    /// As [`Client::page`].
    pub async fn page_of<Row: Listed>(
        &self,
        page: usize,
        size: usize,
    ) -> Result<Option<Page<RowResult<Row>>>, Error> {
        let url = self.url(Row::LIST, page, size);
        self.by_proxy(async {
            let Some(body) = self.body(Row::LIST, &url, page).await? else {
                return Ok(None);
            };
            self.read(&url, &body).map(Some)
        })
        .await
    }

    /// Decodes a page and counts its rows.
    fn read<Row: Listed>(&self, url: &str, body: &[u8]) -> Result<Page<RowResult<Row>>, Error> {
        let page = read_page(url, body, Row::paths(&self.settings.fields))?;
        self.instruments.rows.inc_by(page.results.len() as u64);
        Ok(page)
    }

    /// The body of a page. Returns `None` beyond the end.
    async fn body(&self, list: List, url: &str, page: usize) -> Result<Option<Bytes>, Error> {
        let answer = self.get(url).await?;
        match answer.status {
            StatusCode::OK => Ok(Some(answer.body)),
            StatusCode::NOT_FOUND if page > 1 && detail(&answer.body).is_some() => Ok(None),
            StatusCode::NOT_FOUND => Err(not_authentik(url, "the path is unknown there")),
            _ if answer.is_refusal() => Err(self.refusal(list, url, &answer).await),
            _ => Err(self.status(url, &answer)),
        }
    }

    /// The error for a status without a more specific error.
    fn status(&self, url: &str, answer: &Answer) -> Error {
        Error::Status {
            url: url.into(),
            status: answer.status,
            detail: self.summary(&answer.body),
        }
    }

    /// Sends a request once and measures it.
    async fn get_once(&self, url: &str) -> Result<Answer, Error> {
        let _permit = self.in_flight.acquire().await;
        let started = Instant::now();
        self.instruments.requests.inc();
        let span = info_span!(
            target: trace::TARGET,
            "request to Authentik",
            otel.name = "GET",
            otel.kind = "client",
            otel.status_code = Empty,
            http.request.method = "GET",
            http.response.status_code = Empty,
            url.full = url,
            error.r#type = Empty,
        );
        let answer = self.exchange(url).instrument(span.clone()).await;
        match &answer {
            Ok(answer) => span.record("http.response.status_code", answer.status.as_u16()),
            Err(error) => span
                .record("error.type", error.code())
                .record("otel.status_code", "ERROR"),
        };
        self.instruments.observe(started.elapsed());
        answer
    }

    /// Sends a request and reads its answer. An overloaded server and a redirect are errors.
    async fn exchange(&self, url: &str) -> Result<Answer, Error> {
        let mut response = self
            .http
            .get(url)
            .headers(trace::headers(&Span::current()))
            .send()
            .await
            .map_err(|error| self.transport(url, &error))?;
        let status = response.status();
        match status.as_u16() {
            429 | 501..=599 => {
                let retry_after = self.retry_after(&response);
                Err(Error::Unavailable {
                    url: url.into(),
                    status,
                    retry_after,
                })
            }
            300..=399 => Err(self.redirected(url, &response)),
            _ => {
                let headers = std::mem::take(response.headers_mut());
                let body = self.read_body(url, response).await?;
                Ok(Answer {
                    status,
                    headers,
                    body,
                })
            }
        }
    }

    /// Authentik's text of an error, shortened to one line. Other bodies are not shown: the page of
    /// a proxy may contain anything.
    fn summary(&self, body: &[u8]) -> String {
        let text = detail(body).unwrap_or_else(|| "without a reason".to_owned());
        let line = self
            .without_token(&text)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        line.chars()
            .filter(|c| !c.is_control())
            .take(DETAIL_LENGTH)
            .collect()
    }

    /// The error for a redirect. It names only the server and path of the target: the query may
    /// contain secrets.
    fn redirected(&self, url: &str, response: &Response) -> Error {
        let location = response
            .headers()
            .get(LOCATION)
            .and_then(|target| target.to_str().ok());
        let target = location
            .and_then(|target| self.settings.base_url.join(target))
            .map(|target| {
                let shown = format!("{}{}", target.origin().ascii_serialization(), target.path());
                self.without_token(&shown)
                    .chars()
                    .take(DETAIL_LENGTH)
                    .collect()
            });
        Error::Redirected {
            url: url.into(),
            target: target.unwrap_or_else(|| "another address".into()),
        }
    }

    /// Removes the token from a text of the server.
    fn without_token(&self, text: &str) -> String {
        text.replace(self.settings.token.expose_secret(), "(token)")
    }

    /// The URL of a page with the cheapest flags, in the order of pks, without a filter.
    fn url(&self, list: List, page: usize, size: usize) -> String {
        let path = self.settings.base_url.api(list.path());
        let url = format!("{path}?page={page}&page_size={size}&ordering=pk");
        list.flags()
            .iter()
            .fold(url, |url, (key, value)| url + "&" + key + "=" + value)
    }
}

/// The headers of every request.
fn headers(token: &SecretString) -> Result<HeaderMap, ClientSetupError> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
        .map_err(|_| ClientSetupError::Token)?;
    bearer.set_sensitive(true);
    Ok(HeaderMap::from_iter([
        (reqwest::header::AUTHORIZATION, bearer),
        (ACCEPT, HeaderValue::from_static("application/json")),
        (ACCEPT_LANGUAGE, HeaderValue::from_static("en")),
    ]))
}

/// The error for a server that is not Authentik.
fn not_authentik(url: &str, what: &str) -> Error {
    Error::NotAuthentik {
        url: url.into(),
        what: what.into(),
    }
}
