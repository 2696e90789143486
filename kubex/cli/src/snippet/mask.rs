//! Splits a line into pieces that are shown and pieces that are masked.

use std::ops::Range;

use kubex::text::{MASKED, Mask};

use super::fields::{is_harmless, is_known};

/// A part of a line, and its replacement.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) range: Range<usize>,
    /// `None` for a piece that is shown unchanged.
    pub(super) replacement: Option<String>,
}

/// What is known about the line.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    /// It is TOML, and not YAML or JSON.
    pub(crate) is_toml: bool,
    /// Its document could be parsed. If not, the line may not be what it looks like: the content of a block scalar
    /// that is indented too little looks like fields.
    pub(crate) is_parsed: bool,
    /// Which keys the error itself names.
    pub(crate) named_by_error: &'a dyn Fn(&str) -> bool,
}

/// Masks the whole line but its indentation.
pub(super) fn whole(line: &str) -> Vec<Piece> {
    let mut pieces = Pieces::default();
    let start = line.len() - line.trim_start().len();
    pieces.show(0..start);
    pieces.mask(start..line.len());
    pieces.0
}

/// Splits a line of YAML, JSON or TOML.
///
/// Commas and brackets end a scalar everywhere, although YAML says so for flow collections alone: the line may be in the
/// middle of one, and what follows a harmless value there may be a secret.
pub(super) fn pieces(line: &str, rules: &Rules<'_>) -> Vec<Piece> {
    let mut pieces = Pieces::default();
    let mut at = 0;
    let mut key: Option<String> = None;
    // The keys of the open lists; the items of a list are as harmless as its key.
    let mut lists: Vec<Option<String>> = Vec::new();
    while let Some(c) = line.get(at..).and_then(|rest| rest.chars().next()) {
        let next = at + c.len_utf8();
        let is_before_space = line
            .get(next..)
            .is_none_or(|rest| rest.is_empty() || rest.starts_with(' '));
        match c {
            '#' => {
                pieces.mask(at..line.len());
                break;
            }
            '[' | '{' => {
                lists.push(key.take().filter(|_| c == '['));
                key = lists.last().cloned().flatten();
            }
            ']' | '}' => {
                lists.pop();
                key = None;
            }
            ',' => key = lists.last().cloned().flatten(),
            ':' | '=' | ' ' | '\t' => {}
            '-' | '?' if is_before_space => {}
            _ => {
                let end = end_of_scalar(line, at, rules.is_toml);
                let scalar = line.get(at..end).unwrap_or_default();
                let bare = scalar.trim_matches(['"', '\'']);
                if is_key(line, end, scalar, rules.is_toml) {
                    key = Some(bare.to_owned()).filter(|key| is_known(key) || (rules.named_by_error)(key));
                    if key.is_some() {
                        pieces.show(at..end);
                    } else {
                        pieces.mask(at..end);
                    }
                } else {
                    // A key has one value; anything after it may be a secret.
                    let harmless = key.take().is_some_and(|key| is_harmless(&key))
                        && rules.is_parsed
                        && is_closed(scalar);
                    match harmless.then(|| redact_harmless(scalar)) {
                        Some(None) => pieces.show(at..end),
                        Some(Some(shown)) => pieces.push(at..end, Some(shown)),
                        None => pieces.mask(at..end),
                    }
                }
                at = end;
                continue;
            }
        }
        pieces.show(at..next);
        at = next;
    }
    pieces.0
}

/// The end of the scalar that begins at `start`, without trailing white space.
fn end_of_scalar(line: &str, start: usize, is_toml: bool) -> usize {
    let text = line.get(start..).unwrap_or_default();
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let mut characters = text.char_indices().peekable();
    if let Some(quote) = quote {
        characters.next();
        while let Some((at, c)) = characters.next() {
            let following = characters.peek().map(|(_, following)| *following);
            if (c == '\\' && quote == '"') || (c == '\'' && quote == '\'' && following == Some('\'')) {
                characters.next();
            } else if c == quote {
                return start + at + 1;
            }
        }
        return line.len();
    }
    let mut end = text.len();
    while let Some((at, c)) = characters.next() {
        let is_before_space = characters
            .peek()
            .is_none_or(|(_, following)| following.is_whitespace());
        let is_after_space = text.get(..at).is_some_and(|before| before.ends_with([' ', '\t']));
        let ends = match c {
            ',' | '[' | ']' | '{' | '}' => true,
            ':' => is_before_space && !is_toml,
            '=' => is_toml,
            '#' => is_after_space,
            _ => false,
        };
        if ends {
            end = at;
            break;
        }
    }
    start
        + text
            .get(..end)
            .map_or(end, |scalar| scalar.trim_end().len())
            .max(1)
}

/// Whether the scalar is a key: a colon follows it, or in TOML an equals sign.
fn is_key(line: &str, end: usize, scalar: &str, is_toml: bool) -> bool {
    let rest = line.get(end..).unwrap_or_default().trim_start();
    if is_toml {
        return rest.starts_with('=');
    }
    match rest.strip_prefix(':') {
        // After a quoted key, no space is needed.
        Some(after) => after.is_empty() || after.starts_with([' ', '\t']) || scalar.starts_with(['"', '\'']),
        None => false,
    }
}

/// Whether a quoted scalar ends on its line.
fn is_closed(scalar: &str) -> bool {
    match scalar.chars().next() {
        Some(quote @ ('"' | '\'')) => scalar.len() > 1 && scalar.ends_with(quote),
        _ => true,
    }
}

/// What is shown of a harmless value; `None` for all of it. A URL may contain a password or a query, and a secret may
/// have been pasted into the wrong field.
fn redact_harmless(scalar: &str) -> Option<String> {
    let masked = Mask::new().apply(scalar);
    let shown = match masked.find(['?', '#']).filter(|_| masked.contains("://")) {
        Some(query) => format!("{}{MASKED}", masked.get(..query).unwrap_or_default()),
        None => masked,
    };
    (shown != scalar).then_some(shown)
}

#[derive(Default)]
struct Pieces(Vec<Piece>);

impl Pieces {
    fn push(&mut self, range: Range<usize>, replacement: Option<String>) {
        if !range.is_empty() {
            self.0.push(Piece { range, replacement });
        }
    }

    fn show(&mut self, range: Range<usize>) {
        self.push(range, None);
    }

    fn mask(&mut self, range: Range<usize>) {
        self.push(range, Some(MASKED.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str, is_toml: bool, named: &str) -> String {
        shown_by(
            line,
            &Rules {
                is_toml,
                is_parsed: true,
                named_by_error: &|key| key == named,
            },
        )
    }

    fn shown_by(line: &str, rules: &Rules<'_>) -> String {
        pieces(line, rules)
            .into_iter()
            .map(|piece| piece.replacement.unwrap_or_else(|| line[piece.range].to_owned()))
            .collect()
    }

    #[test]
    fn values_are_masked_unless_their_field_is_harmless() {
        for (line, expected) in [
            (
                "    server: https://10.0.0.1:6443",
                "    server: https://10.0.0.1:6443",
            ),
            ("  - name: \"jane doe\"", "  - name: \"jane doe\""),
            ("    token: s3cret", "    token: [masked]"),
            (
                "    token: s3cret with: colons # s3cret",
                "    token: [masked]: [masked] [masked]",
            ),
            ("    token: \"s3cret, \\\" s3cret\"", "    token: [masked]"),
            ("    token: 'it''s s3cret'", "    token: [masked]"),
            ("    token: \"s3cret", "    token: [masked]"),
            ("    server: \"s3cret", "    server: [masked]"),
            ("    token: &a s3cret", "    token: [masked]"),
            ("    token: !!binary s3cret", "    token: [masked]"),
            ("  s3cret: s3cret", "  [masked]: [masked]"),
            ("  s3cret", "  [masked]"),
            ("  - s3cret", "  - [masked]"),
            ("# token: s3cret", "[masked]"),
            ("user: s3cret", "user: [masked]"),
            (
                "users: [{name: jane, user: {token: s3cret}}]",
                "users: [{name: jane, user: {token: [masked]}}]",
            ),
            (
                "  server: https://h, token: s3cret}",
                "  server: https://h, token: [masked]}",
            ),
            (
                "{\"users\":[{\"name\":\"jane\",\"user\":{\"token\":\"s3cret\"}}]}",
                "{\"users\":[{\"name\":\"jane\",\"user\":{\"token\":[masked]}}]}",
            ),
            ("{token:s3cret, name:s3cret}", "{[masked], [masked]}"),
            (
                "server: https://jane:s3cret@h/x?token=s3cret",
                "server: https://[masked]@h/x[masked]",
            ),
            (
                "args: [get-token, --token, s3cret]",
                "args: [[masked], [masked], [masked]]",
            ),
            (
                "chain: [kubeconfig, {s3cret: s3cret}, in-cluster]",
                "chain: [kubeconfig, {[masked]: [masked]}, in-cluster]",
            ),
            (
                "env: [{name: A, value: s3cret}, {name: B}]",
                "env: [{name: A, value: [masked]}, {name: B}]",
            ),
            ("name: eyJhbGciOiJIUzI1NiJ9.s3crets3cret.s3cret", "name: [masked]"),
            ("? s3cret", "? [masked]"),
            ("\tserver: x", "\tserver: x"),
        ] {
            assert_eq!(shown(line, false, ""), expected);
            assert!(!shown(line, false, "").contains("s3cret"), "{line}");
        }
    }

    #[test]
    fn toml_is_masked_by_the_same_rules() {
        for (line, expected) in [
            ("namespace = \"team-a\"", "namespace = \"team-a\""),
            ("token = \"s3cret\" # s3cret", "token = [masked] [masked]"),
            (
                "x = { server = \"https://h\", token = 's3cret' }",
                "[masked] = { server = \"https://h\", token = [masked] }",
            ),
            ("chain = [\"kubeconfig\"]", "chain = [\"kubeconfig\"]"),
            ("[sources.vault]", "[[masked]]"),
        ] {
            assert_eq!(shown(line, true, ""), expected);
        }
    }

    #[test]
    fn a_key_that_the_error_names_is_shown_without_its_value() {
        assert_eq!(shown("  tokn: s3cret", false, "tokn"), "  tokn: [masked]");
    }

    #[test]
    fn no_value_of_an_unparsed_document_is_shown() {
        let rules = Rules {
            is_toml: false,
            is_parsed: false,
            named_by_error: &|_| false,
        };
        assert_eq!(
            shown_by("  - {name: x, server: [y], token: z}", &rules),
            "  - {name: [masked], server: [[masked]], token: [masked]}"
        );
    }
}
