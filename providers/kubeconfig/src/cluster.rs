//! Converts a cluster entry, and the impersonation fields of the user entry, to the core's cluster options.

use std::collections::HashSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kubex_core::options::Value;
use kubex_core::placeholder::{FILL_IN, UNFILLED, is_unfilled};
use kubex_core::resolved_source::SourcePart;
use kubex_core::{Error, ErrorKind, Options, ResolvedSource, Result};
use zeroize::Zeroizing;

use crate::mapping::{Mapping, shown};
use crate::select::Selection;

/// Creates the result with the cluster's options, the user's impersonation and the context's namespace. An invalid field
/// is recorded as a problem and omitted, so that overrides can replace it.
pub(crate) fn answer(selection: &Selection<'_>, cluster: &Mapping<'_>) -> ResolvedSource {
    let mut options = Options::with_origin(cluster.origin().clone());
    let mut wrong: Vec<(SourcePart, Error)> = Vec::new();
    let mut note = |key: &'static str, result: Result<()>| {
        wrong.extend(result.err().map(|error| (SourcePart::Cluster(key), error)));
    };
    for field in ["server", "tls-server-name", "proxy-url"] {
        note(field, cluster.copy_into(&mut options, &[(field, field)]));
    }
    if !cluster.has("server") {
        note("server", Err(missing_server(cluster)));
    }
    let data = "certificate-authority-data";
    let copied = is_base64(cluster, data).and_then(|()| cluster.copy_into(&mut options, &[(data, data)]));
    note(data, copied);
    let file = "certificate-authority";
    note(file, cluster.copy_path_into(&mut options, file, file));
    for flag in ["insecure-skip-tls-verify", "disable-compression"] {
        let set = cluster.flag(flag).map(|is_set| {
            if is_set {
                options.insert(flag, Value::new(true, cluster.origin_of(flag)));
            }
        });
        note(flag, set);
    }
    if let Some(namespace) = &selection.namespace {
        options.insert("namespace", namespace.clone());
    }
    if let Some(user) = &selection.user {
        note("as", impersonation(user, &mut options));
    }
    let extensions = extensions(cluster);
    let mut answer = ResolvedSource::new(options);
    for (part, problem) in wrong {
        answer.add_problem(part, problem);
    }
    match extensions {
        Ok(extensions) => answer.extensions(extensions),
        Err(problem) => {
            answer.add_problem(SourcePart::Source, problem);
            answer
        }
    }
}

fn missing_server(cluster: &Mapping<'_>) -> Error {
    cluster.missing(
        ErrorKind::MissingCluster,
        "the cluster has no server",
        "server",
        "set \"server\" to its address, https://host:port",
    )
}

/// Copies the impersonation fields of the user.
fn impersonation(user: &Mapping<'_>, options: &mut Options) -> Result<()> {
    user.copy_into(options, &[("as", "as"), ("as-uid", "as-uid")])?;
    if let Some(groups) = user.texts("as-groups")? {
        options.insert("as-groups", groups);
    }
    let Some(extra) = user.mapping("as-user-extra")? else {
        return Ok(());
    };
    let entries = extra.text_lists()?;
    if !entries.is_empty() {
        options.insert("as-user-extra", Value::new(entries, extra.origin().clone()));
    }
    Ok(())
}

/// The extensions of the cluster by name, unchanged.
fn extensions(cluster: &Mapping<'_>) -> Result<Vec<(String, Value)>> {
    let mut extensions = Vec::new();
    for (name, item) in named_extensions(cluster)? {
        extensions.extend(item.extension("extension")?.map(|extension| (name, extension)));
    }
    Ok(extensions)
}

/// The extensions of a mapping. Two with a value and the same name are an error. Only those of a cluster are used, but
/// kubectl refuses a kubeconfig with mistakes in any of them.
pub(crate) fn named_extensions<'d>(fields: &Mapping<'d>) -> Result<Vec<(String, Mapping<'d>)>> {
    let items = fields.mappings("extensions")?;
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let mut extensions = Vec::new();
    let mut names = HashSet::new();
    for item in items {
        let name = item.text("name")?.unwrap_or_default();
        if names.contains(name) {
            return Err(Error::new(
                ErrorKind::DuplicateName,
                format_args!("two extensions have the same name \"{}\"", shown(name)),
            )
            .with_origin(item.origin())
            .with_help("rename or remove one of them"));
        }
        if item.is_set("extension") {
            names.insert(name.to_owned());
        }
        extensions.push((name.to_owned(), item));
    }
    Ok(extensions)
}

/// Checks that a `-data` field is base64, as a kubeconfig requires. The core would also accept plain PEM.
pub(crate) fn is_base64(fields: &Mapping<'_>, key: &str) -> Result<()> {
    let Some(text) = fields.text(key)? else {
        return Ok(());
    };
    if let Some(error) = left_out(text, key) {
        return Err(error.with_origin(&fields.origin_of(key)));
    }
    let mut joined = Zeroizing::new(String::new());
    let mut text = text;
    if memchr::memchr2(b'\r', b'\n', text.as_bytes()).is_some() {
        joined.reserve_exact(text.len());
        joined.extend(text.chars().filter(|c| !matches!(c, '\r' | '\n')));
        text = &joined;
    }
    if decodes(text.as_bytes()) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidBase64,
        format_args!("\"{key}\" is not valid base64"),
    )
    .with_origin(&fields.origin_of(key))
    .with_help("encode the PEM file with: base64 -w0"))
}

/// The error for a placeholder instead of data: the text that kubectl prints instead, or a template.
fn left_out(text: &str, key: &str) -> Option<Error> {
    let invalid = |why: &str| Error::new(ErrorKind::InvalidValue, format_args!("\"{key}\" {why}"));
    if matches!(text, "DATA+OMITTED" | "REDACTED") {
        return Some(
            invalid(&format!("is {text}, which kubectl prints in place of the data"))
                .with_help("print the data with: kubectl config view --raw"),
        );
    }
    is_unfilled(text).then(|| invalid(UNFILLED).with_help(FILL_IN))
}

/// Whether a text is base64. Only its last four characters need decoding: before them, all characters are digits.
fn decodes(text: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let are_digits = |digits: &[u8]| digits.iter().fold(true, |all, byte| all & is_digit(byte));
    let Some((digits, last)) = text.split_last_chunk::<4>() else {
        return text.is_empty();
    };
    digits.len().is_multiple_of(4)
        && digits.chunks(PIECE).all(are_digits)
        && BASE64_STANDARD
            .decode_slice(last, Zeroizing::new([0; 3]).as_mut_slice())
            .is_ok()
}

/// How many characters are looked at together.
const PIECE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_base64_if_it_can_be_decoded() {
        for length in [0, 1, 2, 3, 100, 767, 768, 769, 1536, 5000] {
            let text = BASE64_STANDARD.encode(vec![7; length]);
            assert!(decodes(text.as_bytes()), "{length}");
            for at in [0, 1, 2, 3, 60, 63, 64, 131, 132, 133, 134, 135, 2047] {
                for other in ["=", "!", "", "B", "==", "\u{e9}"] {
                    let mut broken = text.clone();
                    if at < text.len() {
                        broken.replace_range(at..=at, other);
                        let whole = BASE64_STANDARD.decode(&broken).is_ok();
                        assert_eq!(decodes(broken.as_bytes()), whole, "{length} {at} {other}");
                    }
                }
            }
        }
    }
}
