//! The reference page of the configuration: prose from `reference.md`, tables from the keys.

use super::keys::{BLOCKS, Effect, KEYS, Key, SERVICE, Unset, ValueKind, alternatives, listed};

/// The page without the tables of keys: `<!-- block -->` marks the place of the table of a block, and
/// `<!-- restart -->` that of the keys that need a restart.
const PROSE: &str = include_str!("reference.md");

/// Returns the page as Markdown.
#[must_use]
pub fn reference_page() -> String {
    let page = PROSE.replace("<!-- restart -->", &format!("{}.", restart()));
    BLOCKS.iter().fold(page, |page, block| {
        page.replace(&format!("<!-- {block} -->\n"), &table(block))
    })
}

/// Returns the keys of our block that take effect after a restart.
fn restart() -> String {
    let keys = KEYS.iter().filter(|key| key.effect == Effect::AfterRestart);
    let names: Vec<_> = keys.filter_map(|key| key.below(SERVICE)).collect();
    listed(&names)
}

/// Returns every variable of a key, with the meaning of the key.
pub fn variables() -> impl Iterator<Item = (String, &'static str)> {
    KEYS.iter().map(|key| {
        let file = key.file_variable().map(|file| format!(", {file}"));
        let names = format!("{}{}", key.variable, file.unwrap_or_default());
        (names, key.meaning.as_str())
    })
}

fn table(block: &str) -> String {
    let rows = KEYS
        .iter()
        .filter_map(|key| Some(row(key.below(block)?, key)));
    [
        "| Key | Meaning | Value | Default | Variable |\n",
        "|---|---|---|---|---|\n",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain(rows)
    .collect()
}

fn row(name: &str, key: &Key) -> String {
    let file = key
        .file_variable()
        .map(|file| format!(", or `{file}`"))
        .unwrap_or_default();
    format!(
        "| `{name}` | {} | {} | {} | `{}`{file} |\n",
        key.meaning,
        value(&key.kind),
        default(key.unset),
        key.variable
    )
}

fn default(unset: Unset) -> String {
    match unset {
        Unset::Required => "**required**".to_owned(),
        Unset::Absent => "none".to_owned(),
        Unset::Default(value) => format!("`{value}`"),
    }
}

fn value(kind: &ValueKind) -> String {
    match kind {
        ValueKind::Url => "URL".to_owned(),
        ValueKind::Secret => "secret text".to_owned(),
        ValueKind::Secrets => "[secret texts](#secrets)".to_owned(),
        ValueKind::Text => "text".to_owned(),
        ValueKind::Texts => "list of texts".to_owned(),
        ValueKind::Fields => "[field](shaping.md#fields), or a list".to_owned(),
        ValueKind::FieldMap => "mapping to [fields](shaping.md#fields)".to_owned(),
        ValueKind::TextMap => "mapping to texts".to_owned(),
        ValueKind::ValueMap => "mapping to lists of texts".to_owned(),
        ValueKind::Prefix(most) => format!("up to {most} letters, digits, `-`, `_`, `.`"),
        ValueKind::Switch => "`true` or `false`".to_owned(),
        ValueKind::Integer(least, most) => format!("{least} to {most}"),
        ValueKind::Choice(words) => alternatives(words),
        ValueKind::File => "path of a file".to_owned(),
        ValueKind::Address => "address".to_owned(),
        ValueKind::Folder => "absolute path or `false`".to_owned(),
        ValueKind::Duration => "[duration](#durations)".to_owned(),
        ValueKind::Frequency => "[frequency](#durations)".to_owned(),
    }
}
