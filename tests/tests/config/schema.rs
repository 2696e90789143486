//! The committed JSON Schema is the one that the code makes.

use std::fs;
use std::path::Path;

use serde_json::Value;

fn generated() -> Value {
    kubex::config::schema(&kubex::registry().unwrap())
}

#[test]
fn the_committed_schema_is_the_generated_one() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/kubex.schema.json");
    let text = format!("{:#}\n", generated());
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&committed, &text).unwrap();
    }
    let found = fs::read_to_string(&committed).unwrap_or_default();
    assert!(
        found == text,
        "docs/kubex.schema.json is not what the options types make: write it anew with UPDATE_EXPECTED=1"
    );
}

#[test]
fn the_schema_knows_every_provider_and_marks_paths_and_secrets() {
    let schema = generated();
    let at = |pointer: &str| {
        schema
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{pointer} is not in the schema"))
    };
    for registration in kubex::registry().unwrap().iter() {
        let name = registration.name();
        at(&format!("/$defs/{name}/properties/server"));
        at(&format!("/$defs/{name}/properties/enabled"));
        at(&format!("/properties/sources/properties/{name}/else"));
    }
    assert_eq!(at("/$defs/static/properties/token/format"), "password");
    assert_eq!(at("/$defs/static/properties/token/not/minLength"), 1);
    assert_eq!(at("/$defs/static/properties/token-env/type"), "string");
    assert_eq!(at("/$defs/static/properties/token-file/format"), "path");
    assert_eq!(at("/$defs/kubeconfig/properties/paths/items/format"), "path");
    assert_eq!(at("/$defs/exec/properties/command/format"), "command");
    assert_eq!(
        at("/$defs/exec.EnvironmentVariable/properties/value/writeOnly"),
        true
    );
    assert_eq!(at("/$defs/profile/additionalProperties"), false);
}

/// Every reference leads somewhere, and nothing is required in a file that is one of several.
#[test]
fn the_schema_holds_together() {
    fn look(value: &Value, root: &Value) {
        match value {
            Value::Object(entries) => entries.iter().for_each(|(key, value)| match value {
                Value::String(target) if key == "$ref" => {
                    let pointer = target
                        .strip_prefix('#')
                        .unwrap_or_else(|| panic!("{target} leads away"));
                    assert!(root.pointer(pointer).is_some(), "{target} leads nowhere");
                }
                _ => look(value, root),
            }),
            Value::Array(items) => items.iter().for_each(|item| look(item, root)),
            _ => {}
        }
    }
    let schema = generated();
    look(&schema, &schema);
    assert!(schema.pointer("/$defs/exec/required").is_none());
}
