//! The reference page of the configuration: prose from `reference.md`, tables from the keys.

use super::keys::{BLOCKS, Fallback, KEYS, Key, Kind};

/// The page without its tables, where `<!-- block -->` marks the place of each.
const PROSE: &str = include_str!("reference.md");

/// The page as Markdown.
#[must_use]
pub fn reference_page() -> String {
    BLOCKS.iter().fold(PROSE.to_owned(), |page, block| {
        page.replace(&format!("<!-- {block} -->\n"), &table(block))
    })
}

/// Every variable that gives a key, and what the key means.
pub fn variables() -> impl Iterator<Item = (String, &'static str)> {
    KEYS.iter().map(|key| {
        let file = key.file_variable().map(|file| format!(", {file}"));
        let names = format!("{}{}", key.variable, file.unwrap_or_default());
        (names, key.meaning)
    })
}

fn table(block: &str) -> String {
    let rows = KEYS
        .iter()
        .filter_map(|key| Some(row(key.below(block)?, key)));
    [
        "| Key | Meaning | Takes | Default | Variable |\n",
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
        takes(&key.kind),
        default(&key.fallback),
        key.variable
    )
}

fn default(fallback: &Fallback) -> String {
    match fallback {
        Fallback::Required => "**required**".to_owned(),
        Fallback::Absent => "none".to_owned(),
        Fallback::Value(value) => format!("`{value}`"),
    }
}

fn takes(kind: &Kind) -> String {
    match kind {
        Kind::Url => "URL".to_owned(),
        Kind::Secret => "secret text".to_owned(),
        Kind::Secrets => "[secret texts](#secrets)".to_owned(),
        Kind::Texts => "list of texts".to_owned(),
        Kind::Prefix(most) => format!("up to {most} letters, digits, `-`, `_`, `.`"),
        Kind::Switch => "`true` or `false`".to_owned(),
        Kind::Integer(least, most) => format!("{least} to {most}"),
        Kind::Choice(words) => words
            .iter()
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(" or "),
        Kind::File => "path of a file".to_owned(),
        Kind::Address => "address".to_owned(),
        Kind::Folder => "absolute path or `false`".to_owned(),
        Kind::Duration => "[duration](#durations)".to_owned(),
        Kind::Frequency => "[frequency](#durations)".to_owned(),
    }
}
