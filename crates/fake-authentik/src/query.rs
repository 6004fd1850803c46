//! The query string of a request, parsed as leniently or strictly as the real server does.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::model::UserKind;
use super::release::Release;

/// The decoded parameters of a request.
#[derive(Debug, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Decodes a query string.
    pub(super) fn parse(query: &str) -> Self {
        Self(
            url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// Returns the last value of a parameter, which takes precedence.
    pub(super) fn last(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn flag(&self, name: &str, default: bool) -> bool {
        self.last(name)
            .map_or(default, |value| value.eq_ignore_ascii_case("true"))
    }
}

/// The requested page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paging {
    /// The page's number, or `None` if the text is not a positive number.
    pub(super) page: Option<PageNumber>,
    /// Rows in each page.
    pub(super) size: usize,
}

/// The number of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageNumber {
    /// A number, counted from 1.
    Number(usize),
    /// The last page (`page=last`).
    Last,
}

impl Paging {
    /// Parses `page` and `page_size`; an invalid size means the default.
    pub(super) fn read(parameters: &Parameters, release: Release, cap: Option<usize>) -> Self {
        let requested = parameters
            .last("page_size")
            .and_then(|text| text.parse().ok())
            .filter(|size| *size > 0);
        let size = requested.unwrap_or_else(|| release.default_page_size());
        let page = match parameters.last("page").filter(|text| !text.is_empty()) {
            None => Some(PageNumber::Number(1)),
            Some("last") => Some(PageNumber::Last),
            Some(text) => text
                .parse()
                .ok()
                .filter(|page| *page > 0)
                .map(PageNumber::Number),
        };
        Self {
            page,
            size: cap.map_or(size, |cap| size.min(cap)),
        }
    }
}

/// The sort key of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum OrderKey {
    Pk,
    Username,
    Name,
    DateJoined,
    LastUpdated,
}

/// A sort key and a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Order {
    pub(super) key: OrderKey,
    pub(super) descending: bool,
}

impl Order {
    /// Parses `ordering` for users; ignores unknown values silently.
    pub(super) fn of_users(parameters: &Parameters, release: Release) -> Self {
        Self::read(parameters, OrderKey::Username, |name| match name {
            "pk" => Some(OrderKey::Pk),
            "username" => Some(OrderKey::Username),
            "name" => Some(OrderKey::Name),
            "date_joined" if release.has_flags() => Some(OrderKey::DateJoined),
            "last_updated" if release.has_flags() => Some(OrderKey::LastUpdated),
            _ => None,
        })
    }

    /// Parses `ordering` for groups; ignores unknown values silently.
    pub(super) fn of_groups(parameters: &Parameters) -> Self {
        Self::read(parameters, OrderKey::Name, |name| match name {
            "pk" => Some(OrderKey::Pk),
            "name" => Some(OrderKey::Name),
            _ => None,
        })
    }

    fn read(
        parameters: &Parameters,
        default: OrderKey,
        key: impl Fn(&str) -> Option<OrderKey>,
    ) -> Self {
        let text = parameters.last("ordering").unwrap_or_default();
        let (name, descending) = text
            .strip_prefix('-')
            .map_or((text, false), |name| (name, true));
        match key(name) {
            Some(key) => Self { key, descending },
            None => Self {
                key: default,
                descending: false,
            },
        }
    }
}

/// The filters of a list of users.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct UserQuery {
    pub(super) is_active: Option<bool>,
    pub(super) kinds: Vec<UserKind>,
    pub(super) joined_after: Option<Timestamp>,
    pub(super) joined_before: Option<Timestamp>,
    pub(super) updated_after: Option<Timestamp>,
}

/// A filter value that the server rejects: the parameter and the message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadFilter {
    pub(super) parameter: &'static str,
    pub(super) sentence: String,
}

impl UserQuery {
    /// Parses the filters that the release supports and ignores all others.
    pub(super) fn read(parameters: &Parameters, release: Release) -> Result<Self, BadFilter> {
        let is_active = match parameters
            .last("is_active")
            .map(str::to_ascii_lowercase)
            .as_deref()
        {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        };
        let kinds = parameters.all("type").map(kind).collect::<Result<_, _>>()?;
        let dates = if release.has_flags() {
            parameters
        } else {
            &Parameters::default()
        };
        Ok(Self {
            is_active,
            kinds,
            joined_before: date(dates, "date_joined__lt")?,
            joined_after: date(dates, "date_joined__gt")?,
            updated_after: date(dates, "last_updated__gt")?,
        })
    }
}

fn kind(text: &str) -> Result<UserKind, BadFilter> {
    UserKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == text)
        .ok_or_else(|| BadFilter {
            parameter: "type",
            sentence: format!("Select a valid choice. {text} is not one of the available choices."),
        })
}

fn date(parameters: &Parameters, parameter: &'static str) -> Result<Option<Timestamp>, BadFilter> {
    let Some(text) = parameters.last(parameter).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let local = |text: &str| text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    let moment = text
        .parse()
        .ok()
        .or_else(|| local(text).map(|zoned| zoned.timestamp()));
    moment.map(Some).ok_or_else(|| BadFilter {
        parameter,
        sentence: "Enter a valid date/time.".into(),
    })
}

/// The related objects that are rendered in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the API")]
pub(super) struct Includes {
    pub(super) users: bool,
    pub(super) groups: bool,
    pub(super) roles: bool,
    pub(super) inherited_roles: bool,
    pub(super) children: bool,
    pub(super) parents: bool,
}

impl Includes {
    /// Parses the `include_*` flags; releases without the flags always render the objects.
    pub(super) fn read(parameters: &Parameters, release: Release) -> Self {
        let parameters = if release.has_flags() {
            parameters
        } else {
            &Parameters::default()
        };
        Self {
            users: parameters.flag("include_users", true),
            groups: parameters.flag("include_groups", true),
            roles: parameters.flag("include_roles", true),
            inherited_roles: parameters.flag("include_inherited_roles", false),
            children: parameters.flag("include_children", false),
            parents: parameters.flag("include_parents", false),
        }
    }
}
