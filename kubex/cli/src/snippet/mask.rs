//! Splits a line of a document that could not be parsed, by the text of the line alone.
//!
//! No value is shown, because a line may not be what it looks like: the content of a block scalar that is indented too
//! little looks like fields.

use std::ops::Range;

use kubex::text::MASKED;

use super::fields::is_known;

/// A part of a line, and its replacement.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) range: Range<usize>,
    /// `None` for a piece that is shown unchanged.
    pub(super) replacement: Option<String>,
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
pub(super) fn pieces(line: &str, is_toml: bool, named_by_error: &dyn Fn(&str) -> bool) -> Vec<Piece> {
    let mut pieces = Pieces::default();
    let mut at = 0;
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
            '[' | '{' | ']' | '}' | ',' | ':' | '=' | ' ' | '\t' => {}
            '-' | '?' if is_before_space => {}
            _ => {
                let end = end_of_scalar(line, at, is_toml);
                let scalar = line.get(at..end).unwrap_or_default();
                let key = scalar.trim_matches(['"', '\'']);
                if is_key(line, end, scalar, is_toml) && (is_known(key) || named_by_error(key)) {
                    pieces.show(at..end);
                } else {
                    pieces.mask(at..end);
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

/// The pieces of a line, in order.
#[derive(Default)]
pub(super) struct Pieces(Vec<Piece>);

impl Pieces {
    pub(super) fn into_vec(self) -> Vec<Piece> {
        self.0
    }

    pub(super) fn push(&mut self, range: Range<usize>, replacement: Option<String>) {
        if !range.is_empty() {
            self.0.push(Piece { range, replacement });
        }
    }

    pub(super) fn show(&mut self, range: Range<usize>) {
        self.push(range, None);
    }

    pub(super) fn mask(&mut self, range: Range<usize>) {
        self.push(range, Some(MASKED.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str, is_toml: bool, named: &str) -> String {
        pieces(line, is_toml, &|key| key == named)
            .into_iter()
            .map(|piece| piece.replacement.unwrap_or_else(|| line[piece.range].to_owned()))
            .collect()
    }

    #[test]
    fn every_value_is_masked() {
        for (line, expected) in [
            ("    server: https://10.0.0.1:6443", "    server: [masked]"),
            ("  - name: \"jane doe\"", "  - name: [masked]"),
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
                "users: [{name: [masked], user: {token: [masked]}}]",
            ),
            (
                "  server: https://h, token: s3cret}",
                "  server: [masked], token: [masked]}",
            ),
            (
                "{\"users\":[{\"name\":\"jane\",\"user\":{\"token\":\"s3cret\"}}]}",
                "{\"users\":[{\"name\":[masked],\"user\":{\"token\":[masked]}}]}",
            ),
            ("{token:s3cret, name:s3cret}", "{[masked], [masked]}"),
            ("server: https://jane:s3cret@h/x?token=s3cret", "server: [masked]"),
            (
                "args: [get-token, --token, s3cret]",
                "args: [[masked], [masked], [masked]]",
            ),
            (
                "chain: [kubeconfig, {s3cret: s3cret}, in-cluster]",
                "chain: [[masked], {[masked]: [masked]}, [masked]]",
            ),
            (
                "env: [{name: A, value: s3cret}, {name: B}]",
                "env: [{name: [masked], value: [masked]}, {name: [masked]}]",
            ),
            ("name: eyJhbGciOiJIUzI1NiJ9.s3crets3cret.s3cret", "name: [masked]"),
            ("? s3cret", "? [masked]"),
            ("\tserver: x", "\tserver: [masked]"),
        ] {
            assert_eq!(shown(line, false, ""), expected);
            assert!(!shown(line, false, "").contains("s3cret"), "{line}");
        }
    }

    #[test]
    fn toml_is_masked_by_the_same_rules() {
        for (line, expected) in [
            ("namespace = \"team-a\"", "namespace = [masked]"),
            ("token = \"s3cret\" # s3cret", "token = [masked] [masked]"),
            (
                "x = { server = \"https://h\", token = 's3cret' }",
                "[masked] = { server = [masked], token = [masked] }",
            ),
            ("chain = [\"kubeconfig\"]", "chain = [[masked]]"),
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
    fn no_value_of_a_flow_collection_is_shown() {
        assert_eq!(
            shown("  - {name: x, server: [y], token: z}", false, ""),
            "  - {name: [masked], server: [[masked]], token: [masked]}"
        );
    }
}
