//! The reference page of the configuration: prose from `reference.md`, tables from the keys.

use super::keys::{BLOCKS, Effect, KEYS, Key, Kind, SERVICE, Unset, listed};

/// The page without what the keys say: `<!-- block -->` marks the place of the table of a block, and
/// `<!-- restart -->` that of the keys that need a restart.
const PROSE: &str = include_str!("reference.md");

/// The page as Markdown.
#[must_use]
pub fn reference_page() -> String {
    let page = PROSE.replace("<!-- restart -->", &format!("{}.", restart()));
    BLOCKS.iter().fold(page, |page, block| {
        page.replace(&format!("<!-- {block} -->\n"), &table(block))
    })
}

/// The keys of our block that take effect after a restart.
fn restart() -> String {
    let keys = KEYS.iter().filter(|key| key.effect == Effect::AfterRestart);
    let names: Vec<_> = keys.filter_map(|key| key.below(SERVICE)).collect();
    listed(&names)
}

/// Every variable that gives a key, and what the key means.
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

fn takes(kind: &Kind) -> String {
    match kind {
        Kind::Url => "URL".to_owned(),
        Kind::Secret => "secret text".to_owned(),
        Kind::Secrets => "[secret texts](#secrets)".to_owned(),
        Kind::Text => "text".to_owned(),
        Kind::Texts => "list of texts".to_owned(),
        Kind::Fields => "[field](shaping.md#fields), or a list".to_owned(),
        Kind::FieldMap => "mapping to [fields](shaping.md#fields)".to_owned(),
        Kind::TextMap => "mapping to texts".to_owned(),
        Kind::ValueMap => "mapping to lists of texts".to_owned(),
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
