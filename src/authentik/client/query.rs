//! Requests of an incremental sync: filtered users with any page size, and the server's clock.

use jiff::Timestamp;
use url::form_urlencoded::byte_serialize;

use super::Client;
use crate::authentik::error::Error;
use crate::authentik::wire::{List, Page, RowResult, Stamped};
use crate::directory::UserType;

/// Selects users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All users that the token may view.
    All,
    /// Active users.
    Active,
    /// Users of a type.
    Type(UserType),
    /// Users whose last change has a later stamp. Servers before 2025.8 ignore this filter.
    UpdatedAfter(Timestamp),
}

impl Filter {
    /// The query parameter, with a leading ampersand.
    fn parameter(&self) -> String {
        match self {
            Self::All => String::new(),
            Self::Active => "&is_active=true".into(),
            Self::Type(user_type) => {
                let text = user_type.to_string();
                "&type="
                    .chars()
                    .chain(byte_serialize(text.as_bytes()).flat_map(str::chars))
                    .collect()
            }
            Self::UpdatedAfter(moment) => format!("&last_updated__gt={moment}"),
        }
    }
}

impl Client {
    /// Requests a page of `size` users in the order of pks. Returns `None` beyond the end.
    ///
    /// # Errors
    /// When the page cannot be read, after retries.
    pub async fn users(
        &self,
        filter: &Filter,
        size: usize,
        page: usize,
    ) -> Result<Option<Page<RowResult<Stamped>>>, Error> {
        let url = self.url(List::Users, page, size) + &filter.parameter();
        self.by_proxy(async {
            let Some(body) = self.body(List::Users, &url, page).await? else {
                return Ok(None);
            };
            self.read(&url, &body).map(Some)
        })
        .await
    }

    /// The server's clock in whole seconds, rounded down. Returns `None` if the answer has no date
    /// or is a server error: the lists may work even if this request, the cheapest one, fails.
    ///
    /// # Errors
    /// When the request fails otherwise, after retries.
    pub async fn time(&self) -> Result<Option<Timestamp>, Error> {
        let url = self.version_url();
        match self.by_proxy(self.get(&url)).await {
            Ok(answer) => Ok(answer.date()),
            Err(Error::Status { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_cannot_add_a_parameter() {
        let hostile = Filter::Type(UserType::Other("a&page=1 #%".into()));
        assert_eq!(hostile.parameter(), "&type=a%26page%3D1+%23%25");
        assert_eq!(
            Filter::Type(UserType::ServiceAccount).parameter(),
            "&type=service_account"
        );
    }
}
