//! A browser at the sign-in of a Backstage.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::backstage::Backstage;

/// A browser with its cookies.
pub struct Browser {
    base: Url,
    client: Client,
    cookies: BTreeMap<String, String>,
}

/// Who is signed in.
#[derive(Debug, PartialEq, Eq)]
pub struct Identity {
    /// The ref of the user.
    pub user: String,
    /// The refs that own what the user owns.
    pub ownership: BTreeSet<String>,
    /// Backstage's token.
    pub token: String,
}

impl Browser {
    /// Opens a browser without cookies.
    pub fn at(backstage: &Backstage) -> Self {
        Self {
            base: backstage.base.clone(),
            client: Client::builder()
                .no_proxy()
                .redirect(Policy::none())
                .pool_max_idle_per_host(0)
                .build()
                .unwrap(),
            cookies: BTreeMap::new(),
        }
    }

    /// Signs in as the pop-up of the sign-in page does; returns the identity, or the error that the
    /// page shows.
    pub async fn sign_in(&mut self) -> Result<Identity, String> {
        let mut url = self.url("start?env=production");
        loop {
            let answer = self.get(url.clone(), &[]).await;
            if let Some(location) = answer.headers().get(LOCATION) {
                url = url.join(location.to_str().unwrap()).unwrap();
                continue;
            }
            let page = answer.text().await.unwrap();
            let message = posted(&page).unwrap_or_else(|| panic!("{url}: {page}"));
            return match message["error"]["message"].as_str() {
                Some(error) => Err(error.to_owned()),
                None => Ok(Identity::of(&message["response"])),
            };
        }
    }

    /// Renews the session as the page does when it is opened, or when the token expires.
    pub async fn refresh(&mut self) -> Result<Identity, String> {
        let url = self.url("refresh?env=production");
        let answer = self
            .get(url, &[("x-requested-with", "XMLHttpRequest")])
            .await;
        let is_success = answer.status().is_success();
        let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        if is_success {
            Ok(Identity::of(&answer))
        } else {
            Err(answer["error"]["message"].as_str().unwrap().to_owned())
        }
    }

    /// Returns the claims that Backstage's user info has for an identity.
    pub async fn user_info(&self, identity: &Identity) -> Value {
        let url = self.base.join("/api/auth/v1/userinfo").unwrap();
        let answer = self.client.get(url).bearer_auth(&identity.token);
        serde_json::from_str(&answer.send().await.unwrap().text().await.unwrap()).unwrap()
    }

    fn url(&self, path: &str) -> Url {
        self.base
            .join("/api/auth/oidc/")
            .unwrap()
            .join(path)
            .unwrap()
    }

    async fn get(&mut self, url: Url, headers: &[(&str, &str)]) -> Response {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = self.client.get(url).header(COOKIE, cookies.join("; "));
        let request = headers
            .iter()
            .fold(request, |request: RequestBuilder, (name, value)| {
                request.header(*name, *value)
            });
        let answer = request.send().await.unwrap();
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            // Backstage removes a cookie by an empty value.
            self.cookies.insert(name.to_owned(), value.to_owned());
            self.cookies.retain(|_, value| !value.is_empty());
        }
        answer
    }
}

impl Identity {
    fn of(response: &Value) -> Self {
        let signed_in = &response["backstageIdentity"];
        let identity = &signed_in["identity"];
        let owners = identity["ownershipEntityRefs"].as_array();
        Self {
            user: identity["userEntityRef"].as_str().unwrap().to_owned(),
            ownership: owners
                .unwrap()
                .iter()
                .map(|owner| owner.as_str().unwrap().to_owned())
                .collect(),
            token: signed_in["token"].as_str().unwrap().to_owned(),
        }
    }
}

/// Returns the message that the last page of the pop-up posts to the sign-in page.
fn posted(page: &str) -> Option<Value> {
    let (_, rest) = page.split_once("authResponse = decodeURIComponent('")?;
    let (encoded, _) = rest.split_once('\'')?;
    let pair = format!("v={encoded}");
    let (_, text) = form_urlencoded::parse(pair.as_bytes()).next()?;
    serde_json::from_str(&text).ok()
}
