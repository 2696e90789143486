//! Values that a template should have replaced: `{{ .Server }}`, `${API_HOST}`, `<API_SERVER>`.

/// Returns whether a value still contains the placeholder of a template.
///
/// A placeholder such as `{{ .Server }}` or `${API_HOST}` cannot occur in a host name, in base64 or in a token.
///
/// ```
/// use kubex_core::placeholder::is_unfilled;
/// assert!(is_unfilled("https://{{ .Server }}:6443") && is_unfilled("<TOKEN>") && is_unfilled("${API_HOST}"));
/// assert!(!is_unfilled("https://10.0.0.1:6443") && !is_unfilled("a<b"));
/// ```
pub fn is_unfilled(value: &str) -> bool {
    // Almost no value contains one of these, and data of certificates is long.
    let may_open = |byte: &u8| matches!(byte, b'{' | b'$' | b'<');
    let has_any = |piece: &[u8]| piece.iter().fold(false, |found, byte| found | may_open(byte));
    if !value.as_bytes().chunks(64).any(has_any) {
        return false;
    }
    let has_pair = |open: &str, close: &str| {
        value
            .split_once(open)
            .and_then(|(_, rest)| rest.split_once(close))
            .is_some_and(|(name, _)| !name.is_empty())
    };
    has_pair("{{", "}}")
        || has_pair("{%", "%}")
        || has_pair("${", "}")
        || has_pair("$(", ")")
        || has_pair("<", ">")
}

/// Returns whether a host looks like the placeholder of an example, such as `YOUR_SERVER`, `your-cluster` or
/// `CHANGEME`. Only its first label is checked.
///
/// Such a host may also be a real name, so it causes a warning and not an error.
///
/// ```
/// use kubex_core::placeholder::is_doubtful_host;
/// assert!(is_doubtful_host("YOUR_SERVER") && is_doubtful_host("your-cluster.example.com") && is_doubtful_host("changeme"));
/// assert!(!is_doubtful_host("KUBE-1.local") && !is_doubtful_host("yourself.example") && !is_doubtful_host("10.0.0.1"));
/// ```
pub fn is_doubtful_host(host: &str) -> bool {
    let label = host.split('.').next().unwrap_or_default();
    let is_variable = label.contains('_')
        && label.chars().any(|c| c.is_ascii_uppercase())
        && !label.chars().any(|c| c.is_ascii_lowercase());
    let begins_with_your = label
        .get(..4)
        .is_some_and(|begin| begin.eq_ignore_ascii_case("your"));
    is_variable
        || begins_with_your && matches!(label.as_bytes().get(4), Some(b'-' | b'_'))
        || ["changeme", "change-me", "change_me", "placeholder"]
            .iter()
            .any(|placeholder| label.eq_ignore_ascii_case(placeholder))
}

/// The end of the error message for a value that contains the placeholder of a template. The name of the value comes before it.
pub const UNFILLED: &str = "contains the placeholder of a template that was not filled in";

/// The help text of the error for a value that contains the placeholder of a template.
pub const FILL_IN: &str = "replace it with the real value, or render the template first";
