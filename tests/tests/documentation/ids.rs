//! `docs/ids.md` lists every id that a program may match on: what is on the page is in the code, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::{code, ids_of_the_code, page, repository, sources};

/// The part of the page below a heading.
fn section(heading: &str) -> String {
    let page = page("ids.md");
    let section = page
        .split("\n## ")
        .find_map(|section| section.strip_prefix(&format!("{heading}\n")));
    section
        .unwrap_or_else(|| panic!("docs/ids.md has no section {heading}"))
        .to_owned()
}

/// The rows of the tables in a text, cell by cell, without the heads.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = text.lines().collect();
    let is_row = |index: usize| {
        let is_head = lines.get(index + 1).is_some_and(|next| next.starts_with("|---"));
        !is_head && !lines[index].starts_with("|---")
    };
    (0..lines.len())
        .filter(|index| is_row(*index))
        .filter_map(|index| lines[index].strip_prefix("| ")?.strip_suffix(" |"))
        .map(|row| row.split(" | ").collect())
        .collect()
}

/// The texts between backquotes.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn source(path: &str) -> String {
    let path = repository().join(path);
    code(&fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn kebab_case(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let mut text = words.next().unwrap().to_owned();
    for word in words {
        text.push_str(&word[..1].to_ascii_uppercase());
        text.push_str(&word[1..]);
    }
    text
}

#[test]
fn every_exit_status_is_listed_with_its_class() {
    let source = source("kubex/cli/src/failure/status.rs");
    let constants: BTreeMap<&str, &str> = source
        .lines()
        .filter_map(|line| {
            let line = line.strip_prefix("pub(crate) const ")?;
            line.strip_suffix(';')?.split_once(": u8 = ")
        })
        .collect();
    let mut expected: BTreeMap<String, String> = source
        .split("ErrorClass::")
        .skip(1)
        .filter_map(|arm| arm.split_once(',')?.0.split_once(" => "))
        .map(|(class, status)| {
            let status = constants.get(status).unwrap_or(&status);
            ((*status).to_owned(), kebab_case(class))
        })
        .collect();
    assert_eq!(expected.len(), 7, "{expected:?}");
    expected.insert("0".to_owned(), "success".to_owned());
    expected.insert(constants["USAGE"].to_owned(), "usage".to_owned());
    let section = section("Exit statuses");
    let listed: BTreeMap<String, String> = rows(&section)
        .iter()
        .map(|row| (row[0].to_owned(), quoted(row[1]).concat()))
        .collect();
    assert_eq!(listed, expected, "left: docs/ids.md, right: the code");
}

#[test]
fn every_error_kind_is_listed_below_its_class() {
    let id_source = source("kubex-core/src/error/id.rs");
    let ids: BTreeMap<&str, &str> = id_source
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_prefix("Self::")?
                .strip_suffix("\",")?
                .split_once(" => \"")
        })
        .collect();
    let class_source = source("kubex-core/src/error/class.rs");
    let arms = class_source.split_once("match self {").unwrap().1;
    let mut expected = BTreeMap::new();
    let mut variants = Vec::new();
    for word in arms.split_whitespace() {
        if let Some(variant) = word.strip_prefix("Self::") {
            variants.push(ids[variant].to_owned());
        } else if let Some(class) = word.strip_prefix("ErrorClass::") {
            let class = kebab_case(class.trim_end_matches(','));
            expected.insert(class, std::mem::take(&mut variants));
        }
    }
    assert_eq!(expected.values().flatten().count(), ids.len());
    let section = section("Error kinds");
    let listed: BTreeMap<String, Vec<String>> = rows(&section)
        .iter()
        .map(|row| (quoted(row[0]).concat(), quoted(row[1])))
        .collect();
    assert_eq!(listed, expected, "left: docs/ids.md, right: the code");
}

#[test]
fn every_warning_is_listed_with_a_link_to_its_explanation() {
    let section = section("Warnings");
    let links = section.split("[`").skip(1);
    let listed: BTreeSet<String> = links
        .map(|link| {
            let (id, target) = link.split_once("`](warnings.md#").unwrap();
            assert!(target.starts_with(&format!("{id})")), "{id}");
            id.to_owned()
        })
        .collect();
    assert_eq!(listed, ids_of_the_code(), "left: docs/ids.md, right: the code");
}

/// The keys of each struct of the command that serde serializes, in order.
fn serialized_structs() -> BTreeMap<String, Vec<String>> {
    let mut structs = BTreeMap::new();
    let mut flattened = Vec::new();
    for (path, text) in sources() {
        if !path.to_string_lossy().contains("kubex/cli/src") {
            continue;
        }
        for derived in code(&text).split("#[derive(").skip(1) {
            let (derives, rest) = derived.split_once(")]").unwrap();
            if !derives.contains("Serialize") || derives.contains("Deserialize") {
                continue;
            }
            let (head, body) = rest.split_once("{\n").unwrap();
            let body = body.split_once("\n}").unwrap().0;
            let name = head.split_once("struct ").unwrap().1;
            let name = name.split(['<', ' ']).next().unwrap();
            let mut keys = Vec::new();
            let mut attribute = String::new();
            for line in body.lines().map(str::trim) {
                if line.starts_with('#') {
                    line.clone_into(&mut attribute);
                    continue;
                }
                let (field, of_type) = line.trim_start_matches("pub(crate) ").split_once(": ").unwrap();
                if attribute.contains("flatten") {
                    let of_type = of_type.trim_end_matches(',');
                    flattened.push(format!("{}::{of_type}", path.display()));
                    keys.push(format!("{}::{of_type}", path.display()));
                } else if let Some((_, renamed)) = attribute.split_once("rename = \"") {
                    keys.push(renamed.split_once('"').unwrap().0.to_owned());
                } else if !attribute.contains("serde(skip)") {
                    keys.push(camel_case(field));
                }
                attribute.clear();
            }
            structs.insert(format!("{}::{name}", path.display()), keys);
        }
    }
    for inner in flattened {
        let fields = structs.remove(&inner).unwrap();
        for keys in structs.values_mut() {
            if let Some(position) = keys.iter().position(|key| *key == inner) {
                keys.splice(position..=position, fields.clone());
            }
        }
    }
    structs
}

#[test]
fn every_json_key_of_the_command_is_listed_with_its_object() {
    let structs = serialized_structs();
    assert!(structs.len() > 20, "{structs:?}");
    let section = section("JSON keys");
    let (objects, _) = section.split_once("Their values that are ids:").unwrap();
    let mut listed: Vec<Vec<String>> = rows(objects).iter().map(|row| quoted(row[1])).collect();
    let mut expected: Vec<Vec<String>> = structs.into_values().collect();
    listed.sort();
    expected.sort();
    assert_eq!(listed, expected, "left: docs/ids.md, right: the code");
}

#[test]
fn every_listed_value_is_written_out_in_the_command_or_is_a_kind_of_trust() {
    let places = ["kubex/cli/src", "kubex-core/src/cluster.rs"];
    let command: String = sources()
        .into_iter()
        .filter(|(path, _)| places.iter().any(|place| path.to_string_lossy().contains(place)))
        .map(|(_, text)| code(&text))
        .collect();
    let section = section("JSON keys");
    let (_, values) = section.split_once("Their values that are ids:").unwrap();
    let values: Vec<String> = rows(values).iter().flat_map(|row| quoted(row[1])).collect();
    assert!(values.len() > 15, "{values:?}");
    for value in values {
        assert!(command.contains(&format!("\"{value}\"")), "{value}");
    }
}

/// The text of a macro call, from behind its bracket to the bracket that closes it.
fn call(text: &str) -> &str {
    let mut depth = 1;
    for (index, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..index];
        }
    }
    panic!("a call is not closed: {text}");
}

/// The arguments of a call: what is between the commas that are in no brackets and no quotes.
fn arguments(call: &str) -> Vec<&str> {
    let mut arguments = Vec::new();
    let (mut depth, mut is_quoted, mut start) = (0, false, 0);
    for (index, c) in call.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            '(' if !is_quoted => depth += 1,
            ')' if !is_quoted => depth -= 1,
            ',' if !is_quoted && depth == 0 => {
                arguments.push(call[start..index].trim());
                start = index + 1;
            }
            _ => {}
        }
    }
    arguments.push(call[start..].trim());
    arguments.retain(|argument| !argument.is_empty());
    arguments
}

/// Target, level and fields of each event that the code emits.
fn events_of_the_code() -> BTreeSet<(String, String, Vec<String>)> {
    let mut events = BTreeSet::new();
    for (_, text) in sources() {
        let code = code(&text);
        for level in ["trace", "debug", "info", "warn", "error", "event"] {
            for made in code.split(&format!("{level}!(")).skip(1) {
                let arguments = arguments(call(made));
                let mut targets = Vec::new();
                let mut levels = vec![level.to_owned()];
                let mut fields = Vec::new();
                for argument in arguments {
                    if let Some(target) = argument.strip_prefix("target: ") {
                        targets = vec![target.trim_matches('"').to_owned()];
                    } else if argument == "subject" {
                        // The events of what is kept current have the target of their subject.
                        targets = vec!["kubex::credentials".to_owned(), "kubex::trust".to_owned()];
                    } else if let Some(name) = argument.strip_prefix("tracing::Level::") {
                        levels = if name == "$level" {
                            // A macro whose name ends in `_at` is called with each level.
                            let calls = code.split("_at!(").skip(1);
                            calls.map(|made| call(made).to_ascii_lowercase()).collect()
                        } else {
                            vec![name.to_ascii_lowercase()]
                        };
                    } else if argument.starts_with('"') {
                        break;
                    } else {
                        let name = argument.split('=').next().unwrap().trim();
                        fields.push(name.trim_start_matches(['%', '?']).to_owned());
                    }
                }
                // A macro of the crate's own passes its arguments on.
                if fields.iter().any(|field| field.starts_with('$')) {
                    continue;
                }
                assert!(!targets.is_empty(), "an event without a target: {made:.100}");
                for target in targets {
                    let of_level = |level: &String| (target.clone(), level.clone(), fields.clone());
                    events.extend(levels.iter().map(of_level));
                }
            }
        }
    }
    events
}

#[test]
fn every_event_is_listed_with_its_target_level_and_fields() {
    let section = section("Events");
    let (table, _) = section.split_once("The values of `outcome`:").unwrap();
    let listed: BTreeSet<(String, String, Vec<String>)> = rows(table)
        .iter()
        .map(|row| (quoted(row[0]).concat(), row[1].to_owned(), quoted(row[2])))
        .collect();
    let expected = events_of_the_code();
    assert!(expected.len() > 10, "{expected:?}");
    assert_eq!(listed, expected, "left: docs/ids.md, right: the code");
}

#[test]
fn every_outcome_of_an_event_is_written_out_in_the_code() {
    let code: String = sources().into_iter().map(|(_, text)| code(&text)).collect();
    let section = section("Events");
    let (_, outcomes) = section.split_once("The values of `outcome`:").unwrap();
    let outcomes: Vec<String> = rows(outcomes).iter().flat_map(|row| quoted(row[1])).collect();
    assert!(outcomes.len() > 8, "{outcomes:?}");
    for outcome in outcomes {
        assert!(code.contains(&format!("\"{outcome}\"")), "{outcome}");
    }
}
