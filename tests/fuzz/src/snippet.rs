//! The excerpts of the command: the line of a file that an error is about.

use kubex_document::Format;

use crate::marks::Marks;
use crate::shown::MARKER;

/// The number of lines of one document whose excerpts are made. Each one reads the whole document.
const MAX_LINES: usize = 12;

/// The fields whose values an excerpt shows.
const SHOWN: &[&str] = &[
    "chain",
    "context",
    "current-context",
    "disable-compression",
    "enabled",
    "insecure-skip-tls-verify",
    "interactiveMode",
    "lenient",
    "name",
    "namespace",
    "policy",
    "provideClusterInfo",
    "provider",
    "server",
    "timeout",
    "tls-server-name",
];

/// Fails if the excerpt of any line contains a planted secret that is not the value of a harmless field, or a character
/// that a terminal obeys.
pub fn assert_snippets_show_no_secret(bytes: &[u8]) {
    for format in [Format::Yaml, Format::Toml] {
        let shown = snippets(bytes, format);
        let obeyed = shown.chars().find(|c| *c != '\n' && is_obeyed(*c));
        assert!(obeyed.is_none(), "{obeyed:?} in\n{shown}");
        if !shown.contains(MARKER) {
            continue;
        }
        let text = String::from_utf8_lossy(bytes);
        let may_show = match format {
            // No other parser of TOML is at hand, so a field that is shown may be anywhere.
            Format::Toml => Some(SHOWN.iter().any(|field| text.contains(field))),
            _ => may_show_the_marker(&text),
        };
        if may_show == Some(false) {
            panic!("{shown}\n{text}");
        }
    }
}

fn snippets(bytes: &[u8], format: Format) -> String {
    let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::len);
    let lines: Vec<_> = lines.enumerate().filter(|(_, length)| *length > 0).collect();
    let step = lines.len().div_ceil(MAX_LINES).max(1);
    let mut shown = String::new();
    for (index, length) in lines.into_iter().step_by(step) {
        // The column decides only where a long line is cut.
        let position = (number(index + 1), number(length / 2 + 1));
        shown.extend(kubex_cli::snippet(bytes, format, position));
        shown.push('\n');
    }
    shown
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Whether a harmless field contains the marker, according to another parser; `None` if it does not read the document.
fn may_show_the_marker(text: &str) -> Option<bool> {
    let marks = Marks::of(text)?;
    Some(marks.texts().any(|(path, text)| {
        let field = path.iter().rev().find(|key| !key.starts_with('['));
        let is_shown = field.is_some_and(|key| SHOWN.contains(&key.as_str()));
        // The user name and the password of an address, and its query, are never shown.
        let address = text.rsplit('@').next().unwrap_or(text);
        let address = address.split(['?', '#']).next().unwrap_or(address);
        let shown = if text.contains("://") { address } else { text };
        is_shown && shown.contains(MARKER)
    }))
}

/// Whether a terminal may obey the character, or show the text around it in another order.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
