//! One request to Authentik: with a limit in time, retried where that is safe, never redirected.

mod body;
mod dates;
mod decode;
mod query;
mod rows;
mod traffic;
mod transport;
mod trust;
mod version;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, DATE, HeaderMap, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

pub use query::Filter;
pub use traffic::Traffic;
pub use version::Introduction;

use super::error::{Error, SetupError};
use super::wire::{List, Listed, Page, Read};
use crate::base_url::BaseUrl;
use crate::clock::Clock;
use dates::date;
use decode::detail;
use rows::read_page;
use traffic::Counters;

/// The first pause before a retry; each further one is twice as long, with jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// How often a request is repeated: so often that a server which never answers is reported within
/// the default timeouts of a request and of a run.
const RETRIES: usize = 4;
/// How often a request is repeated that got no answer in time: Authentik goes on working for it.
const RETRIED_TIMEOUTS: usize = 1;
/// The longest `Retry-After` that is waited for within a run.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How much of an error's text is repeated.
const DETAIL_LENGTH: usize = 200;

/// How to ask Authentik.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// Where Authentik lives.
    pub base_url: BaseUrl,
    /// A token with the intent `api`.
    pub token: SecretString,
    /// Requests in flight at once, both lists together.
    pub concurrency: usize,
    /// Rows a page; newer versions cap it at 100.
    pub page_size: u32,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// Certificates to trust beside the system's, in PEM form.
    pub ca_file: Option<PathBuf>,
}

/// Asks Authentik; cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    settings: ClientSettings,
    in_flight: Arc<Semaphore>,
    counters: Arc<Counters>,
    clock: Clock,
}

/// An answer that no retry would mend.
struct Answer {
    status: StatusCode,
    /// When it was made, by the server's clock.
    date: Option<Timestamp>,
    body: Bytes,
}

impl Client {
    /// Prepares connections; nothing is sent.
    ///
    /// # Errors
    /// When the token cannot stand in a header, or certificates cannot be read.
    pub fn new(settings: ClientSettings, clock: Clock) -> Result<Self, SetupError> {
        // A second call finds the provider installed, which is just as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let ours = settings
            .ca_file
            .as_deref()
            .map(trust::certificates)
            .transpose()?;
        let http = reqwest::Client::builder()
            .tls_certs_merge(ours.unwrap_or_default())
            .default_headers(headers(&settings.token)?)
            .user_agent(concat!(
                "authentik-entity-provider/",
                env!("CARGO_PKG_VERSION")
            ))
            .redirect(Policy::none())
            .timeout(settings.request_timeout)
            .connect_timeout(settings.request_timeout)
            .build()?;
        let in_flight = Arc::new(Semaphore::new(settings.concurrency));
        Ok(Self {
            http,
            settings,
            in_flight,
            counters: Arc::default(),
            clock,
        })
    }

    /// What was sent and received so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.counters.traffic()
    }

    /// Requests in flight at once.
    #[must_use]
    pub fn concurrency(&self) -> usize {
        self.settings.concurrency
    }

    /// Rows a page that are asked for.
    #[must_use]
    pub fn page_size(&self) -> usize {
        self.settings.page_size as usize
    }

    /// A page of a list in the order of pks; none beyond the end.
    ///
    /// # Errors
    /// Whatever keeps the page from being read, after the retries that may help.
    pub async fn page<Row: Listed>(&self, page: usize) -> Result<Option<Page<Read<Row>>>, Error> {
        self.page_of(page, self.page_size()).await
    }

    /// As [`Client::page`], of the list in pages of another size.
    ///
    /// # Errors
    /// As [`Client::page`].
    pub async fn page_of<Row: Listed>(
        &self,
        page: usize,
        size: usize,
    ) -> Result<Option<Page<Read<Row>>>, Error> {
        let url = self.url(Row::LIST, page, size);
        let Some(body) = self.body(Row::LIST, &url, page).await? else {
            return Ok(None);
        };
        self.read(&url, &body).map(Some)
    }

    /// Reads and counts the rows of a page.
    fn read<Row: Listed>(&self, url: &str, body: &[u8]) -> Result<Page<Read<Row>>, Error> {
        let page = read_page(url, body)?;
        self.counters.count_rows(page.results.len());
        Ok(page)
    }

    /// The body of a page; none beyond the end.
    async fn body(&self, list: List, url: &str, page: usize) -> Result<Option<Bytes>, Error> {
        let Answer { status, body, .. } = self.get(url).await?;
        match status {
            StatusCode::OK => Ok(Some(body)),
            StatusCode::NOT_FOUND if page > 1 && detail(&body).is_some() => Ok(None),
            StatusCode::NOT_FOUND => Err(not_authentik(url, "the path is unknown there")),
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => {
                Err(self.refusal(list, url, status, &body).await)
            }
            _ => Err(Error::Status {
                url: url.into(),
                status,
                detail: self.summary(&body),
            }),
        }
    }

    /// Whether the token or a permission is at fault: the version is shown to any valid token, and
    /// texts are translated, so that answer decides and not the text.
    async fn refusal(&self, list: List, url: &str, status: StatusCode, body: &[u8]) -> Error {
        match self.get(&self.version_url()).await {
            Ok(Answer {
                status: StatusCode::OK,
                ..
            }) => Error::Permission { list },
            Ok(Answer {
                status: StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED,
                ..
            }) => Error::Token {
                detail: self.summary(body),
            },
            Ok(_) => Error::Status {
                url: url.into(),
                status,
                detail: self.summary(body),
            },
            Err(error) => error,
        }
    }

    /// Sends a request, and again where that may help.
    async fn get(&self, url: &str) -> Result<Answer, Error> {
        let mut timeouts = 0;
        let pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_times(RETRIES)
            .with_jitter();
        (|| self.get_once(url))
            .retry(pauses)
            .when(|error| {
                timeouts += usize::from(matches!(error, Error::Timeout { .. }));
                error.is_transient() && timeouts <= RETRIED_TIMEOUTS
            })
            .adjust(|error, pause| {
                let asked = error.retry_after().unwrap_or_default();
                pause.filter(|_| asked <= LONGEST_PAUSE).map(|pause| pause.max(asked))
            })
            .notify(|error, pause| tracing::debug!(%error, pause_seconds = pause.as_secs_f64(), "asking again"))
            .await
    }

    /// Sends a request once; statuses that a retry may mend are errors.
    async fn get_once(&self, url: &str) -> Result<Answer, Error> {
        let _turn = self.in_flight.acquire().await;
        self.counters.count_request();
        let response = self
            .http
            .get(url)
            .send()
            .await
            .map_err(|error| self.transport(url, &error))?;
        let status = response.status();
        match status.as_u16() {
            429 | 502 | 503 | 504 => {
                let retry_after = self.retry_after(&response);
                Err(Error::Unavailable {
                    url: url.into(),
                    status,
                    retry_after,
                })
            }
            300..=399 => Err(self.redirected(url, &response)),
            _ => {
                let date = date(&response, DATE);
                let body = self.whole(url, response).await?;
                Ok(Answer { status, date, body })
            }
        }
    }

    /// What Authentik says of an error, short and on one line. Other bodies are not repeated: a
    /// proxy's page may hold anything.
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

    /// The error for a redirect. Of the target only server and path are named, since anything may
    /// stand in the rest.
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

    /// What the other side said without the token, should it repeat it.
    fn without_token(&self, text: &str) -> String {
        text.replace(self.settings.token.expose_secret(), "(token)")
    }

    /// The address of a page with the cheapest flags, in the order of pks, without a filter.
    fn url(&self, list: List, page: usize, size: usize) -> String {
        let path = self.settings.base_url.api(list.path());
        let url = format!("{path}?page={page}&page_size={size}&ordering=pk");
        list.flags()
            .iter()
            .fold(url, |url, (key, value)| url + "&" + key + "=" + value)
    }
}

/// The headers of every request.
fn headers(token: &SecretString) -> Result<HeaderMap, SetupError> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
        .map_err(|_| SetupError::Token)?;
    bearer.set_sensitive(true);
    Ok(HeaderMap::from_iter([
        (reqwest::header::AUTHORIZATION, bearer),
        (ACCEPT, HeaderValue::from_static("application/json")),
        (ACCEPT_LANGUAGE, HeaderValue::from_static("en")),
    ]))
}

/// The error for whatever is no Authentik.
fn not_authentik(url: &str, what: &str) -> Error {
    Error::NotAuthentik {
        url: url.into(),
        what: what.into(),
    }
}
