//! Recognizes secrets by their form alone, in any text.

use std::ops::Range;

use super::address;

/// A shorter token is not a JSON web token.
const MIN_JWT: usize = 20;

/// A JSON web token that was cut off within its first part.
const MIN_CUT_JWT: usize = 40;

/// The base64 of a shorter key is not a key.
const MIN_KEY_BODY: usize = 40;

/// Adds the parts of the text that are JSON web tokens, private keys, or user information in URLs.
pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    // Most texts contain none of these. A search for one rare character shows that quickly.
    let contains = |byte: u8| text.as_bytes().contains(&byte);
    private_keys(text, found);
    if contains(b'J') {
        json_web_tokens(text, found);
    }
    if contains(b'L') {
        encoded_pem(text, found);
    }
    if contains(b'M') {
        keys_in_der(text, found);
    }
    if contains(b'@') {
        for word in words(text, is_around_address) {
            let range = address::user_information(text.get(word.clone()).unwrap_or_default());
            found.extend(range.map(|range| word.start + range.start..word.start + range.end));
        }
    }
}

fn json_web_tokens(text: &str, found: &mut Vec<Range<usize>>) {
    each(
        text,
        "eyJ",
        |start| {
            let token = token_at(text, start);
            let is_token = token.len() > MIN_JWT && token.contains('.') || token.len() >= MIN_CUT_JWT;
            is_token.then(|| start..start + token.len())
        },
        found,
    );
}

/// The base64 of `-----BEGIN`, at its usual alignment.
fn encoded_pem(text: &str, found: &mut Vec<Range<usize>>) {
    each(
        text,
        "LS0tLS1CRUdJTi",
        |start| Some(start..start + token_at(text, start).len()),
        found,
    );
}

/// The beginnings of private keys in DER: PKCS #8 and PKCS #1 of RSA, then elliptic curves. A certificate may begin in the
/// same way as the first.
fn keys_in_der(text: &str, found: &mut Vec<Range<usize>>) {
    for beginning in ["MII", "MIG", "MIH", "MHc", "MHQ", "MGg", "MC4"] {
        each(
            text,
            beginning,
            |start| {
                let body = token_at(text, start);
                (body.len() >= MIN_KEY_BODY).then(|| start..end_of_body(text, start + body.len()))
            },
            found,
        );
    }
}

/// The places at which a word begins with this, or a part of a word after a punctuation character.
fn each(
    text: &str,
    beginning: &str,
    range: impl Fn(usize) -> Option<Range<usize>>,
    found: &mut Vec<Range<usize>>,
) {
    let mut end = 0;
    for (start, _) in text.match_indices(beginning) {
        let is_beginning = !text
            .get(..start)
            .unwrap_or_default()
            .ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+'));
        // In an escaped text, the `n` of `\n` is before it.
        let is_behind_escape = text.get(..start).is_some_and(|before| before.ends_with("\\n"));
        if start >= end
            && (is_beginning || is_behind_escape)
            && let Some(range) = range(start)
        {
            end = range.end;
            found.push(range);
        }
    }
}

/// The characters of a token or of base64, from this place on.
fn token_at(text: &str, start: usize) -> &str {
    let rest = text.get(start..).unwrap_or_default();
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+/=_-.~%".contains(c)));
    rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
}

/// The end of a body in base64 that goes on in the following lines.
fn end_of_body(text: &str, mut end: usize) -> usize {
    loop {
        let rest = text.get(end..).unwrap_or_default();
        let line_break = ["\r\n", "\n", "\\r\\n", "\\n"]
            .into_iter()
            .find(|line_break| rest.starts_with(line_break));
        let Some(line_break) = line_break else { return end };
        let line = token_at(text, end + line_break.len());
        let is_body = line.len() >= MIN_KEY_BODY || line.ends_with('=');
        if !is_body {
            return end;
        }
        end += line_break.len() + line.len();
    }
}

/// PEM blocks of private keys, also if their line breaks are escaped. A block without an end extends to the end of the
/// text.
fn private_keys(text: &str, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while let Some(begin) = text.get(at..).and_then(|rest| rest.find("-----BEGIN ")) {
        let start = at + begin;
        let label_start = start + "-----BEGIN ".len();
        let label = text.get(label_start..).and_then(|rest| rest.split_once("-----"));
        let Some((label, body)) = label else { return };
        let body_start = label_start + label.len() + "-----".len();
        at = body_start;
        if label.contains("PRIVATE KEY")
            && !body.trim_start_matches(is_line_break).is_empty()
            && has_body(body)
        {
            let end = match body.find("-----END ") {
                Some(end) => {
                    let end = body_start + end + "-----END ".len();
                    let rest = text.get(end..).unwrap_or_default();
                    rest.find("-----")
                        .map_or(text.len(), |after| end + after + "-----".len())
                }
                None => text.len(),
            };
            found.push(start..end);
            at = end;
        }
    }
}

/// Whether the text after a BEGIN line may be a key. The rest of a sentence that mentions the line is not.
fn has_body(after: &str) -> bool {
    let mut body = after;
    loop {
        let shorter = body
            .trim_start_matches(|c: char| c.is_whitespace())
            .trim_start_matches("\\r")
            .trim_start_matches("\\n");
        if shorter.len() == body.len() {
            break;
        }
        body = shorter;
    }
    let is_next_line = after.starts_with(is_line_break) || after.starts_with('\\') || after.starts_with(' ');
    is_next_line && body.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

/// The words of a text, which are separated by these characters.
pub(super) fn words(
    text: &str,
    is_separator: impl Fn(char) -> bool + Copy,
) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    text.split_inclusive(is_separator).filter_map(move |piece| {
        let start = at;
        at += piece.len();
        let word = piece.trim_end_matches(is_separator);
        (!word.is_empty()).then(|| start..start + word.len())
    })
}

/// Whether a character is around an address and not in it.
fn is_around_address(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "\"'`<>(),;{}\\".contains(c)
}

#[cfg(test)]
mod tests {
    use super::super::sanitize;

    #[test]
    fn what_is_a_secret_by_its_look_is_hidden_in_any_text() {
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7";
        for (text, shown) in [
            ("got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.sig!", "got [masked]!"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nend",
                "[masked]\nend",
            ),
            (
                r"key: -----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----\nend",
                r"key: [masked]\nend",
            ),
            ("-----BEGIN PRIVATE KEY-----\nMII", "[masked]"),
            ("/home/jane/LS0tLS1CRUdJTiBQUklWQVRF", "/home/jane/[masked]"),
            (&format!("x {body}\n{body}\nAbCd==\nend"), "x [masked]\nend"),
            (
                "block that begins with -----BEGIN PRIVATE KEY-----",
                "block that begins with -----BEGIN PRIVATE KEY-----",
            ),
            (
                "-----BEGIN CERTIFICATE-----\nAAA",
                "-----BEGIN CERTIFICATE-----\nAAA",
            ),
            (
                "see https://jane:pw@example.com/x",
                "see https://[masked]@example.com/x",
            ),
            ("mail jane@example.com", "mail jane@example.com"),
            ("MII is short", "MII is short"),
        ] {
            assert_eq!(sanitize(text), shown);
        }
    }
}
