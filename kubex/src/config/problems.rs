//! Finds all problems of a value, because the deserializer reports only the first one.

use kubex_core::error::Problems;
use kubex_core::options::{Value, ValueKind};
use kubex_core::{Error, ErrorKind, Origin, Result};

/// Reads a value and collects all problems. After each problem, the affected part is removed and the rest is read again.
/// `is_partial` means that parts are already missing; `locate` sets the origin of a problem to that of its part.
pub(super) fn read_all<T>(
    mut value: Value,
    mut is_partial: bool,
    problems: &mut Problems,
    read: impl Fn(&Value) -> Result<T>,
    locate: impl Fn(Error) -> Error,
) -> Option<T> {
    // Each round removes at least one part.
    loop {
        let error = match read(&value) {
            Ok(read) => return (!is_partial).then_some(read),
            Err(error) => error,
        };
        let mut is_removed = false;
        for problem in error.into_problems() {
            let problem = locate(problem);
            is_removed |= problem.origin().is_some_and(|origin| remove(&mut value, origin));
            // A missing or conflicting value may be a consequence of the removal.
            if !is_partial || is_about_its_own_value(problem.kind()) {
                problems.add(problem);
            }
        }
        if !is_removed {
            return None;
        }
        is_partial = true;
    }
}

fn is_about_its_own_value(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::InvalidValue
            | ErrorKind::UnknownField
            | ErrorKind::InvalidBase64
            | ErrorKind::InvalidPem
            | ErrorKind::InvalidToken
            | ErrorKind::EmptyToken
    )
}

/// Removes the part with this origin. A value is not a part of itself.
fn remove(value: &mut Value, origin: &Origin) -> bool {
    let own = value.origin().clone();
    let (kind, is_removed) = match std::mem::take(value).into_kind() {
        ValueKind::Mapping(mut entries) => {
            let count = entries.len();
            entries.retain(|(_, part)| part.origin() != origin);
            let is_removed =
                entries.len() < count || entries.iter_mut().any(|(_, part)| remove(part, origin));
            (ValueKind::Mapping(entries), is_removed)
        }
        ValueKind::Sequence(mut items) => {
            let count = items.len();
            items.retain(|part| part.origin() != origin);
            let is_removed = items.len() < count || items.iter_mut().any(|part| remove(part, origin));
            (ValueKind::Sequence(items), is_removed)
        }
        other => (other, false),
    };
    *value = Value::new(kind, own);
    is_removed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value() -> Value {
        let at = |key: &str| Origin::file("/c.yaml").key(key);
        let items = vec![Value::new("a", at("[0]")), Value::new(true, at("[1]"))];
        let items = ValueKind::Sequence(items);
        Value::new(
            vec![
                ("list".to_owned(), Value::new(items, at("list"))),
                ("x".to_owned(), Value::new("y", at("x"))),
            ],
            Origin::file("/c.yaml"),
        )
    }

    #[test]
    fn every_located_problem_is_found_and_consequences_are_not() {
        let mut problems = Problems::new();
        let read = |value: &Value| {
            let list = value.get("list").and_then(|list| match list.kind() {
                ValueKind::Sequence(items) => items.first(),
                _ => None,
            });
            match (list, value.get("x")) {
                (Some(item), _) | (None, Some(item)) => {
                    Err(Error::new(ErrorKind::InvalidValue, "bad").with_origin(item.origin()))
                }
                (None, None) => Err::<(), _>(Error::new(ErrorKind::MissingField, "\"x\" is missing")),
            }
        };
        assert!(read_all(value(), false, &mut problems, read, std::convert::identity).is_none());
        let error = problems.into_result().unwrap_err();
        let found: Vec<&str> = error
            .problems()
            .map(|problem| problem.origin().map_or("", Origin::keys))
            .collect();
        assert_eq!(found, ["[0]", "[1]", "x"]);
    }

    #[test]
    fn a_reader_whose_errors_are_about_the_whole_is_asked_once() {
        let mut problems = Problems::new();
        let whole = value();
        let read = |value: &Value| {
            Err::<(), _>(Error::new(ErrorKind::InvalidValue, "bad").with_origin(value.origin()))
        };
        let read = read_all(whole.clone(), false, &mut problems, read, std::convert::identity);
        assert!(read.is_none() && problems.into_result().unwrap_err().problems().count() == 1);
        assert!(
            read_all(
                whole,
                false,
                &mut Problems::new(),
                |_| Ok(()),
                std::convert::identity
            )
            .is_some()
        );
    }
}
