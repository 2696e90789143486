//! The pages and the dashboard: they contain every metric, and no other.

use std::collections::BTreeSet;
use std::path::Path;

use crate::names::PINNED;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_page_of_ids_lists_every_metric_with_its_kind_and_labels() {
    let page = read("docs/ids.md");
    let (_, section) = page.split_once("\n## Metrics\n").unwrap();
    let (section, _) = section.split_once("The values of the labels:").unwrap();
    let listed: Vec<_> = section.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(listed.len(), PINNED.len());
    for (name, kind, labels) in PINNED {
        let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
        let row = format!(
            "| `{name}` | {} | {} |",
            format!("{kind:?}").to_lowercase(),
            labels.join(", ")
        );
        let row = row.replace("|  |", "| |");
        assert!(
            listed.iter().any(|line| line.starts_with(&row)),
            "{row} is not in docs/ids.md"
        );
    }
}

#[test]
fn the_page_in_production_explains_every_metric() {
    let page = read("docs/production.md");
    for (name, ..) in PINNED {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn the_dashboard_shows_every_metric_and_groups_by_its_labels() {
    let dashboard: serde_json::Value = serde_json::from_str(&read("docs/dashboards/kubex.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap());
    let mut shown = BTreeSet::new();
    for target in targets {
        let expression = target["expr"].as_str().unwrap();
        let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let mut labels: Vec<&str> = Vec::new();
        for word in words.filter(|word| word.starts_with("kubex_") || word.starts_with("rest_client_")) {
            let suffixes = ["_sum", "_count", "_bucket"];
            let name = suffixes
                .iter()
                .find_map(|suffix| word.strip_suffix(suffix))
                .unwrap_or(word);
            let metric = PINNED.iter().find(|(known, ..)| *known == name);
            let (name, _, known) = metric.unwrap_or_else(|| panic!("{word} in {expression} is not a metric"));
            labels.extend(*known);
            shown.insert(*name);
        }
        for grouped in expression.split("by (").skip(1) {
            let (label, _) = grouped.split_once(')').unwrap();
            assert!(labels.contains(&label), "{label} in {expression}");
        }
    }
    assert_eq!(shown, PINNED.iter().map(|(name, ..)| *name).collect());
}
