//! Decides which avatars a profile may show. Backstage does not validate `spec.profile.picture`.

use std::borrow::Cow;

use crate::base_url::BaseUrl;

/// The picture made from an avatar.
#[derive(Debug, PartialEq, Eq)]
pub enum Picture<'a> {
    /// The avatar is empty.
    Absent,
    /// The URL to serve.
    Shown(Cow<'a, str>),
    /// The avatar is left out: a browser might execute it.
    Refused,
}

/// Accepts `http`, `https` and `data:image/` URLs; resolves an absolute path against the base URL.
#[must_use]
pub fn picture<'a>(avatar: Cow<'a, str>, base_url: &BaseUrl) -> Picture<'a> {
    match &*avatar {
        "" => Picture::Absent,
        path if path.starts_with('/') => match base_url.join(path) {
            Some(url) => Picture::Shown(Cow::Owned(url.into())),
            None => Picture::Refused,
        },
        url if has_safe_scheme(url) => Picture::Shown(avatar),
        _ => Picture::Refused,
    }
}

/// Whether a URL begins with an accepted scheme, in upper or lower case.
fn has_safe_scheme(url: &str) -> bool {
    ["http://", "https://", "data:image/"].iter().any(|scheme| {
        url.as_bytes()
            .get(..scheme.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(scheme.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_https_and_data_images_are_accepted() {
        let base = BaseUrl::parse("https://authentik.example.com").unwrap();
        let shown = |text: &'static str| Picture::Shown(Cow::Borrowed(text));
        for (avatar, expected) in [
            ("", Picture::Absent),
            (
                "https://cdn.example.com/alice.png",
                shown("https://cdn.example.com/alice.png"),
            ),
            (
                "HTTP://cdn.example.com/a",
                shown("HTTP://cdn.example.com/a"),
            ),
            (
                "data:image/svg+xml;base64,PHN2Zz4=",
                shown("data:image/svg+xml;base64,PHN2Zz4="),
            ),
            (
                "/media/a.png",
                shown("https://authentik.example.com/media/a.png"),
            ),
            ("javascript:alert(1)", Picture::Refused),
            (" javascript:alert(1)", Picture::Refused),
            ("data:text/html,<script>", Picture::Refused),
            ("media/a.png", Picture::Refused),
            ("none", Picture::Refused),
        ] {
            assert_eq!(picture(avatar.into(), &base), expected, "{avatar}");
        }
    }
}
