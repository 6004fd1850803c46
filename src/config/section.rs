//! Blocks and sections of the configuration: structs whose fields are each declared together with their key.
//!
//! The macro `section!` derives everything else from the declarations: the description of each key, how it
//! is read, and which keys differ between two configurations.

use std::marker::PhantomData;

use super::keys::{Key, Unset};
use super::reader::Reader;
use super::tree::Node;

/// A block or a section of it.
pub(super) trait Section: Sized {
    /// Its keys, in the order of the reference page.
    fn describe(path: &str) -> Vec<Key>;

    /// Reads all keys and reports every error; none if a key without a default has no value.
    fn read(path: &str, reader: &mut Reader<'_>) -> Option<Self>;

    /// The paths of the keys that differ.
    fn changed(&self, other: &Self, path: &str) -> Vec<String>;
}

/// What a field of a section is read from.
pub(super) trait Field<T> {
    /// The keys of the field.
    fn describe(&self, path: &str, meaning: &str) -> Vec<Key>;

    /// Reads the field and reports every error.
    fn read(&self, path: &str, reader: &mut Reader<'_>) -> Option<T>;

    /// The paths of the keys that differ.
    fn changed(&self, old: &T, new: &T, path: &str) -> Vec<String>;
}

/// Declares a section: a struct of which each field has `type = setting`. The doc comment of a field is
/// the meaning of its key, and its name in camel case is the name of the key.
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

/// The path of a field's key.
pub(super) fn child(path: &str, field: &str) -> String {
    let mut words = field.trim_start_matches("r#").split('_');
    let first = words.next().unwrap_or_default();
    let rest = words.map(|word| {
        let (initial, rest) = word.split_at(1);
        initial.to_ascii_uppercase() + rest
    });
    format!("{path}.{first}{}", rest.collect::<String>())
}

/// What counts without any value.
///
/// # Panics
/// When a key of the section has no default, or one that it does not take.
pub(super) fn defaults<S: Section>() -> S {
    let nothing = Node::nothing();
    let mut reader = Reader::of(&nothing, None);
    let section = S::read("", &mut reader);
    section
        .filter(|_| reader.errors.is_empty())
        .expect("every key has a default")
}

/// A section below another one.
pub(super) struct Nested<S>(PhantomData<S>);

/// A section below another one.
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

/// A value that has no key.
pub(super) struct FromEnvironment;

/// A value that has no key: whatever reads the section sets it from the environment afterwards.
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

/// A section of which all keys are set or none.
pub(super) struct Together<S> {
    remedy: &'static str,
    section: PhantomData<S>,
}

/// A section of which all keys are set or none; `remedy` says what to do otherwise.
pub(super) fn together<S: Section>(remedy: &'static str) -> Together<S> {
    Together {
        remedy,
        section: PhantomData,
    }
}

impl<S: Section> Field<Option<S>> for Together<S> {
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
            // Its place may still hold something else than a section.
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
                format!("expected {} together; {}", all(&keys), self.remedy),
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

/// The names of keys in a sentence.
fn all(keys: &[Key]) -> String {
    let names: Vec<_> = keys
        .iter()
        .map(|key| format!("`{}`", key.path.rsplit('.').next().unwrap_or_default()))
        .collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}
