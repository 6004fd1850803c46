//! `docs/ARCHITECTURE.md` is true: no module imports another that its table does not name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../docs/ARCHITECTURE.md");

/// The words in backticks, without those in parentheses.
fn names(text: &str) -> BTreeSet<String> {
    let outside: String = text
        .split('(')
        .enumerate()
        .map(|(at, part)| match part.split_once(')') {
            Some((_, rest)) if at > 0 => rest,
            _ => part,
        })
        .collect();
    let words = outside.split('`').skip(1).step_by(2);
    words.map(str::to_owned).collect()
}

/// The modules that use nothing, and may be used by all.
fn leaves() -> BTreeSet<String> {
    let line = PAGE.split("\nThe leaves ").nth(1).expect("the leaves");
    names(line.split(" use nothing").next().unwrap())
}

/// What each module may use; none stands for everything.
fn table() -> BTreeMap<String, Option<BTreeSet<String>>> {
    let section = PAGE.split("\n## Modules\n").nth(1).expect("the table");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.map(|row| row.split(" | ").collect::<Vec<_>>());
    rows.map(|cells| {
        let module = names(cells[0]).pop_first().unwrap();
        let uses = cells[2];
        let everything = uses.starts_with("everything");
        (module, (!everything).then(|| names(uses)))
    })
    .collect()
}

/// The files of a module without its tests.
fn files(at: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_owned();
        if path.is_dir() && name != "tests" {
            files(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && name != "tests" {
            found.push(path);
        }
    }
}

/// The modules of this crate that each module imports, outside of its unit tests.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&root, &mut found);
    let mut imports = BTreeMap::<String, BTreeSet<String>>::new();
    for file in found {
        let within = file.strip_prefix(&root).unwrap();
        let first = within.iter().next().unwrap().to_str().unwrap();
        let module = first.trim_end_matches(".rs").to_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let lines = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let code: String = lines.collect::<Vec<_>>().join("\n");
        let used = code.split("crate::").skip(1).map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_');
            rest[..end.unwrap_or(rest.len())].to_owned()
        });
        imports
            .entry(module.clone())
            .or_default()
            .extend(used.filter(|name| !name.is_empty() && *name != module));
    }
    imports
}

#[test]
fn every_module_is_in_the_table_and_uses_only_what_it_names() {
    let (table, leaves) = (table(), leaves());
    for (module, used) in imports() {
        if ["main", "lib"].contains(&module.as_str()) {
            continue;
        }
        if leaves.contains(&module) {
            assert!(used.is_empty(), "`{module}` is a leaf and uses {used:?}");
            continue;
        }
        let row = table
            .get(&module)
            .unwrap_or_else(|| panic!("no row for `{module}`"));
        let Some(allowed) = row else { continue };
        let is_allowed = |name: &&String| allowed.contains(*name) || leaves.contains(*name);
        let missing: Vec<_> = used.iter().filter(|name| !is_allowed(name)).collect();
        assert!(
            missing.is_empty(),
            "`{module}` uses {missing:?}, which its row does not name"
        );
    }
}

#[test]
fn the_directions_that_may_not_exist_do_not() {
    let imports = imports();
    for (from, to) in [
        ("http", "sync"),
        ("sync", "http"),
        ("snapshot", "http"),
        ("snapshot", "sync"),
        ("catalog", "snapshot"),
        ("cluster", "sync"),
        ("cluster", "http"),
        ("http", "cluster"),
        ("snapshot", "cluster"),
    ] {
        assert!(!imports[from].contains(to), "`{from}` imports `{to}`");
    }
    for (module, libraries) in [
        ("catalog", ["tokio", "reqwest", "axum", "std::time"]),
        ("directory", ["tokio", "reqwest", "axum", "std::time"]),
    ] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = vec![root.join(format!("{module}.rs"))];
        files(&root.join(module), &mut found);
        for file in found {
            let text = std::fs::read_to_string(&file).unwrap();
            for library in libraries {
                assert!(
                    !text.contains(&format!("{library}::")),
                    "{} uses {library}",
                    file.display()
                );
            }
        }
    }
}
