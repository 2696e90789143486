//! What a plain scalar is in YAML 1.1, which kubectl reads (go-yaml v2, `resolve.go`), beyond what it is in YAML 1.2.

use kubex_core::options::ValueKind;

/// The number that a plain scalar is: with underscores between the digits, with a leading zero for a base of
/// eight, with `0b` for a base of two.
pub(super) fn number(text: &str) -> Option<ValueKind> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return None;
    }
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    let (is_negative, digits) = match digits.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, digits.strip_prefix('+').unwrap_or(&digits)),
    };
    let (base, whole) = match digits.split_at_checked(2) {
        Some(("0b", rest)) => (2, rest),
        Some(("0o", rest)) => (8, rest),
        Some(("0x" | "0X", rest)) => (16, rest),
        _ if digits.starts_with('0') && digits.len() > 1 => (8, digits),
        _ => (10, digits),
    };
    let is_of_digits = !whole.is_empty() && whole.chars().all(|c| c.is_digit(base));
    if is_of_digits && let Ok(number) = i64::from_str_radix(whole, base) {
        return Some(if is_negative { -number } else { number }.into());
    }
    if !is_decimal(digits) {
        return None;
    }
    let number: f64 = digits.parse().ok()?;
    Some(ValueKind::Float(if is_negative { -number } else { number }))
}

/// The boolean that a plain scalar is.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
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
            ("0755", 493.0),
            ("-0755", -493.0),
            ("1_000", 1000.0),
            ("0b101", 5.0),
            ("+12", 12.0),
            ("0o17", 15.0),
            ("0x1F", 31.0),
            ("0999", 999.0),
            ("1_0.5e3", 10500.0),
            (".5", 0.5),
        ] {
            let found = match number(text) {
                Some(ValueKind::Integer(number)) => number.to_string(),
                Some(ValueKind::Float(number)) => number.to_string(),
                other => panic!("{text}: {other:?}"),
            };
            assert_eq!(found, expected.to_string(), "{text}");
        }
        for text in [
            "",
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
        ] {
            assert!(number(text).is_none(), "{text}");
        }
    }
}
