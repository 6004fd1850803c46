//! Traces over OTLP, in front of a small collector: a trace for each run and for each request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use fake_authentik::{Action, FakeDirectory, ScriptStep, Target};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use rustix::process::Signal;
use tokio::net::TcpListener;

use crate::support::client;
use crate::support::command::Upstream;
use crate::support::directory::crowd;
use crate::support::process::{Process, get};

/// The trace and the span of a client, as in the header `traceparent`.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// A collector that stores what it receives.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

impl Collector {
    /// Starts the collector and returns its address.
    async fn spawn(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(receive));
        let router = router.with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        base
    }

    /// Returns all spans.
    fn spans(&self) -> Vec<Span> {
        let received = self.0.lock().unwrap();
        let resources = received.iter().flat_map(|request| &request.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    /// Returns the attributes of the process.
    fn process(&self) -> BTreeMap<String, String> {
        let received = self.0.lock().unwrap();
        let resource = received[0].resource_spans[0].resource.as_ref().unwrap();
        texts(&resource.attributes)
    }
}

async fn receive(State(collector): State<Collector>, body: Bytes) -> StatusCode {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    collector.0.lock().unwrap().push(request);
    StatusCode::OK
}

/// Returns attributes as text.
fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |attribute: &KeyValue| match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        Value::BoolValue(is) => Some(is.to_string()),
        other => panic!("{}: {other:?}", attribute.key),
    };
    let texts = attributes
        .iter()
        .filter_map(|attribute| Some((attribute.key.clone(), text(attribute)?)));
    texts.collect()
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from_digit(digit.into(), 16).unwrap())
        .collect()
}

/// Returns the only span with a name.
fn one<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let mut found = spans.iter().filter(|span| span.name == name);
    match (found.next(), found.next()) {
        (Some(span), None) => span,
        _ => panic!("{name}: {spans:#?}"),
    }
}

/// Starts a service that reads on request, with more variables.
async fn serve(upstream: &Upstream, more: &[(&str, &str)]) -> (Process, String) {
    let own = [
        ("ENTITY_PROVIDER_LISTEN", "127.0.0.1:0"),
        ("ENTITY_PROVIDER_STATE_DIR", "false"),
        ("ENTITY_PROVIDER_SCHEDULE_FREQUENCY", "{trigger: manual}"),
        // Spans of info are exported whatever the log shows.
        ("RUST_LOG", "warn,authentik_entity_provider=info"),
    ];
    let variables = [&upstream.variables()[..], &own, more].concat();
    let mut process = Process::spawn(&["serve"], &variables);
    let base = process.serving().await;
    (process, base)
}

/// Posts a request for a run, as a client with a trace does.
async fn sync(base: &str) {
    let request = client().post(format!("{base}/sync?wait=1m"));
    let request = request.header("traceparent", format!("00-{TRACE}-{PARENT}-01"));
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_run_is_a_trace_that_authentik_can_continue() {
    let (collector, upstream) = (Collector::default(), Upstream::spawn(crowd(250)).await);
    let endpoint = collector.spawn().await;
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())];
    let (process, base) = serve(&upstream, &variables).await;
    sync(&base).await;
    process.signal(Signal::TERM);
    let ended = process.end().await;
    assert!(ended.status.success(), "{}", ended.error);
    assert!(!ended.error.contains("WARN"), "{}", ended.error);
    let spans = collector.spans();
    let run = one(&spans, "sync");
    assert!(run.parent_span_id.is_empty(), "it is a root");
    let facts = texts(&run.attributes);
    for (key, expected) in [
        ("run.trigger", "request"),
        ("run.mode", "full"),
        ("run.reason", "first"),
        ("run.outcome", "succeeded"),
    ] {
        assert_eq!(facts[key], expected, "{facts:?}");
    }
    assert!(ended.error.contains(&facts["run.id"]), "the log has its id");
    let requests: Vec<_> = spans.iter().filter(|span| span.name == "GET").collect();
    assert_eq!(facts["run.requests"], requests.len().to_string());
    assert!(requests.len() >= 5, "{spans:#?}");
    let ids = requests.iter().map(|span| {
        assert_eq!(
            (&span.trace_id, &span.parent_span_id),
            (&run.trace_id, &run.span_id)
        );
        assert_eq!(texts(&span.attributes)["http.response.status_code"], "200");
        format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id))
    });
    let mut sent: Vec<_> = ids.collect();
    let seen = upstream.fake.requests();
    let mut seen: Vec<_> = seen
        .iter()
        .map(|request| request.header("traceparent").unwrap().to_owned())
        .collect();
    sent.sort_unstable();
    seen.sort_unstable();
    assert_eq!(sent, seen, "Authentik gets the span of each request");
    assert_eq!(one(&spans, "publish").parent_span_id, run.span_id);
    let process = collector.process();
    assert_eq!(process["service.name"], "authentik-entity-provider");
    assert_eq!(process["service.version"], env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn a_request_continues_the_trace_of_its_client_and_shows_no_name() {
    let (collector, upstream) = (
        Collector::default(),
        Upstream::spawn(FakeDirectory::generate(5)).await,
    );
    let endpoint = format!("{}/v1/traces", collector.spawn().await);
    let (process, base) = serve(
        &upstream,
        &[
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint.as_str()),
            ("OTEL_SERVICE_NAME", "entities of a test"),
        ],
    )
    .await;
    sync(&base).await;
    let secret = "nobody-may-see-this";
    get(&format!(
        "{base}/entities/by-name/user/default/{secret}?token={secret}"
    ))
    .await;
    get(&format!("{base}/{secret}")).await;
    get(&format!("{base}/health")).await;
    process.signal(Signal::TERM);
    assert!(process.end().await.status.success());
    let spans = collector.spans();
    let posted = one(&spans, "POST /sync");
    assert_eq!(
        (
            hex(&posted.trace_id).as_str(),
            hex(&posted.parent_span_id).as_str()
        ),
        (TRACE, PARENT)
    );
    let read = one(&spans, "GET /entities/by-name/{kind}/{namespace}/{name}");
    assert!(read.parent_span_id.is_empty() && read.trace_id != posted.trace_id);
    assert_eq!(texts(&read.attributes)["http.response.status_code"], "404");
    one(&spans, "GET unknown");
    one(&spans, "GET /health");
    assert!(!format!("{spans:?}").contains(secret));
    assert_eq!(collector.process()["service.name"], "entities of a test");
}

#[tokio::test]
async fn a_failed_run_is_an_error_with_its_code() {
    let (collector, upstream) = (
        Collector::default(),
        Upstream::spawn(FakeDirectory::generate(5)).await,
    );
    let endpoint = collector.spawn().await;
    let (process, base) = serve(&upstream, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]).await;
    let refused = Action::answer(StatusCode::IM_A_TEAPOT, "{}");
    upstream
        .fake
        .script(ScriptStep::at(Target::Users, refused).always());
    sync(&base).await;
    process.signal(Signal::TERM);
    process.end().await;
    let spans = collector.spans();
    let run = one(&spans, "sync");
    assert_eq!(texts(&run.attributes)["error.type"], "status");
    assert_eq!(run.status.as_ref().unwrap().code, 2, "an error: {run:?}");
}

#[tokio::test]
async fn without_a_collector_nothing_is_sent_and_a_broken_one_harms_nothing() {
    let collector = Collector::default();
    let endpoint = collector.spawn().await;
    for (variables, warning) in [
        (vec![], None),
        (
            vec![
                ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
                ("OTEL_SDK_DISABLED", "true"),
            ],
            None,
        ),
        (
            vec![
                ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
                ("OTEL_TRACES_EXPORTER", "none"),
            ],
            None,
        ),
        (
            vec![
                ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ],
            Some("expected `http/protobuf`"),
        ),
        (
            vec![("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")],
            Some("traces are not exported"),
        ),
        (
            vec![("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")],
            None,
        ),
    ] {
        let upstream = Upstream::spawn(FakeDirectory::generate(5)).await;
        let is_on = variables.contains(&("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"));
        let (process, base) = serve(&upstream, &variables).await;
        sync(&base).await;
        assert_eq!(get(&format!("{base}/entities")).await.status(), 200);
        process.signal(Signal::TERM);
        let ended = process.end().await;
        assert!(ended.status.success(), "{variables:?}: {}", ended.error);
        if let Some(warning) = warning {
            assert!(ended.error.contains(warning), "{}", ended.error);
        }
        let requests = upstream.fake.requests();
        let mut traced = requests.iter().map(|request| request.header("traceparent"));
        assert!(
            traced.all(|header| header.is_some() == is_on),
            "{variables:?}"
        );
    }
    assert!(collector.spans().is_empty());
}
