//! A stub of Backstage's `POST /api/catalog/refresh`; `tests/backstage` uses the real one.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Records requests for a refresh.
pub struct Refreshes {
    base: String,
    requested: UnboundedReceiver<()>,
}

impl Refreshes {
    /// Starts the stub.
    pub async fn start() -> Self {
        let (sender, requested) = unbounded_channel();
        let router = Router::new()
            .route("/api/catalog/refresh", post(refresh))
            .with_state(sender);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, requested }
    }

    /// Returns the variables of a replica that notifies it.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let locations = r#"["http://entities.example.com/entities"]"#;
        vec![
            ("ENTITY_PROVIDER_BACKSTAGE_BASE_URL", self.base.clone()),
            (
                "ENTITY_PROVIDER_BACKSTAGE_TOKEN",
                "external-access".to_owned(),
            ),
            ("ENTITY_PROVIDER_BACKSTAGE_LOCATIONS", locations.to_owned()),
        ]
    }

    /// Waits for the next request.
    pub async fn next(&mut self) {
        self.requested.recv().await.unwrap();
    }

    /// Returns the number of further requests.
    pub fn waiting(&self) -> usize {
        self.requested.len()
    }
}

async fn refresh(State(requested): State<UnboundedSender<()>>) {
    let _ = requested.send(());
}
