//! Secrets among the arguments of a plugin.

use super::{MASKED, Mask, names_a_secret, sanitize_line};

/// Returns the values of arguments that are probably secret, by the names of their flags: `--token abc`, `-token abc`,
/// `--token=abc`, `password=abc`.
///
/// ```
/// use kubex_core::text::secret_arguments;
///
/// let arguments = ["get-token", "--token", "s3cret-7"].map(str::to_owned);
/// assert_eq!(secret_arguments(&arguments).collect::<Vec<_>>(), ["s3cret-7"]);
/// ```
pub fn secret_arguments(arguments: &[String]) -> impl Iterator<Item = &str> {
    secrets(arguments).filter_map(|(argument, at)| argument.get(at?..))
}

/// Each argument, and where its secret value begins.
fn secrets(arguments: &[String]) -> impl Iterator<Item = (&str, Option<usize>)> {
    let before = std::iter::once(None).chain(arguments.iter().map(Some));
    arguments.iter().zip(before).map(|(argument, before)| {
        let is_named_before =
            before.is_some_and(|flag| flag.starts_with('-') && !flag.contains('=') && names_a_secret(flag));
        if is_named_before && !argument.starts_with("--") && !argument.is_empty() {
            return (argument.as_str(), Some(0));
        }
        let value = argument
            .split_once('=')
            .filter(|(name, value)| !value.is_empty() && names_a_secret(name));
        (argument.as_str(), value.map(|(name, _)| name.len() + 1))
    })
}

/// Returns the arguments for printing. It masks the values of flags whose names indicate a secret, and everything that
/// a [`Mask`] masks.
///
/// ```
/// use kubex_core::text::mask_arguments;
/// let arguments = ["get-token", "-token", "abc", "--pass=def", "--cluster", "prod"].map(str::to_owned);
/// let shown = mask_arguments(&arguments);
/// assert_eq!(shown, ["get-token", "-token", "[masked]", "--pass=[masked]", "--cluster", "prod"]);
/// ```
pub fn mask_arguments(arguments: &[String]) -> Vec<String> {
    secrets(arguments)
        .map(|(argument, at)| match at {
            Some(at) => format!("{}{MASKED}", argument.get(..at).unwrap_or_default()),
            None => sanitize_line(&Mask::new().apply(argument)).into_owned(),
        })
        .collect()
}
