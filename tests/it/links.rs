//! Relative links in the documentation lead to files and headings that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders whose pages are checked.
const FOLDERS: [&str; 3] = ["", "docs", ".github"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the pages directly in a folder.
fn pages_in(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|end| end == "md"))
        .collect()
}

fn read(page: &Path) -> String {
    fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()))
}

/// Returns the lines of a page that are not in a code block.
fn prose(text: &str) -> Vec<&str> {
    let mut is_code = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            lines.push(line);
        }
    }
    lines
}

/// Returns the targets of the links of a page, except those to other sites.
fn links(text: &str) -> Vec<String> {
    let lines = prose(text);
    let after = lines.iter().flat_map(|line| line.split("](").skip(1));
    after
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .filter(|target| !target.contains("://"))
        .collect()
}

/// Returns the anchors of the headings of a page, as forges and mdBook derive them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).into_iter().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let signs = title.chars().filter_map(|c| match c {
                ' ' => Some('-'),
                c => (c.is_alphanumeric() || matches!(c, '-' | '_')).then_some(c),
            });
            signs.collect()
        })
        .collect()
}

/// Returns why a link of a page is broken, if it is.
fn broken(page: &Path, link: &str) -> Option<String> {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() {
        page.to_owned()
    } else {
        page.parent().unwrap().join(file)
    };
    if !target.exists() {
        return Some(format!("{} links to {link}: no such file", page.display()));
    }
    let is_there = anchor.is_empty() || anchors(&read(&target)).contains(anchor);
    (!is_there).then(|| format!("{} links to {link}: no such heading", page.display()))
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut count = 0;
    let mut all_broken = Vec::new();
    for page in FOLDERS.into_iter().flat_map(pages_in) {
        for link in links(&read(&page)) {
            count += 1;
            all_broken.extend(broken(&page, &link));
        }
    }
    assert!(all_broken.is_empty(), "{}", all_broken.join("\n"));
    assert!(count > 100, "only {count} links were found");
}

#[test]
fn the_site_has_every_page_once_and_its_links_stay_inside() {
    let docs = root().join("docs");
    let mut listed = links(&read(&docs.join("SUMMARY.md")));
    listed.sort();
    let pages = pages_in("docs");
    let mut names: Vec<_> = pages
        .iter()
        .map(|page| page.file_name().unwrap().to_str().unwrap())
        .filter(|name| *name != "SUMMARY.md")
        .collect();
    names.sort_unstable();
    assert_eq!(listed, names);
    for page in &pages {
        for link in links(&read(page)) {
            assert!(
                !link.starts_with(".."),
                "{} links to {link}",
                page.display()
            );
        }
    }
}
