//! Numbers of things in messages.

/// A number of things, in the singular if it is one: `1 user`, `2 users`.
#[must_use]
pub fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_in_the_singular() {
        let texts = [0, 1, 2].map(|number| counted(number, "user"));
        assert_eq!(texts, ["0 users", "1 user", "2 users"]);
    }
}
