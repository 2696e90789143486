//! A position is right or absent: what an independent parser says of the same text is the measure.

use std::cell::Cell;

use kubex_core::Origin;
use kubex_core::options::{Value, ValueKind};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestError, TestRunner};

use super::Layout;
use crate::document;
use crate::text::Text;

#[path = "../../tests/properties/edits.rs"]
pub(crate) mod edits;
#[path = "../../tests/properties/marks.rs"]
#[allow(dead_code, reason = "the suite `properties` uses the rest")]
mod marks;
#[path = "../../tests/properties/written.rs"]
#[allow(dead_code, reason = "the suite `properties` uses the rest")]
mod written;

use edits::Edits;
use marks::{Mark, Marks};
use written::Choices;

/// The same cases in every run, unless `PROPTEST_RNG_SEED` and `PROPTEST_CASES` ask for others.
fn runner() -> TestRunner {
    runner_of(1)
}

/// The same, with so many times as many cases.
pub(crate) fn runner_of(times: u32) -> TestRunner {
    let mut config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(1);
    }
    config.cases *= times;
    TestRunner::new(config)
}

/// What failed, without the tree and the choices that a reader makes nothing of.
fn reason<T>(failure: &TestError<T>) -> &str {
    match failure {
        TestError::Fail(reason, _) | TestError::Abort(reason) => reason.message(),
    }
}

/// A value of a document, and where Kubex says that it is, in each of the ways in which it looks for it.
struct Told {
    path: Vec<String>,
    is_null: bool,
    positions: [Option<Mark>; 2],
}

fn told(text: &str) -> Option<Vec<Told>> {
    let origin = Origin::file("/config");
    let layout = Layout::of(Text::of(&text.as_bytes().to_vec().into())?);
    let (root, _) = document::whole(&layout, &origin).ok()?;
    let root = layout.place(root, origin.clone(), layout.root());
    let mut told = Vec::new();
    walk(&root, &mut Vec::new(), &mut |path, value| {
        told.push(Told {
            path: path.to_vec(),
            is_null: matches!(value.kind(), ValueKind::Null),
            positions: [value.origin().clone(), layout.trace(origin.clone(), path)]
                .map(|origin| origin.line_and_column()),
        });
    });
    Some(told)
}

fn walk(value: &Value, path: &mut Vec<String>, each: &mut dyn FnMut(&[String], &Value)) {
    if !path.is_empty() {
        each(path, value);
    }
    let mut below = |step: String, value: &Value| {
        path.push(step);
        walk(value, path, each);
        path.pop();
    };
    match value.kind() {
        ValueKind::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                below(format!("[{index}]"), item);
            }
        }
        ValueKind::Mapping(entries) => entries.iter().for_each(|(key, value)| below(key.clone(), value)),
        _ => {}
    }
}

#[test]
fn in_the_usual_forms_every_value_has_the_position_that_another_parser_tells() {
    let compared = Cell::new(0);
    let cases = (written::document(), Choices::any());
    runner()
        .run(&cases, |(tree, choices)| {
            let text = tree.yaml(&choices);
            let told = told(&text).ok_or_else(|| TestCaseError::fail(format!("refused:\n{text}")))?;
            let marks =
                Marks::of(&text).ok_or_else(|| TestCaseError::reject("the other parser refuses it"))?;
            for Told {
                path,
                is_null,
                positions,
            } in told
            {
                if is_null && marks.get(&path).is_none() {
                    continue;
                }
                for position in positions {
                    prop_assert_eq!(position, marks.get(&path), "{:?} of\n{}\n{:?}", path, text, text);
                }
                compared.set(compared.get() + 1);
            }
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{}", reason(&failure)));
    assert!(compared.get() > 500, "only {} were compared", compared.get());
}

#[test]
fn after_random_edits_a_position_is_that_of_the_value_or_of_what_is_around_it() {
    let (exact, enclosing) = (Cell::new(0), Cell::new(0));
    let cases = (written::document(), Choices::any(), Edits::any());
    runner()
        .run(&cases, |(tree, choices, edits)| {
            let text = edits.apply_to_text(&tree.yaml(&choices));
            let (Some(told), Some(marks)) = (told(&text), Marks::of(&text)) else {
                return Ok(());
            };
            for Told { path, positions, .. } in told {
                for position in positions.into_iter().flatten() {
                    let Some(mark) = marks.get(&path) else { continue };
                    prop_assert!(
                        position == mark || marks.is_around(&path, position),
                        "{:?} is at {:?} and not at {:?} of\n{}\n{:?}",
                        path,
                        position,
                        mark,
                        text,
                        text
                    );
                    let count = if position == mark { &exact } else { &enclosing };
                    count.set(count.get() + 1);
                }
            }
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{}", reason(&failure)));
    assert!(
        exact.get() > 500,
        "only {} were compared, {} were around",
        exact.get(),
        enclosing.get()
    );
}
