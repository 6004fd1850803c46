//! The base URL of an Authentik server, normalised.

use url::Url;

/// An Authentik server's base URL: `http` or `https`, no trailing slash, no query, no fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    url: Url,
    text: String,
}

/// Why a text is not a base URL of an Authentik server.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BaseUrlError {
    /// The text is not an absolute URL. The message omits it, since it may be a token.
    #[error("this is not an absolute URL; expected something like `https://authentik.example.com`")]
    Invalid,
    /// The scheme is neither `http` nor `https`.
    #[error("scheme `{0}` cannot be used; expected `http` or `https`")]
    Scheme(String),
    /// The URL has a user name or password.
    #[error("a user name or password in the URL is not used; remove it and set `token`")]
    Credentials,
    /// The URL has a query or fragment.
    #[error("a base URL has no query or fragment; use `{0}`")]
    Decorated(String),
    /// The URL points to a page or the API of Authentik instead of its root.
    #[error("this is a page of Authentik, not its base URL; use `{0}`")]
    Inside(String),
}

impl BaseUrl {
    /// Parses and normalises a base URL; trailing slashes are stripped.
    ///
    /// # Errors
    /// When the URL is not the root of a server; the message has the right value where it is known.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let text = text.trim();
        let url = Url::parse(text).map_err(|_| BaseUrlError::Invalid)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BaseUrlError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::Credentials);
        }
        let root = root_of(&url);
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BaseUrlError::Decorated(root));
        }
        if root != stripped(&url) {
            return Err(BaseUrlError::Inside(root));
        }
        Ok(Self { text: root, url })
    }

    /// The URL without a trailing slash, as annotations use it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same as a parsed URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The URL of an API path such as `core/users/`.
    #[must_use]
    pub fn api(&self, path: &str) -> String {
        format!("{}/api/v3/{path}", self.text)
    }

    /// Resolves a reference against this URL (RFC 3986, section 5).
    #[must_use]
    pub fn join(&self, reference: &str) -> Option<Url> {
        self.url.join(reference).ok()
    }
}

impl std::fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// The URL up to its path, without trailing slashes.
fn stripped(url: &Url) -> String {
    let mut bare = url.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    bare.as_str().trim_end_matches('/').to_owned()
}

/// The URL cut before Authentik's own paths (`/if/…`, `/api/…`), without trailing slashes.
fn root_of(url: &Url) -> String {
    let segments: Vec<_> = url
        .path()
        .split('/')
        .take_while(|segment| !matches!(*segment, "if" | "api"))
        .collect();
    let mut root = url.clone();
    root.set_path(&segments.join("/"));
    stripped(&root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_slashes_are_stripped_and_a_sub_path_stays() {
        for (given, expected) in [
            (
                "https://authentik.example.com",
                "https://authentik.example.com",
            ),
            (
                "https://authentik.example.com/",
                "https://authentik.example.com",
            ),
            (
                "https://authentik.example.com//",
                "https://authentik.example.com",
            ),
            ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
            ("https://example.com/auth/", "https://example.com/auth"),
            ("https://Example.com", "https://example.com"),
        ] {
            assert_eq!(BaseUrl::parse(given).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn a_page_of_authentik_is_refused_with_the_right_value() {
        for given in [
            "https://authentik.example.com/if/admin/",
            "https://authentik.example.com/if/admin/#/core/users",
            "https://authentik.example.com/api/v3/",
            "https://authentik.example.com/api/v3",
            "https://authentik.example.com/?next=/",
        ] {
            let error = BaseUrl::parse(given).unwrap_err().to_string();
            assert!(
                error.ends_with("use `https://authentik.example.com`"),
                "{given}: {error}"
            );
        }
        let error = BaseUrl::parse("https://example.com/auth/if/admin/").unwrap_err();
        assert_eq!(
            error,
            BaseUrlError::Inside("https://example.com/auth".into())
        );
    }

    #[test]
    fn a_password_is_refused_and_never_repeated() {
        for given in [
            "https://me:hunter2@example.com",
            "me:hunter2@example.com",
            "https//me:hunter2@x",
        ] {
            let error = BaseUrl::parse(given).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn an_api_path_follows_the_sub_path() {
        let base = BaseUrl::parse("https://example.com/auth/").unwrap();
        assert_eq!(
            base.api("core/users/"),
            "https://example.com/auth/api/v3/core/users/"
        );
    }
}
