//! Finds keys that are probably misspelled fields.
//!
//! A kubeconfig may have keys of other programs, so an unknown key is not an error. A key that differs from a field's name
//! by one or two letters causes a warning, because its value is ignored.

use std::borrow::Cow;

use kubex_core::text::{nearest_within, shown_key};
use kubex_core::{Origin, Warning};
use kubex_document::{Key, Node, Places};

/// How many unknown keys of a mapping are compared with the fields.
pub(crate) const MAX_COMPARED: usize = 1000;

/// How many misspelled keys of a mapping get their own warning.
const MAX_NEAR_MISSES: usize = 20;

/// Warnings about entries whose keys resemble a known field. The origin is the mapping's.
///
/// Each of the first ones gets its own warning. One more warning contains the number of the others.
pub(crate) fn near_misses<'d>(
    entries: impl Iterator<Item = (Cow<'d, str>, Key<'d>, Node<'d>)>,
    known: &[&'static str],
    origin: impl Fn() -> Origin,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut more = 0_usize;
    let unknown = entries.filter(|(name, ..)| !known.contains(&&**name));
    for (name, key, value) in unknown.take(MAX_COMPARED) {
        let Some(near) = near(&name, known) else { continue };
        if warnings.len() < MAX_NEAR_MISSES {
            let origin = Places::Values.locate(origin().key(&name), key, value);
            warnings.push(near_miss(&origin, &name, near));
        } else {
            more += 1;
        }
    }
    if more > 0 {
        let message = format_args!("{more} more unknown keys look like misspelled fields and are ignored");
        warnings.push(Warning::new("unknown-field", message).with_origin(&origin()));
    }
    warnings
}

/// The known field that a key probably means: it differs only in case, dashes and underscores, or in one or two letters.
pub(crate) fn near(key: &str, known: &[&'static str]) -> Option<&'static str> {
    // A key that is much longer than every field is not a misspelling, and takes long to compare.
    if known.contains(&key) || key.len() > LONGEST_COMPARED {
        return None;
    }
    // The names of the fields of client-go's own type, which some tools write.
    if let Some(field) = known.iter().find(|field| key.strip_prefix("act-") == Some(field)) {
        return Some(field);
    }
    let bare = |key: &str| key.replace(['-', '_'], "").to_lowercase();
    let written = bare(key);
    let same = known.iter().find(|field| bare(field) == written).copied();
    same.or_else(|| {
        let near = nearest_within(key, known, |longer| if longer < 8 { 1 } else { 2 });
        near.filter(|near| near.len() > 3)
    })
}

/// The longest key that is compared with the fields. The longest field has 26 bytes.
const LONGEST_COMPARED: usize = 64;

/// The warning about a key that resembles a field. It shows the key, never its value.
fn near_miss(origin: &Origin, key: &str, near: &str) -> Warning {
    Warning::new(
        "unknown-field",
        format_args!(
            "\"{}\" is not a field of a kubeconfig and is ignored; did you mean \"{near}\"?",
            shown_key(key)
        ),
    )
    .with_origin(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_much_longer_than_every_field_is_compared_with_none() {
        const FIELDS: &[&str] = &["token", "tokenFile"];
        assert_eq!(near("Token", FIELDS), Some("token"));
        assert_eq!(near("to-ken", FIELDS), Some("token"));
        assert_eq!(near(&format!("token{}", "-".repeat(100)), FIELDS), None);
    }
}
