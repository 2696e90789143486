//! User names and passwords in addresses.

use std::borrow::Cow;
use std::ops::Range;

use super::MASKED;

/// Masks the user name and the password in the address of a server or a proxy: everything up to the last `@`, except
/// the scheme.
///
/// The address may be malformed, for example without a scheme, with only one slash, or with `/`, `?` or `#` in the
/// password. Use this function only for a text that should be an address, because `@` has other meanings in other
/// texts.
///
/// ```
/// use kubex_core::text::mask_address;
/// assert_eq!(mask_address("https://jane:a/b#c@proxy:3128"), "https://[masked]@proxy:3128");
/// assert_eq!(mask_address("jane:pw@proxy:3128"), "[masked]@proxy:3128");
/// assert_eq!(mask_address("https://proxy:3128"), "https://proxy:3128");
/// ```
pub fn mask_address(text: &str) -> Cow<'_, str> {
    let Some(at) = text.rfind('@') else {
        return Cow::Borrowed(text);
    };
    let start = end_of_scheme(text)
        .filter(|start| *start <= at)
        .unwrap_or_default();
    let scheme = text.get(..start).unwrap_or_default();
    let rest = text.get(at..).unwrap_or_default();
    Cow::Owned(format!("{scheme}{MASKED}{rest}"))
}

/// The user information in a word of any text. A word with `@` that is not an address is left alone: a mail address, the
/// digest of an image, the name of a context.
pub(super) fn user_information(word: &str) -> Option<Range<usize>> {
    let at = word.rfind('@')?;
    let after = word.get(at + 1..)?;
    match end_of_scheme(word) {
        Some(start) if start <= at => {
            let is_other = word.get(..at)?.ends_with('/')
                || ["sha256:", "sha512:", "v", "latest"]
                    .iter()
                    .any(|tag| is_tag(after, tag));
            let authority = word.get(start..)?.split(['/', '?', '#']).next()?;
            (start < at && (authority.contains('@') || !is_other)).then_some(start..at)
        }
        _ => {
            // `jane:password@proxy:3128`, but not `oidc:jane@example.com`.
            let before = word.get(..at)?;
            let (host, port) = after.split(['/', '?', '#']).next()?.rsplit_once(':')?;
            let is_host = !host.is_empty()
                && host
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || ".-[]:".contains(c));
            let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            (before.contains(':') && is_host && is_port).then_some(0..at)
        }
    }
}

/// Whether what follows `@` is a digest or a version.
fn is_tag(after: &str, tag: &str) -> bool {
    match after.strip_prefix(tag) {
        Some(rest) if tag == "v" => rest.starts_with(|c: char| c.is_ascii_digit()),
        Some(_) => true,
        None => false,
    }
}

/// The end of `https://`, or of `https:/`.
fn end_of_scheme(text: &str) -> Option<usize> {
    let colon = text.find(":/")?;
    let scheme = text.get(..colon)?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c));
    let rest = text.get(colon + 1..)?;
    let slashes = rest.len() - rest.trim_start_matches('/').len();
    is_scheme.then_some(colon + 1 + slashes)
}

#[cfg(test)]
mod tests {
    use super::super::sanitize;
    use super::*;

    #[test]
    fn everything_before_the_last_at_sign_of_an_address_is_hidden() {
        for (address, shown) in [
            ("https://jane:pw@h", "https://[masked]@h"),
            ("https://jane:p@w@h/x", "https://[masked]@h/x"),
            ("https://jane:p/w@h", "https://[masked]@h"),
            ("https://jane:p?w@h", "https://[masked]@h"),
            ("https://jane:p#w@h", "https://[masked]@h"),
            ("https:/jane:pw@h", "https:/[masked]@h"),
            ("https:///jane:pw@h", "https:///[masked]@h"),
            ("jane:pw@h:6443", "[masked]@h:6443"),
            ("jane:p/w@h", "[masked]@h"),
            ("//jane:pw@h", "[masked]@h"),
            ("https//jane:pw@h", "[masked]@h"),
            ("ht tp://jane:pw@h", "[masked]@h"),
            ("://jane:pw@h", "[masked]@h"),
            ("@h", "[masked]@h"),
            ("https://h:6443/x", "https://h:6443/x"),
        ] {
            assert_eq!(mask_address(address), shown);
        }
    }

    #[test]
    fn in_other_text_only_addresses_are_masked() {
        for (text, shown) in [
            (
                "cannot reach https://jane:p/w@h:1/x",
                "cannot reach https://[masked]@h:1/x",
            ),
            (
                "cannot reach (jane:pw@proxy:3128)",
                "cannot reach ([masked]@proxy:3128)",
            ),
            ("https:/jane:pw@h", "https:/[masked]@h"),
        ] {
            assert_eq!(sanitize(text), shown);
        }
        for text in [
            "kubernetes-admin@kubernetes",
            "oidc:jane@example.com",
            "git@github.com:org/repo",
            "image https://registry.example/x@sha256:abcdef",
            "https://example.com/@scope/package",
            "https://example.com/module@v1.2.3",
            "arn:aws:iam::123456789012:user/jane@example.com",
        ] {
            assert_eq!(sanitize(text), text);
        }
    }
}
