//! Several files are one: however they are put together, as long as their order stays.

use std::cell::Cell;

use kubex_core::host::SimulatedHost;
use kubex_core::{ClientConfiguration, Options, Result};
use proptest::prelude::*;

use crate::meaning::outcome;
use crate::scene::{resolve_with, telling};
use crate::written::{Choices, Tree};
use crate::{check, kubeconfigs, now};

const LISTS: &[&str] = &["contexts", "clusters", "users"];

/// What client-go makes of two files: the first wins each named entry, and the current context unless it is empty.
fn merged(first: &Tree, second: &Tree) -> Tree {
    let mut all = Vec::new();
    for list in LISTS {
        let mut entries = items(first, list);
        for entry in items(second, list) {
            if !entries
                .iter()
                .any(|taken| get(taken, "name") == get(&entry, "name"))
            {
                entries.push(entry);
            }
        }
        all.push(((*list).to_owned(), Tree::List(entries)));
    }
    let current = [first, second]
        .into_iter()
        .find_map(|file| get(file, "current-context").filter(|name| **name != Tree::text("")));
    all.extend(current.map(|name| ("current-context".to_owned(), name.clone())));
    Tree::Map(all)
}

fn get<'t>(tree: &'t Tree, key: &str) -> Option<&'t Tree> {
    match tree {
        Tree::Map(entries) => entries
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value),
        _ => None,
    }
}

fn items(tree: &Tree, list: &str) -> Vec<Tree> {
    match get(tree, list) {
        Some(Tree::List(items)) => items.clone(),
        _ => Vec::new(),
    }
}

fn resolve(files: &[&Tree], choices: &Choices) -> Result<ClientConfiguration> {
    let world = SimulatedHost::new();
    let paths: Vec<String> = (0..files.len())
        .map(|index| format!("/d/config-{index}"))
        .collect();
    for (path, file) in paths.iter().zip(files) {
        world.write(path, &file.yaml(choices));
    }
    now(resolve_with(
        telling(),
        &world,
        Options::new().set("paths", paths),
    ))
}

#[test]
fn it_makes_no_difference_which_files_are_put_together_first() {
    let (accepted, refused) = (Cell::new(0), Cell::new(0));
    let cases = (
        kubeconfigs::part(),
        kubeconfigs::part(),
        kubeconfigs::part(),
        Choices::any(),
    );
    check(&cases, |(a, b, c, choices)| {
        let expected = outcome(&resolve(&[&a, &b, &c], &choices));
        let count = if expected.is_ok() { &accepted } else { &refused };
        count.set(count.get() + 1);
        let (ab, bc) = (merged(&a, &b), merged(&b, &c));
        for files in [
            [&ab, &c].as_slice(),
            &[&a, &bc],
            &[&merged(&ab, &c)],
            &[&merged(&a, &bc)],
            &[&a, &a, &b, &b, &a, &c],
        ] {
            prop_assert_eq!(
                &outcome(&resolve(files, &choices)),
                &expected,
                "{:#?}",
                (&a, &b, &c)
            );
        }
        Ok(())
    });
    assert!(
        accepted.get() > 30 && refused.get() > 30,
        "{accepted:?} {refused:?}"
    );
}

#[test]
fn every_entry_that_another_file_hides_is_listed() {
    let listed = Cell::new(0);
    check(
        &(kubeconfigs::part(), kubeconfigs::part(), Choices::any()),
        |(a, b, choices)| {
            let Ok(configuration) = resolve(&[&a, &b], &choices) else {
                return Ok(());
            };
            let both = merged(&a, &b);
            let hidden: usize = LISTS
                .iter()
                .map(|list| items(&a, list).len() + items(&b, list).len() - items(&both, list).len())
                .sum();
            let choosing =
                [&a, &b].map(|file| get(file, "current-context").is_some_and(|name| *name != Tree::text("")));
            let hidden = hidden + usize::from(choosing == [true; 2]);
            let shadowed = configuration.provenance().shadowed();
            prop_assert_eq!(shadowed.len(), hidden);
            for pair in shadowed {
                prop_assert!(
                    pair.taken.path() != pair.shadowed.path() && pair.taken.keys() == pair.shadowed.keys()
                );
            }
            listed.set(listed.get() + hidden);
            Ok(())
        },
    );
    assert!(listed.get() > 30, "only {} were listed", listed.get());
}
