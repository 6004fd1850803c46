//! Exports spans over OTLP, switched on by the standard variables `OTEL_*`.

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, ensure};
use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use crate::outbound;
use crate::outbound::proxy::Proxies;
use crate::trace::TARGET;

/// The variables with the address of the collector. One of them switches the export on.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];
/// The variables with the protocol.
const PROTOCOLS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
];
/// The protocol that the exporter has.
const PROTOCOL: &str = "http/protobuf";
/// The name of the service, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` has another one.
const NAME: &str = env!("CARGO_PKG_NAME");
/// The time limit of a request to the collector, the default of the specification.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The time limit for the last spans at the end of the process.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// The exporter of this process.
static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Returns the layer that exports spans; `None` unless a variable switches it on.
///
/// # Errors
/// If a variable has a value that cannot be used.
pub(super) fn layer<S>(runtime: &Handle) -> anyhow::Result<Option<impl Layer<S> + use<S>>>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let Some(endpoint) = endpoint() else {
        return Ok(None);
    };
    for name in PROTOCOLS {
        let protocol = variable(name).unwrap_or_else(|| PROTOCOL.to_owned());
        ensure!(
            protocol == PROTOCOL,
            "{name} is `{protocol}`; expected `{PROTOCOL}`, for which collectors listen on port 4318"
        );
    }
    let url = Url::parse(&endpoint)
        .with_context(|| format!("`{endpoint}` is no URL, such as http://collector:4318"))?;
    let proxies = Proxies::from_env(|name| std::env::var(name).ok())?;
    let client = outbound::client(&url, proxies.of(&url), None)?;
    let client = RuntimeClient {
        client: client.timeout(TIMEOUT).build()?,
        runtime: runtime.clone(),
    };
    let exporter = SpanExporter::builder().with_http().with_http_client(client);
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter.build()?)
        .with_resource(resource())
        .build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer(NAME))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(|metadata| metadata.target() == TARGET));
    let _ = PROVIDER.set(provider);
    Ok(Some(layer))
}

/// Exports the last spans, up to a time limit. Called before the runtime ends.
pub fn flush() {
    if let Some(provider) = PROVIDER.get() {
        // A failure is logged by the exporter.
        let _ = provider.shutdown_with_timeout(LAST_SPANS);
    }
}

/// Returns the address of the collector, if traces are exported.
fn endpoint() -> Option<String> {
    let is_off = variable("OTEL_SDK_DISABLED").is_some_and(|value| value == "true")
        || variable("OTEL_TRACES_EXPORTER").is_some_and(|value| value == "none");
    ENDPOINTS
        .iter()
        .find_map(|&name| variable(name))
        .filter(|_| !is_off)
}

/// Describes this process. `OTEL_SERVICE_NAME` comes before `OTEL_RESOURCE_ATTRIBUTES`, and both before the defaults.
fn resource() -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder_empty()
        .with_service_name(NAME)
        .with_attribute(version)
        .with_detectors(&[
            Box::new(TelemetryResourceDetector),
            Box::new(EnvResourceDetector::new()),
        ]);
    let named = match variable("OTEL_SERVICE_NAME") {
        Some(name) => resource.with_service_name(name),
        None => resource,
    };
    named.build()
}

/// Returns a variable that is not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Sends requests on the runtime of the service. The exporter has a thread without one.
#[derive(Debug)]
struct RuntimeClient {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for RuntimeClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sending = async move {
            let answer = client.execute(request.try_into()?).await?;
            let status = answer.status();
            let mut response = Response::new(answer.bytes().await?);
            *response.status_mut() = status;
            Ok(response)
        };
        self.runtime.spawn(sending).await?
    }
}
