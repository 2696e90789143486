//! `THREAT_MODEL.md` names the test that keeps each promise: each of them exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::repository;

fn read(path: &str) -> String {
    let path = repository().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The promises, each with the cell that names what keeps it.
fn promises() -> Vec<(String, String)> {
    let page = read("THREAT_MODEL.md");
    let section = page
        .split("\n## ")
        .find(|section| section.starts_with("Promises\n"));
    let section = section.expect("the page has promises").to_owned();
    let rows = section
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.filter_map(|row| row.rsplit_once(" | "))
        .filter(|(promise, _)| *promise != "promise")
        .map(|(promise, kept_by)| (promise.to_owned(), kept_by.to_owned()))
        .collect()
}

/// The names of all test functions below the directories that contain tests.
fn test_functions() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for directory in ["kubex-core", "kubex", "providers", "tests"] {
        add_test_functions(&repository().join(directory), &mut names);
    }
    names
}

fn add_test_functions(directory: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            add_test_functions(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(tests_in(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The functions with an attribute that ends in `test`, whatever other attributes they have.
fn tests_in(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if let Some(attribute) = line.strip_prefix("#[") {
            let name = attribute.split(['(', ']']).next().unwrap_or_default();
            is_test |= name == "test" || name.ends_with("::test");
        } else if let Some((_, function)) = line.split_once("fn ").filter(|_| is_test) {
            names.extend(function.split('(').next().map(str::to_owned));
            is_test = false;
        }
    }
    names
}

fn fuzz_targets() -> BTreeSet<String> {
    let entries = fs::read_dir(repository().join("tests/fuzz/fuzz_targets")).unwrap();
    let names = entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_owned());
    names.map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn every_promise_names_a_test_that_exists() {
    let promises = promises();
    assert!(promises.len() > 30, "{promises:#?}");
    let (tests, targets, gate) = (test_functions(), fuzz_targets(), read(".ci/run"));
    let mut missing = Vec::new();
    for (promise, kept_by) in &promises {
        let mut names = 0;
        for name in kept_by.split(", ") {
            let exists = if let Some(step) = name.strip_prefix('*') {
                gate.contains(&format!("step '{}'", step.trim_end_matches('*')))
            } else {
                let name = name.trim_matches('`');
                tests.contains(name) || targets.contains(name)
            };
            names += 1;
            if !exists {
                missing.push(format!("{name}, for: {promise}"));
            }
        }
        assert!(names > 0, "nothing keeps: {promise}");
    }
    assert!(missing.is_empty(), "these tests do not exist: {missing:#?}");
}

#[test]
fn a_function_counts_as_a_test_only_with_its_attribute() {
    let source = "#[test]\nfn one() {}\nfn two() {}\n#[tokio::test(flavor = \"x\")]\n#[cfg(unix)]\nasync fn three() {}\n";
    assert_eq!(tests_in(source), ["one", "three"]);
}

/// A crate that is not in the workspace, such as the fuzz targets, is not published.
#[test]
fn no_crate_allows_unsafe_code() {
    let root: String = read("Cargo.toml");
    let lints = root.split("[workspace.lints.rust]").nth(1).unwrap();
    assert!(lints.trim_start().starts_with("unsafe_code = \"forbid\""));
    let members = root
        .split("members = [")
        .nth(1)
        .unwrap()
        .split(']')
        .next()
        .unwrap();
    let members: Vec<&str> = members.split('"').skip(1).step_by(2).collect();
    assert!(members.len() > 10, "{members:?}");
    for member in members {
        let manifest = read(&format!("{member}/Cargo.toml"));
        let is_forbidden = manifest.contains("[lints]\nworkspace = true")
            || manifest.contains("[lints.rust]\nunsafe_code = \"forbid\"");
        assert!(is_forbidden, "{member} does not forbid unsafe code");
    }
}
