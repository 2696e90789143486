//! What a JSON document means, it means as YAML.
#![no_main]

use kubex_fuzz::{meaning, resolve};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    if !value.is_object() || has_number_in_quotes(&value) {
        return;
    }
    let Ok(yaml) = serde_yaml::to_string(&value) else {
        return;
    };
    let json = value.to_string();
    assert_eq!(
        meaning(&resolve(&[&json])),
        meaning(&resolve(&[&yaml])),
        "\n{json}\n{yaml}"
    );
});

/// The writer leaves out quotes that kubectl's YAML needs: `1_000` is a number to it.
fn has_number_in_quotes(value: &Value) -> bool {
    let is_number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    match value {
        Value::String(text) => is_number(text),
        Value::Array(items) => items.iter().any(has_number_in_quotes),
        Value::Object(entries) => entries
            .iter()
            .any(|(key, value)| is_number(key) || key == "<<" || has_number_in_quotes(value)),
        _ => false,
    }
}
