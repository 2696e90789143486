//! Spans and positions: of each node, and of each field of a result.

use kubex_document::{Budget, Document, Format, Kind, Node};

use crate::kubeconfig::resolve;
use crate::marks::{self, Marks};

/// Reads bytes, whatever they are; fails where a node's span is not a part of its document.
pub fn assert_spans(bytes: &[u8]) {
    for format in [Format::Yaml, Format::Toml] {
        match Document::read(bytes.to_vec().into(), format, &Budget::KUBECONFIG) {
            Ok(document) => {
                assert_span(document.root(), 0);
                let origin = kubex_core::Origin::file("/config");
                let _ = format!("{document:?} {:?}", document.warnings(&origin));
                let _ = document.check_strictly("the document", &origin);
            }
            Err(error) => {
                assert!(error.offset() <= bytes.len() * 2, "{error:?}");
                drop(format!("{error} {error:?}"));
            }
        }
    }
}

fn assert_span(node: Node<'_>, depth: usize) {
    assert!(depth <= Budget::KUBECONFIG.depth, "nested too deep");
    let text = node.document().text();
    assert!(
        text.get(node.span().range()).is_some(),
        "{:?}\n{text:?}",
        node.span()
    );
    assert!(node.position().line > 0 && node.position().column > 0);
    if node.is_alias() {
        return;
    }
    match node.kind() {
        Kind::Sequence => node.items().for_each(|item| assert_span(item, depth + 1)),
        Kind::Mapping => {
            for (key, value) in node.entries() {
                assert!(text.get(key.span().range()).is_some());
                assert_span(value, depth + 1);
            }
        }
        _ => {}
    }
}

/// Fails where the provenance has a position that another parser does not find.
pub fn assert_positions(text: &str) {
    let Ok(configuration) = resolve(&[text]) else {
        return;
    };
    if marks::has_other_line_ends(text) {
        return;
    }
    let Some(marks) = Marks::of(text) else { return };
    for (_, origin) in configuration.provenance().fields() {
        let Some(position) = origin.line_and_column() else {
            continue;
        };
        let Some(path) = path_of(origin.keys(), &marks) else {
            continue;
        };
        let Some(mark) = marks.get(&path) else { continue };
        assert!(
            position == mark || marks.is_around(&path, position),
            "{origin} is at {mark:?} in\n{text}\n{text:?}"
        );
    }
}

/// The path of `users[jane].user.token`, where no name in it has a dot or a bracket: an entry's index by its name.
fn path_of(keys: &str, marks: &Marks) -> Option<Vec<String>> {
    let mut path: Vec<String> = Vec::new();
    for step in keys.split('.') {
        let (key, rest) = step
            .split_once('[')
            .map_or((step, None), |(key, rest)| (key, Some(rest)));
        path.push(key.to_owned());
        let Some(rest) = rest else { continue };
        let name = rest.strip_suffix(']')?;
        if name.contains(['[', ']']) {
            return None;
        }
        let index = if path.len() > 1 {
            format!("[{name}]")
        } else {
            let mut entries = marks.texts().filter(|(path, text)| {
                matches!(path, [list, _, last] if list == key && last == "name") && *text == name
            });
            let (found, _) = entries.next()?;
            if entries.next().is_some() {
                return None;
            }
            found.get(1)?.clone()
        };
        path.push(index);
    }
    Some(path)
}
