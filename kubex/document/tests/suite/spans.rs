//! A span is the text of its scalar, and a position is where an editor has it.

use kubex_core::faults::Mutations;
use kubex_document::{Kind, Node, Style};

use crate::mutations;
use crate::read;

/// Whether the text at the span begins and ends as the scalar's style says, and is its text where nothing is decoded.
fn is_right(node: Node<'_>) -> bool {
    let span = node.span();
    let written = &node.document().text()[span.range()];
    if node.is_alias() {
        return written.starts_with('*');
    }
    let text = node.scalar_text().unwrap_or_default();
    match node.style() {
        // A binary text is written in base64.
        Some(Style::Plain) => {
            !written.starts_with([' ', '\n', '\t'])
                && (written == text
                    || written.is_empty()
                    || written.contains(['\n', '\r', '\u{85}', '\u{2028}']))
        }
        Some(Style::SingleQuoted) => written.starts_with('\'') && written.ends_with('\''),
        Some(Style::DoubleQuoted) => written.starts_with('"') && written.ends_with('"'),
        Some(Style::Literal) => written.starts_with('|'),
        Some(Style::Folded) => written.starts_with('>'),
        _ => true,
    }
}

fn check(node: Node<'_>, within: std::ops::Range<usize>) {
    let span = node.span();
    let text = node.document().text();
    assert!(
        within.start <= span.start() && span.end() <= within.end,
        "{span:?} {within:?} {text:?}"
    );
    assert!(is_right(node), "{:?} {text:?}", &text[span.range()]);
    let before = &text[..span.start()];
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let position = node.position();
    assert_eq!(
        (position.line as usize, position.column as usize),
        (before.matches('\n').count() + 1, column)
    );
    if node.is_alias() {
        return;
    }
    match node.kind() {
        Kind::Sequence => node.items().for_each(|item| check(item, span.range())),
        Kind::Mapping => {
            for (key, value) in node.entries() {
                let is_own = span.start() <= key.span().start() && key.span().end() <= span.end();
                if is_own {
                    check(key.node(), span.range());
                    check(value, span.range());
                }
            }
        }
        _ => {}
    }
}

#[test]
fn spans_and_positions_are_right_in_any_document() {
    let mut mutations = Mutations::new(99);
    let mut checked = 0;
    for _ in 0..10_000 {
        let text = mutations::document(&mut mutations);
        if text.contains("<<") || text.contains("!!binary") {
            continue;
        }
        if let Ok(document) = read(&text) {
            check(document.root(), 0..document.text().len());
            checked += 1;
        }
    }
    assert!(checked > 2_000, "{checked}");
}
