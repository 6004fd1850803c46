//! A headless Chromium with one open page, driven by its driver.

use std::process::Stdio;
use std::time::Duration;

use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::service::Service;

/// How long an effect may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// The time between two looks at the page.
const INTERVAL: Duration = Duration::from_millis(50);
/// Chromium without requests of its own; the sandbox does not start as root in a container.
const ARGUMENTS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,1000",
];

/// The window in which the page is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// On a desk, in light colours.
    Light,
    /// On a desk, in dark colours.
    Dark,
    /// On a phone, in light colours.
    Phone,
}

impl Window {
    /// Returns Chromium's options.
    fn options(self) -> Value {
        let scheme = if self == Self::Dark { "0" } else { "1" };
        let scheme = format!("--blink-settings=preferredColorScheme={scheme}");
        let arguments = ARGUMENTS.map(str::to_owned).into_iter().chain([scheme]);
        let mut options = json!({ "args": arguments.collect::<Vec<_>>() });
        if self == Self::Phone {
            // A window cannot be this narrow.
            let metrics = json!({ "width": 390, "height": 844, "pixelRatio": 1.0 });
            options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
        }
        options
    }
}

/// A browser that shows the page; it ends on drop.
pub struct Browser {
    client: Client,
    _driver: Child,
}

impl Browser {
    /// Opens the page of a service.
    pub async fn open(service: &Service) -> Self {
        Self::open_at(&service.base, Window::Light).await
    }

    /// Opens a URL.
    pub async fn open_at(url: &str, window: Window) -> Self {
        let (driver, port) = driver().await;
        let options = ("goog:chromeOptions".to_owned(), window.options());
        let capabilities = Capabilities::from_iter([options]);
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        client.goto(url).await.unwrap();
        Self {
            client,
            _driver: driver,
        }
    }

    /// Waits until the element with an id contains a text.
    pub async fn see(&self, id: &str, text: &str) {
        assert!(!text.contains('"'), "XPath has no escapes: {text}");
        let path = format!("//*[@id='{id}'][contains(normalize-space(.), \"{text}\")]");
        let wait = self.client.wait().at_most(PATIENCE).every(INTERVAL);
        let found = wait.for_element(Locator::XPath(&path)).await;
        assert!(
            found.is_ok(),
            "{id}: {text:?} is missing in {:?}",
            self.text(id).await
        );
    }

    /// Returns the text of the element with an id, as it is shown.
    pub async fn text(&self, id: &str) -> String {
        let element = self.client.find(Locator::Id(id)).await.unwrap();
        element.text().await.unwrap()
    }

    /// Clicks the button, or the summary of a part that can be opened, with this text.
    pub async fn click(&self, text: &str) {
        let named = format!("[normalize-space(.) = \"{text}\"]");
        let path = format!("//button{named} | //summary{named}");
        let wait = self.client.wait().at_most(PATIENCE).every(INTERVAL);
        let element = wait.for_element(Locator::XPath(&path)).await;
        let element = element.unwrap_or_else(|error| panic!("{text}: {error}"));
        // A fixed point may be outside of the window.
        let script = "arguments[0].scrollIntoView({ block: 'center' })";
        let argument = serde_json::to_value(&element).unwrap();
        self.client.execute(script, vec![argument]).await.unwrap();
        element.click().await.unwrap();
    }

    /// Replaces the text of the field with an id.
    pub async fn fill(&self, id: &str, text: &str) {
        let field = self.client.find(Locator::Id(id)).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Sends keys to the element that has the focus.
    pub async fn press(&self, keys: &str) {
        let element = self.client.active_element().await.unwrap();
        element.send_keys(keys).await.unwrap();
    }

    /// Evaluates an expression.
    pub async fn evaluate(&self, expression: &str) -> Value {
        let script = format!("return {expression}");
        self.client.execute(&script, Vec::new()).await.unwrap()
    }

    /// Runs a script that passes its result to the last argument.
    pub async fn call(&self, script: &str) -> Value {
        self.client.execute_async(script, Vec::new()).await.unwrap()
    }

    /// Loads the page again.
    pub async fn reload(&self) {
        self.client.refresh().await.unwrap();
    }

    /// Returns the URL of the page.
    pub async fn url(&self) -> String {
        self.client.current_url().await.unwrap().into()
    }

    /// Returns a picture of the window as PNG.
    pub async fn screenshot(&self) -> Vec<u8> {
        self.client.screenshot().await.unwrap()
    }

    /// Ends the browser. Dropped without it, the browser ends with its driver.
    pub async fn close(self) {
        self.client.close().await.unwrap();
    }
}

/// Starts a driver on a free port.
async fn driver() -> (Child, u16) {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("chromedriver");
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            let port = port.trim_end_matches('.').parse().unwrap();
            // An unread pipe would block the driver.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (driver, port);
        }
    }
    panic!("chromedriver has not started");
}
