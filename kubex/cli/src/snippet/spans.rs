//! Splits a line of a document that could be parsed, by the spans of its keys and values.
//!
//! Between them are punctuation, which is shown, and comments, anchors and tags, which are masked.

use std::ops::Range;

use kubex::text::{MASKED, Mask, mask_address};
use kubex_document::{Document, Kind, Node, Span};

use super::fields::{is_harmless, is_harmless_key, is_harmless_value, is_known};
use super::mask::{Piece, Pieces};

/// Splits the line of the document at this range.
pub(super) fn pieces(
    document: &Document,
    line: Range<usize>,
    named_by_error: &dyn Fn(&str) -> bool,
) -> Vec<Piece> {
    let mut scalars = Scalars {
        line: line.clone(),
        named_by_error,
        found: Vec::new(),
    };
    scalars.visit(document.root(), false, 0);
    scalars.found.sort_by_key(|(span, ..)| span.start());
    let text = document.text();
    let mut pieces = Pieces::default();
    let mut at = line.start;
    let written = text.get(line.clone()).unwrap_or_default();
    let content = line.end - written.trim_start().len();
    for (span, is_shown, is_address) in scalars.found {
        let start = if span.start() < line.start {
            content
        } else {
            span.start()
        };
        let scalar = start.max(at)..span.end().min(line.end);
        if scalar.is_empty() {
            continue;
        }
        mask_words(text, at..scalar.start, line.start, &mut pieces);
        let written = text.get(scalar.clone()).unwrap_or_default();
        // A line of a multi-line scalar is never shown.
        let is_whole = scalar == span.range();
        at = scalar.end;
        let piece = scalar.start - line.start..scalar.end - line.start;
        match (is_shown && is_whole).then(|| redact(written, is_address)) {
            Some(redacted) => pieces.push(piece, redacted),
            None => pieces.mask(piece),
        }
    }
    mask_words(text, at..line.end, line.start, &mut pieces);
    pieces.into_vec()
}

/// Shows the punctuation between keys and values, and masks everything else.
fn mask_words(text: &str, gap: Range<usize>, line_start: usize, pieces: &mut Pieces) {
    let written = text.get(gap.clone()).unwrap_or_default();
    let mut at = gap.start - line_start;
    let mut rest = written;
    while let Some(c) = rest.chars().next() {
        let is_punctuation = |c: char| c.is_whitespace() || "[]{},:=-?.".contains(c);
        let length = match c {
            '#' => rest.len(),
            c if is_punctuation(c) => c.len_utf8(),
            _ => rest.find(is_punctuation).unwrap_or(rest.len()),
        };
        if is_punctuation(c) {
            pieces.show(at..at + length);
        } else {
            pieces.mask(at..at + length);
        }
        at += length;
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// The keys and values of one line, and which of them are shown.
struct Scalars<'a> {
    line: Range<usize>,
    named_by_error: &'a dyn Fn(&str) -> bool,
    /// The place, whether it is shown, and whether it is an address.
    found: Vec<(Span, bool, bool)>,
}

impl Scalars<'_> {
    /// `configuration` is the depth below the section `sources` of Kubex's own configuration, or 0.
    fn visit(&mut self, node: Node<'_>, is_shown: bool, configuration: u32) {
        if node.is_alias() {
            return self.add(node.span(), false, false);
        }
        match node.kind() {
            Kind::Sequence => node.items().for_each(|item| {
                let is_scalar = !matches!(item.kind(), Kind::Sequence | Kind::Mapping);
                self.visit(item, is_shown && is_scalar, 0);
            }),
            Kind::Mapping => {
                for (key, value) in node.entries() {
                    let name = key.name();
                    let is_own = configuration > 0 && !value.is_blank() && is_harmless_key(&name);
                    let is_named = (self.named_by_error)(&name);
                    self.add(key.span(), is_known(&name) || is_named || is_own, false);
                    // A list where one value belongs is not what the field is for.
                    let is_of_its_kind = name == "chain" || !matches!(value.kind(), Kind::Sequence);
                    let is_harmless = (is_harmless(&name) && is_of_its_kind)
                        || value
                            .as_str()
                            .is_some_and(|value| is_harmless_value(&name, value, self.named_by_error));
                    let below = match configuration {
                        // The names of sources, and their options.
                        1 => 2,
                        _ => u32::from(name == "sources"),
                    };
                    if is_address(&name) && value.as_str().is_some() && !value.is_alias() {
                        self.add(value.span(), is_harmless, true);
                    } else {
                        self.visit(value, is_harmless, below);
                    }
                }
            }
            _ => self.add(node.span(), is_shown, false),
        }
    }

    fn add(&mut self, span: Span, is_shown: bool, is_address: bool) {
        if span.start() < self.line.end && self.line.start < span.end() {
            self.found.push((span, is_shown, is_address));
        }
    }
}

/// Whether the value of this field is the address of a server.
fn is_address(key: &str) -> bool {
    matches!(key, "server" | "proxy-url" | "url")
}

/// What is shown of a harmless value; `None` for all of it. A URL may contain a password or a query, and a secret may
/// have been pasted into the wrong field.
fn redact(scalar: &str, is_address: bool) -> Option<String> {
    let masked = if is_address {
        Mask::new().apply(&mask_address(scalar))
    } else {
        Mask::new().apply(scalar)
    };
    let shown = match masked.find(['?', '#']).filter(|_| masked.contains("://")) {
        Some(query) => format!("{}{MASKED}", masked.get(..query).unwrap_or_default()),
        None => masked,
    };
    (shown != scalar).then_some(shown)
}

#[cfg(test)]
mod tests {
    use kubex_document::{Budget, Format};

    use super::*;

    fn shown(text: &str, format: Format, named: &str) -> String {
        let document = Document::read(text.as_bytes().to_vec().into(), format, &Budget::KUBECONFIG).unwrap();
        let start = text.rfind('\n').map_or(0, |end| end + 1);
        pieces(&document, start..text.len(), &|key| key == named)
            .into_iter()
            .map(|piece| {
                let range = piece.range.start + start..piece.range.end + start;
                piece.replacement.unwrap_or_else(|| text[range].to_owned())
            })
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
            ("server: jane:s3cret@h", "server: [masked]@h"),
            (
                "server: https:/jane:s3cret/@h:6443",
                "server: https:/[masked]@h:6443",
            ),
            ("server: 'https://jane:s3/cret#s3cret@h'", "server: [masked]@h'"),
            ("kind: ConfigMap", "kind: ConfigMap"),
            ("kind: s3cret", "kind: [masked]"),
            (
                "apiVersion: client.authentication.k8s.io/v1alpha1",
                "apiVersion: client.authentication.k8s.io/v1alpha1",
            ),
            (
                "certificate-authority: /etc/kubernetes/ca.crt",
                "certificate-authority: /etc/kubernetes/ca.crt",
            ),
            ("client-key: LS0tLS1CRUdJTi-s3cret.key", "client-key: [masked]"),
            ("client-key: s3cret", "client-key: [masked]"),
            (
                "sources: {vault: {role: s3cret, s3cret: x}}",
                "sources: {vault: {role: [masked], [masked]: [masked]}}",
            ),
            ("A_TOKEN:s3cret: x", "[masked]: [masked]"),
            ("    token: s3cret", "    token: [masked]"),
            ("    token: s3cret with # s3cret", "    token: [masked] [masked]"),
            ("    token: \"s3cret, \\\" s3cret\"", "    token: [masked]"),
            ("    token: 'it''s s3cret'", "    token: [masked]"),
            ("    token: &a s3cret", "    token: [masked] [masked]"),
            ("    token: !!binary czNjcmV0", "    token: [masked] [masked]"),
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
                "{\"users\":[{\"name\":\"jane\",\"user\":{\"token\":\"s3cret\"}}]}",
                "{\"users\":[{\"name\":\"jane\",\"user\":{\"token\":[masked]}}]}",
            ),
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
            ("x: &a s3cret\nname: *a", "name: [masked]"),
            ("token: s3cret\ntoken: s3cret", "token: [masked]"),
            ("name: \"s3cret\n  server: s3cret\"", "  [masked]"),
            ("name: |\n  server: s3cret", "  [masked]"),
            ("name: a\n---\nname: s3cret", "[masked]: [masked]"),
        ] {
            let found = shown(line, Format::Yaml, "");
            assert_eq!(found, expected, "{line}");
            assert!(!found.contains("s3cret"), "{line}");
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
            ("[sources.vault]", "[sources.vault]"),
            ("name = '''s3cret\nserver = \"s3cret\"'''", "[masked]"),
        ] {
            assert_eq!(shown(line, Format::Toml, ""), expected);
        }
    }

    #[test]
    fn a_key_that_the_error_names_is_shown_without_its_value() {
        assert_eq!(shown("  tokn: s3cret", Format::Yaml, "tokn"), "  tokn: [masked]");
        assert_eq!(shown("  cluster: prod", Format::Yaml, "prod"), "  cluster: prod");
    }
}
