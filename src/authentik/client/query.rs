//! Questions beyond the whole list: some users of it, any page of any size, and the server's clock.

use jiff::Timestamp;
use url::form_urlencoded::byte_serialize;

use super::Client;
use crate::authentik::error::Error;
use crate::authentik::wire::{List, Page, Read, Stamped};
use crate::directory::UserType;

/// Which users are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All that the token may see.
    All,
    /// Those who may sign in.
    Active,
    /// Those of a type.
    Type(UserType),
    /// Those whose last change has a later stamp; servers before 2025.8 show everybody.
    UpdatedAfter(Timestamp),
}

impl Filter {
    /// The query parameter, with the ampersand before it.
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
    /// A page of `size` users in the order of pks; none beyond the end.
    ///
    /// # Errors
    /// Whatever keeps the page from being read, after the retries that may help.
    pub async fn users(
        &self,
        filter: &Filter,
        size: usize,
        page: usize,
    ) -> Result<Option<Page<Read<Stamped>>>, Error> {
        let url = self.url(List::Users, page, size) + &filter.parameter();
        let Some(body) = self.body(List::Users, &url, page).await? else {
            return Ok(None);
        };
        self.read(&url, &body).map(Some)
    }

    /// The time by the server's clock, in whole seconds and never later than now; none if it does
    /// not tell. The cheapest question is asked, and what else it answers does not matter.
    ///
    /// # Errors
    /// Whatever keeps an answer from coming, after the retries that may help.
    pub async fn time(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.get(&self.version_url()).await?.date)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_can_add_no_parameter() {
        let hostile = Filter::Type(UserType::Other("a&page=1 #%".into()));
        assert_eq!(hostile.parameter(), "&type=a%26page%3D1+%23%25");
        assert_eq!(
            Filter::Type(UserType::ServiceAccount).parameter(),
            "&type=service_account"
        );
    }
}
