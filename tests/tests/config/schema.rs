//! The committed JSON Schema is the one that the code makes, and finds in an editor what Kubex would find later.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// The wrong configurations that no schema of one file can find, each with the reason.
const BEYOND_A_SCHEMA: &[(&str, &str)] = &[
    ("allowlist_in_a_variable", "it is a variable"),
    ("allowlist_without_its_policy", "another layer may set the policy"),
    ("entry_of_the_allowlist_in_a_variable", "it is a variable"),
    (
        "bad_entries_of_the_allowlist",
        "an absolute path has another form on Windows",
    ),
    ("chain_names_no_source", "another layer may define the source"),
    (
        "chain_names_no_source_and_none_is_near",
        "another layer may define the source",
    ),
    ("duplicate_key", "the parser of the editor reports it"),
    (
        "provider_written_wrong",
        "a program may link providers of its own",
    ),
    ("duplicate_file", "each of the two files is valid"),
    ("merge_key", "an editor resolves it before it validates"),
    ("no_such_profile", "a variable names the profile"),
    (
        "path_names_a_variable_that_is_not_set",
        "only the host knows its variables",
    ),
    (
        "reference_to_a_variable_that_is_not_set",
        "only the host knows its variables",
    ),
    ("secret_and_its_reference", "one of the two is a variable"),
    (
        "source_nearly_called_like_a_provider",
        "another layer may set the provider",
    ),
    ("source_without_a_provider", "another layer may set the provider"),
    ("timeout_is_too_long", "a pattern cannot compare times"),
    ("unknown_provider", "a program may link providers of its own"),
    ("variable_of_a_source_that_is_not_there", "it is a variable"),
];

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
fn the_schema_contains_every_provider_and_marks_paths_and_secrets() {
    let schema = generated();
    let at = |pointer: &str| {
        schema
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{pointer} is not in the schema"))
    };
    for registration in kubex::registry().unwrap().iter() {
        let name = registration.name();
        at(&format!("/definitions/{name}/properties/server"));
        at(&format!("/definitions/{name}/properties/enabled"));
        at(&format!("/properties/sources/properties/{name}/anyOf/0/else"));
    }
    assert_eq!(at("/definitions/static/properties/token/format"), "password");
    assert_eq!(at("/definitions/static/properties/token/not/minLength"), 1);
    assert_eq!(at("/definitions/static/properties/token-env/type/0"), "string");
    assert_eq!(at("/definitions/static/properties/token-file/format"), "path");
    assert_eq!(
        at("/definitions/kubeconfig/properties/paths/items/format"),
        "path"
    );
    assert_eq!(at("/definitions/exec/properties/command/format"), "command");
    assert_eq!(
        at("/definitions/exec.EnvironmentVariable/properties/value/writeOnly"),
        true
    );
    assert_eq!(at("/definitions/profile/additionalProperties"), false);
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
    assert!(schema.pointer("/definitions/exec/required").is_none());
}

fn validator() -> jsonschema::Validator {
    jsonschema::draft7::new(&generated()).unwrap()
}

/// The document of a file as an editor sees it, if it can be parsed.
fn parsed(path: &Path) -> Option<Value> {
    let text = fs::read_to_string(path).unwrap();
    if path.extension()? == "toml" {
        return toml::from_str(&text).ok();
    }
    serde_yaml::from_str(&text).ok()
}

#[test]
fn the_schema_is_valid_and_accepts_every_configuration_of_the_docs() {
    jsonschema::draft7::meta::validate(&generated()).unwrap();
    let validator = validator();
    let page = super::recipes::page();
    let mut count = 0;
    for (language, parse) in [
        (
            "yaml",
            (|text| serde_yaml::from_str(text).unwrap()) as fn(&str) -> Value,
        ),
        ("toml", |text| toml::from_str(text).unwrap()),
    ] {
        for block in page.split(&format!("```{language}\n")).skip(1) {
            let text = block.split("```").next().unwrap();
            let errors: Vec<String> = validator
                .iter_errors(&parse(text))
                .map(|error| format!("{error} at {}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{errors:?} in\n{text}");
            count += 1;
        }
    }
    assert!(count >= 8, "{count} configurations");
}

#[test]
fn the_schema_finds_every_wrong_configuration_that_one_file_shows() {
    let validator = validator();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/wrong");
    let (mut found, mut mistakes) = (0, Vec::new());
    for case in fs::read_dir(folder).unwrap() {
        let case = case.unwrap().path();
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let mut documents = Vec::new();
        let mut is_parsed = true;
        for file in fs::read_dir(&case).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some() {
                match parsed(&path) {
                    Some(document) => documents.push(document),
                    None => is_parsed = false,
                }
            }
        }
        let reason = BEYOND_A_SCHEMA.iter().find(|(case, _)| *case == name);
        // What does not parse, or is not in a file at all, never reaches a schema.
        if !is_parsed || documents.is_empty() {
            assert!(reason.is_none(), "{name}: a schema never sees it");
            continue;
        }
        match (
            documents.iter().all(|document| validator.is_valid(document)),
            reason,
        ) {
            (false, None) => found += 1,
            (true, Some(_)) => {}
            (true, None) => mistakes.push(format!("{name}: not found")),
            (false, Some(_)) => mistakes.push(format!("{name}: found after all")),
        }
    }
    assert!(mistakes.is_empty(), "{mistakes:#?}");
    println!("{found} found, {} beyond a schema", BEYOND_A_SCHEMA.len());
}

#[test]
fn an_editor_accepts_each_form_of_a_time_that_kubex_accepts() {
    let validator = validator();
    let accepts = |timeout: &Value| {
        validator.is_valid(&serde_json::json!({"sources": {"kubeconfig": {"timeout": timeout}}}))
    };
    for time in [
        "30s",
        "5m",
        "300ms",
        "1h 30m",
        "1h30m",
        "1.5s",
        "2 minutes, 3 seconds",
        "PT1M30S",
    ] {
        let value: kubex_core::options::Value = serde_json::from_value(time.into()).unwrap();
        assert!(value.parse::<kubex_core::host::Deadline>().is_ok(), "{time}");
        assert!(accepts(&time.into()), "{time}");
    }
    for wrong in ["soon", "30", "30x", ""] {
        let value: kubex_core::options::Value = serde_json::from_value(wrong.into()).unwrap();
        assert!(value.parse::<kubex_core::host::Deadline>().is_err(), "{wrong}");
        assert!(!accepts(&wrong.into()), "{wrong}");
    }
    assert!(accepts(&Value::Null) && accepts(&30.into()) && !accepts(&0.into()));
}

#[tokio::test]
async fn a_file_may_name_its_schema() {
    let world = super::world();
    world.write(
        super::MACHINE,
        "$schema: ./kubex.schema.json\nchain: [in-cluster]\n",
    );
    let configuration = kubex::config::Configuration::load(&world.host()).await.unwrap();
    configuration.check(&kubex::registry().unwrap()).unwrap();
    assert_eq!(configuration.sources()[0].name, "in-cluster");
    assert!(validator().is_valid(&serde_json::json!({"$schema": "./kubex.schema.json"})));
}
