//! Blocks and sections of the configuration: structs whose fields are declared together with their keys.
//!
//! The macro `section!` generates the description of each key, the code that reads it, and the comparison of
//! two configurations.

use std::marker::PhantomData;

use super::keys::{Key, Unset};
use super::reader::Reader;
use super::tree::Node;

/// A block or a section of it.
pub(super) trait Section: Sized {
    /// Returns its keys, in the order of the reference page.
    fn describe(path: &str) -> Vec<Key>;

    /// Reads all keys and reports every error; returns `None` if a required key has no value.
    fn read(path: &str, reader: &mut Reader<'_>) -> Option<Self>;

    /// Returns the paths of the keys that differ.
    fn changed(&self, other: &Self, path: &str) -> Vec<String>;
}

/// The source of a field of a section.
pub(super) trait Field<T> {
    /// Returns the keys of the field.
    fn describe(&self, path: &str, meaning: &str) -> Vec<Key>;

    /// Reads the field and reports every error.
    fn read(&self, path: &str, reader: &mut Reader<'_>) -> Option<T>;

    /// Returns the paths of the keys that differ.
    fn changed(&self, old: &T, new: &T, path: &str) -> Vec<String>;
}

/// Declares a section: a struct in which each field has the form `name: type = setting`. The doc comment of a
/// field is the meaning of its key, and its name in camel case is the name of the key.
macro_rules! section {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[doc = $meaning:literal])+ $field:ident: $type:ty = $setting:expr, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $( $(#[doc = $meaning])+ pub $field: $type, )+
        }

        impl $crate::config::section::Section for $name {
            fn describe(path: &str) -> Vec<$crate::config::keys::Key> {
                use $crate::config::section::{Field, child};
                [$({
                    let path = child(path, stringify!($field));
                    Field::<$type>::describe(&$setting, &path, concat!($($meaning),+))
                }),+]
                .into_iter()
                .flatten()
                .collect()
            }

            fn read(path: &str, reader: &mut $crate::config::reader::Reader<'_>) -> Option<Self> {
                use $crate::config::section::{Field, child};
                $( let $field =
                    Field::<$type>::read(&$setting, &child(path, stringify!($field)), reader); )+
                Some(Self { $( $field: $field? ),+ })
            }

            fn changed(&self, other: &Self, path: &str) -> Vec<String> {
                use $crate::config::section::{Field, child};
                [$({
                    let path = child(path, stringify!($field));
                    Field::<$type>::changed(&$setting, &self.$field, &other.$field, &path)
                }),+]
                .into_iter()
                .flatten()
                .collect()
            }
        }
    };
}
pub(super) use section;

/// Returns the path of a field's key.
pub(super) fn child(path: &str, field: &str) -> String {
    let mut words = field.trim_start_matches("r#").split('_');
    let first = words.next().unwrap_or_default();
    let others = words.map(|word| {
        let (initial, letters) = word.split_at(1);
        initial.to_ascii_uppercase() + letters
    });
    format!("{path}.{first}{}", others.collect::<String>())
}

/// Returns a section with all defaults.
///
/// # Panics
/// If a key of the section has no default, or an invalid one.
pub(super) fn defaults<S: Section>() -> S {
    let tree = Node::absent();
    let mut reader = Reader::of(&tree, None);
    let section = S::read("", &mut reader);
    section
        .filter(|_| reader.errors.is_empty())
        .expect("every key has a default")
}

/// A section inside another one.
pub(super) struct Nested<S>(PhantomData<S>);

/// Returns the setting of a section inside another one.
pub(super) fn nested<S: Section>() -> Nested<S> {
    Nested(PhantomData)
}

impl<S: Section> Field<S> for Nested<S> {
    fn describe(&self, path: &str, _: &str) -> Vec<Key> {
        S::describe(path)
    }

    fn read(&self, path: &str, reader: &mut Reader<'_>) -> Option<S> {
        S::read(path, reader)
    }

    fn changed(&self, old: &S, new: &S, path: &str) -> Vec<String> {
        old.changed(new, path)
    }
}

/// A value without a key.
pub(super) struct FromEnvironment;

/// Returns the setting of a value without a key. The caller sets it from the environment after reading.
pub(super) fn from_environment() -> FromEnvironment {
    FromEnvironment
}

impl<T: Default> Field<T> for FromEnvironment {
    fn describe(&self, _: &str, _: &str) -> Vec<Key> {
        Vec::new()
    }

    fn read(&self, _: &str, _: &mut Reader<'_>) -> Option<T> {
        Some(T::default())
    }

    fn changed(&self, _: &T, _: &T, _: &str) -> Vec<String> {
        Vec::new()
    }
}

/// An optional section: either all of its keys are set, or none.
pub(super) struct AllOrNone<S> {
    remedy: &'static str,
    section: PhantomData<S>,
}

/// Returns the setting of an optional section. `remedy` is for the error if only some keys are set.
pub(super) fn all_or_none<S: Section>(remedy: &'static str) -> AllOrNone<S> {
    AllOrNone {
        remedy,
        section: PhantomData,
    }
}

impl<S: Section> Field<Option<S>> for AllOrNone<S> {
    fn describe(&self, path: &str, _: &str) -> Vec<Key> {
        let mut keys = S::describe(path);
        for key in &mut keys {
            key.unset = Unset::Absent;
        }
        keys
    }

    fn read(&self, path: &str, reader: &mut Reader<'_>) -> Option<Option<S>> {
        let keys = S::describe(path);
        let set = keys.iter().filter(|key| reader.is_set(&key.path)).count();
        if set == 0 {
            // The value may still be of another type than a section.
            reader.section(path);
            return Some(None);
        }
        let errors = reader.errors.len();
        let section = S::read(path, reader);
        if set < keys.len() {
            reader.forget_missing(errors, |_| true);
            reader.invalid(
                path,
                "",
                format!("expected {} together; {}", enumerate(&keys), self.remedy),
            );
        }
        Some(section)
    }

    fn changed(&self, old: &Option<S>, new: &Option<S>, path: &str) -> Vec<String> {
        match (old, new) {
            (None, None) => Vec::new(),
            (Some(old), Some(new)) => old.changed(new, path),
            _ => vec![path.to_owned()],
        }
    }
}

/// Returns the names of keys for a message.
fn enumerate(keys: &[Key]) -> String {
    let names: Vec<_> = keys
        .iter()
        .map(|key| format!("`{}`", key.path.rsplit('.').next().unwrap_or_default()))
        .collect();
    match names.split_last() {
        Some((last, first)) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => names.concat(),
    }
}
