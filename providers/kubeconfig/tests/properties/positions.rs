//! A position is right: an independent parser of the same text judges it.

use std::cell::Cell;

use kubex_core::Origin;
use kubex_core::options::{Value, ValueKind};
use kubex_document::{Budget, Conversion, Document, Format};
use proptest::prelude::*;

use crate::edits::Edits;
use crate::marks::{self, Mark, Marks};
use crate::written::{self, Choices};
use crate::{check, check_times};

/// A value of a document: its path, whether it is null, and its position.
type Found = (Vec<String>, bool, Option<Mark>);

fn found(text: &str) -> Option<Vec<Found>> {
    let bytes = text.as_bytes().to_vec();
    let document = Document::read(bytes.into(), Format::Yaml, &Budget::KUBECONFIG).ok()?;
    let root = document.mapping().ok()?;
    let value = root.to_value(root.locate(Origin::file("/config")), Conversion::KUBECONFIG);
    let mut found = Vec::new();
    walk(&value, &mut Vec::new(), &mut found);
    Some(found)
}

fn walk(value: &Value, path: &mut Vec<String>, found: &mut Vec<Found>) {
    if !path.is_empty() {
        let is_null = matches!(value.kind(), ValueKind::Null);
        found.push((path.clone(), is_null, value.origin().line_and_column()));
    }
    let mut below = |step: String, value: &Value| {
        path.push(step);
        walk(value, path, found);
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
fn in_the_usual_forms_every_value_has_the_position_that_another_parser_finds() {
    let compared = Cell::new(0);
    check(&(written::document(), Choices::any()), |(tree, choices)| {
        let text = tree.yaml(&choices);
        let found = found(&text).ok_or_else(|| TestCaseError::fail(format!("refused:\n{text}")))?;
        let marks = Marks::of(&text).ok_or_else(|| TestCaseError::reject("the other parser refuses it"))?;
        for (path, is_null, position) in found {
            if is_null && marks.get(&path).is_none() {
                continue;
            }
            prop_assert_eq!(position, marks.get(&path), "{:?} of\n{}\n{:?}", path, text, text);
            compared.set(compared.get() + 1);
        }
        Ok(())
    });
    assert!(compared.get() > 500, "only {} were compared", compared.get());
}

#[test]
fn after_random_edits_a_position_is_that_of_the_value_or_of_what_is_around_it() {
    let (exact, enclosing) = (Cell::new(0), Cell::new(0));
    let cases = (written::document(), Choices::any(), Edits::any());
    check_times(2, &cases, |(tree, choices, edits)| {
        let text = edits.apply_to_text(&tree.yaml(&choices));
        if marks::has_other_line_ends(&text) {
            return Ok(());
        }
        let (Some(found), Some(marks)) = (found(&text), Marks::of(&text)) else {
            return Ok(());
        };
        for (path, _, position) in found {
            let (Some(position), Some(mark)) = (position, marks.get(&path)) else {
                continue;
            };
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
        Ok(())
    });
    assert!(
        exact.get() > 500,
        "only {} were compared, {} were around",
        exact.get(),
        enclosing.get()
    );
}
