//! The pages below `docs/` and the threat model are true to the code: what is in the one is in the other.

mod ids;
mod threat_model;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page(name: &str) -> String {
    let path = repository().join("docs").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The sources that end up in programs, in order.
fn sources() -> Vec<(PathBuf, String)> {
    let mut sources = Vec::new();
    let mut directories: Vec<PathBuf> = [
        "kubex-core/src",
        "kubex/src",
        "kubex/cli/src",
        "kubex/document/src",
        "kubex/fleet/src",
        "kubex/store/src",
    ]
    .iter()
    .map(|crate_| repository().join(crate_))
    .collect();
    for provider in fs::read_dir(repository().join("providers")).unwrap() {
        directories.push(provider.unwrap().path().join("src"));
    }
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push((path, text));
            }
        }
    }
    sources.sort();
    sources
}

/// A source without its tests and comments.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect()
}

/// The features of the facade, with whether they are enabled by default.
fn features() -> BTreeSet<(String, bool)> {
    let manifest = fs::read_to_string(repository().join("kubex/Cargo.toml")).unwrap();
    let (_, features) = manifest.split_once("[features]\n").unwrap();
    let (features, _) = features.split_once("\n[").unwrap();
    let (default, features) = features.split_once(']').unwrap();
    let default: Vec<&str> = default.split('"').skip(1).step_by(2).collect();
    features
        .lines()
        .filter(|line| !line.starts_with([' ', '#', ']']))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| (name.to_owned(), default.contains(&name)))
        .collect()
}

#[test]
fn the_tables_of_features_list_those_of_the_manifest() {
    let features = features();
    assert!(features.len() > 20, "{features:?}");
    for page in ["kubex/README.md", "kubex/src/lib.rs"] {
        let text = fs::read_to_string(repository().join(page)).unwrap();
        let mut lines = text.lines().map(|line| line.trim_start_matches("//! "));
        lines
            .by_ref()
            .find(|line| line.starts_with("| feature | default |"))
            .unwrap();
        let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
        let listed: BTreeSet<(String, bool)> = rows
            .map(|row| {
                let cells: Vec<&str> = row.split('|').map(str::trim).collect();
                (cells[1].trim_matches('`').to_owned(), cells[2] == "yes")
            })
            .collect();
        assert_eq!(listed, features, "{page}");
    }
}

/// The ids of all warnings that the code can give. An id that is not written out where its warning is made fails.
fn ids_of_the_code() -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for (path, text) in sources() {
        let code = code(&text).replace("Warning::fixed(", "Warning::new(");
        for made in code.split("Warning::new(").skip(1) {
            let id = made
                .trim_start()
                .strip_prefix('"')
                .and_then(|made| made.split('"').next());
            let id = id.unwrap_or_else(|| panic!("{}: a warning without its id written out", path.display()));
            ids.insert(id.to_owned());
        }
    }
    ids
}

#[test]
fn every_warning_is_explained_and_every_explained_one_is_given() {
    let explained: BTreeSet<String> = page("warnings.md")
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(str::to_owned)
        .collect();
    let given = ids_of_the_code();
    assert!(given.len() > 10, "{given:?}");
    assert_eq!(
        given, explained,
        "left: the code's ids, right: those of docs/warnings.md"
    );
}

#[test]
fn every_explanation_contains_one_thing_to_do() {
    let page = page("warnings.md");
    let explanations = page.split("\n## ").skip(1);
    for explanation in explanations {
        let id = explanation.lines().next().unwrap();
        assert!(explanation.contains("*Do*: "), "{id}");
    }
}

#[test]
fn links_to_a_warning_lead_to_one() {
    let warnings = page("warnings.md");
    let kubeconfig = page("kubeconfig.md");
    let links: Vec<&str> = kubeconfig
        .split("](warnings.md#")
        .skip(1)
        .filter_map(|link| link.split(')').next())
        .collect();
    assert!(links.len() > 5, "{links:?}");
    for link in links {
        assert!(warnings.contains(&format!("\n## {link}\n")), "{link}");
    }
}

#[test]
fn the_page_about_own_providers_contains_the_crate_that_is_tested() {
    let page = page("own-provider.md");
    for file in ["src/lib.rs", "tests/vault.rs"] {
        let path = repository().join("examples/own_provider").join(file);
        let code = fs::read_to_string(path).unwrap();
        assert!(
            page.contains(&format!("```rust,ignore\n{code}```\n")),
            "examples/own_provider/{file} is not in docs/own-provider.md as it is"
        );
    }
}

/// The fields that the provider knows, as its source lists them.
#[test]
fn every_field_of_a_kubeconfig_is_in_its_table() {
    let page = page("kubeconfig.md");
    let source =
        |name: &str| fs::read_to_string(repository().join("providers/kubeconfig/src").join(name)).unwrap();
    let (section, user, merge) = (source("section.rs"), source("user.rs"), source("merge.rs"));
    let lists = [
        section
            .split("fn fields(")
            .nth(1)
            .and_then(|rest| rest.split("\n    }\n").next()),
        user.split("const EXEC: &[&str] = &[")
            .nth(1)
            .and_then(|rest| rest.split("];").next()),
        merge
            .split("const TOP: &[&str] = &[")
            .nth(1)
            .and_then(|rest| rest.split("];").next()),
    ];
    let mut fields = BTreeSet::new();
    for list in lists {
        let list =
            list.unwrap_or_else(|| panic!("the source no longer lists its fields where this test looks"));
        fields.extend(list.split('"').skip(1).step_by(2));
    }
    assert!(fields.len() > 30, "{fields:?}");
    for field in fields {
        let is_told = page.lines().any(|line| {
            let cell = line.strip_prefix("| ").and_then(|line| line.split(" | ").next());
            cell.is_some_and(|cell| cell.contains(&format!("`{field}`")))
        });
        assert!(is_told, "{field} is in no table of docs/kubeconfig.md");
    }
}
