//! Resolves plain scalars as kubectl does: by go-yaml's mixture of YAML 1.1 and 1.2 (`resolve.go`).

/// A scalar's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Resolved<'t> {
    Null,
    Boolean(bool),
    Integer(i128),
    Float(f64),
    Text(&'t str),
}

/// The value of a scalar without quotes and without a tag.
///
/// The words of YAML 1.1 for booleans (`yes`, `off`) stay text: [`words_of_yaml_1_1`] reads them if a boolean is
/// expected.
pub(crate) fn resolve_plain(text: &str) -> Resolved<'_> {
    let first = text.as_bytes().first().copied();
    let word = match (first, text) {
        (None, _) | (Some(b'~'), "~") | (Some(b'n' | b'N'), "null" | "Null" | "NULL") => Some(Resolved::Null),
        (Some(b't' | b'T'), "true" | "True" | "TRUE") => Some(Resolved::Boolean(true)),
        (Some(b'f' | b'F'), "false" | "False" | "FALSE") => Some(Resolved::Boolean(false)),
        (Some(b'0'..=b'9' | b'-' | b'+' | b'.'), _) => number(text),
        _ => None,
    };
    word.unwrap_or(Resolved::Text(text))
}

/// The boolean that a word other than `true` and `false` means in YAML 1.1.
pub(crate) fn words_of_yaml_1_1(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// The longest text that may be a number.
const LONGEST_NUMBER: usize = 400;

fn number(text: &str) -> Option<Resolved<'_>> {
    if let Some(special) = special_float(text) {
        return Some(Resolved::Float(special));
    }
    if text.len() > LONGEST_NUMBER {
        return None;
    }
    let mut buffer = String::new();
    let written = if !text.starts_with('.') && text.contains('_') {
        buffer.extend(text.chars().filter(|c| *c != '_'));
        buffer.as_str()
    } else {
        text
    };
    let (is_negative, digits) = match written.as_bytes().first() {
        Some(b'-') => (true, written.get(1..)?),
        Some(b'+') => (false, written.get(1..)?),
        _ => (false, written),
    };
    let (base, whole) = match digits.split_at_checked(2) {
        Some(("0b" | "0B", rest)) => (2, rest),
        Some(("0o" | "0O", rest)) => (8, rest),
        Some(("0x" | "0X", rest)) => (16, rest),
        _ if digits.starts_with('0') && digits.len() > 1 => (8, digits),
        _ => (10, digits),
    };
    if !whole.is_empty() && whole.chars().all(|c| c.is_digit(base)) {
        let number = u64::from_str_radix(whole, base).ok().map(i128::from);
        let number = number.map(|number| if is_negative { -number } else { number });
        // Go's integers have 64 bits, and only those without a sign use all of them.
        let is_signed = written.len() != digits.len();
        let fits = |number: &i128| !is_signed || i64::try_from(*number).is_ok();
        if let Some(number) = number.filter(fits) {
            return Some(Resolved::Integer(number));
        }
    }
    if !is_decimal(digits) {
        return None;
    }
    let number: f64 = digits.parse().ok().filter(|number: &f64| number.is_finite())?;
    Some(Resolved::Float(if is_negative { -number } else { number }))
}

fn special_float(text: &str) -> Option<f64> {
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Some(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        _ => None,
    }
}

/// Digits, a point among them, and an exponent.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = text
        .split_once(['e', 'E'])
        .map_or((text, None), |(mantissa, exponent)| (mantissa, Some(exponent)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(whole)
        && is_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| {
            let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            !digits.is_empty() && is_digits(digits)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_go_yaml() {
        for (text, expected) in [
            ("0", 0),
            ("123", 123),
            ("-5", -5),
            ("0755", 493),
            ("-0755", -493),
            ("1_000", 1000),
            ("0b101", 5),
            ("+12", 12),
            ("0o17", 15),
            ("0x1F", 31),
            ("18446744073709551615", 18_446_744_073_709_551_615),
        ] {
            assert_eq!(resolve_plain(text), Resolved::Integer(expected), "{text}");
        }
        for (text, expected) in [
            ("0999", 999.0),
            ("1_0.5e3", 10500.0),
            (".5", 0.5),
            ("1e3", 1000.0),
            ("-1.", -1.0),
            ("18446744073709551616", 18_446_744_073_709_551_616.0),
            ("-.inf", f64::NEG_INFINITY),
        ] {
            assert_eq!(resolve_plain(text), Resolved::Float(expected), "{text}");
        }
        assert!(matches!(resolve_plain(".nan"), Resolved::Float(number) if number.is_nan()));
    }

    #[test]
    fn words_and_what_only_looks_like_a_number_are_texts() {
        for text in [
            "_1",
            "0x",
            "0b2",
            "12h",
            "1.2.3",
            "2001-01-01",
            "1__a",
            "e3",
            "-",
            ".",
            "+",
            "1e999",
            "inf",
            "NaN",
            "yes",
            "Off",
            "nil",
            "10.0.0.1",
            "tRUE",
            "0_x1g",
            "é",
        ] {
            assert_eq!(resolve_plain(text), Resolved::Text(text), "{text}");
        }
        for text in ["", "~", "null", "Null", "NULL"] {
            assert_eq!(resolve_plain(text), Resolved::Null, "{text}");
        }
        assert_eq!(words_of_yaml_1_1("Off"), Some(false));
        assert_eq!(words_of_yaml_1_1("true"), None);
    }
}
