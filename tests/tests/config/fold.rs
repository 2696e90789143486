//! Random layers: what comes out is the fold that is documented, computed here by other means.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kubex::Options;
use kubex::config::Configuration;
use kubex_core::host::SimulatedHost;
use kubex_core::options::{Value, ValueKind};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::string::string_regex;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value as Json, json};

const SETS: u32 = 10_000;
const SOURCES: &[&str] = &["a", "break-glass", "in-cluster", "kubeconfig"];

/// What a layer says, by the keys joined with dots. Null takes back what earlier layers said.
type Said = BTreeMap<String, Json>;

#[derive(Clone, Debug)]
struct Layers {
    machine: File,
    user: Option<File>,
    named: Option<File>,
    variables: Said,
    code: Said,
    profile: Option<&'static str>,
}

#[derive(Clone, Debug)]
struct File {
    is_toml: bool,
    said: Said,
    profiles: BTreeMap<&'static str, Said>,
}

fn said() -> impl Strategy<Value = Said> {
    let chain = vec(proptest::sample::select(SOURCES), 0..5).prop_map(|mut names| {
        let mut known = std::collections::BTreeSet::new();
        names.retain(|name| known.insert(*name));
        json!(names)
    });
    // A pattern that is given as text is parsed for each value.
    let texts = |pattern| string_regex(pattern).unwrap();
    let text = || prop_oneof![5 => texts("[a-z]{1,6}").prop_map(Json::from), 1 => Just(Json::Null)];
    let paths = texts("/[a-z]{1,4}");
    let option = (0..4usize, text(), any::<bool>(), vec(paths, 0..3)).prop_map(
        |(kind, text, is_on, list)| match kind {
            0 => ("context", text),
            1 => ("enabled", json!(is_on)),
            2 => ("paths", json!(list)),
            _ => ("user", text),
        },
    );
    let options = vec(
        (
            proptest::sample::select(&["a", "break-glass", "kubeconfig"][..]),
            option,
        ),
        0..6,
    );
    (option::of(chain), options, option::of(text())).prop_map(|(chain, options, namespace)| {
        let mut said = Said::new();
        said.extend(chain.map(|chain| ("chain".to_owned(), chain)));
        for (source, (key, value)) in options {
            said.insert(format!("sources.{source}.{key}"), value);
        }
        said.extend(namespace.map(|text| ("overrides.namespace".to_owned(), text)));
        said
    })
}

fn file() -> impl Strategy<Value = File> {
    let profiles = btree_map(proptest::sample::select(&["ci", "production"][..]), said(), 0..3);
    (any::<bool>(), said(), profiles).prop_map(|(is_toml, said, profiles)| File {
        is_toml,
        said,
        profiles,
    })
}

fn layers() -> impl Strategy<Value = Layers> {
    let profile = option::of(proptest::sample::select(&["ci", "production"][..]));
    let files = (file(), option::of(file()), option::of(file()));
    (files, said(), said(), profile).prop_map(|((mut machine, user, named), variables, code, profile)| {
        for source in ["a", "break-glass"] {
            machine
                .said
                .insert(format!("sources.{source}.provider"), json!("kubeconfig"));
        }
        // A profile must be in some file.
        machine.profiles.entry("ci").or_default();
        machine.profiles.entry("production").or_default();
        Layers {
            machine,
            user,
            named,
            variables,
            code,
            profile,
        }
    })
}

impl File {
    /// What it says, as nested mappings.
    fn tree(&self) -> Json {
        let mut tree = nested(&self.said);
        let profiles: serde_json::Map<_, _> = self
            .profiles
            .iter()
            .map(|(name, said)| ((*name).to_owned(), nested(said)))
            .collect();
        if !profiles.is_empty() {
            tree["profiles"] = Json::Object(profiles);
        }
        tree
    }

    fn write(&self, world: &SimulatedHost, path: &str) {
        let path = format!("{path}.{}", if self.is_toml { "toml" } else { "yaml" });
        let text = if self.is_toml {
            toml(&self.tree(), &mut Vec::new())
        } else {
            yaml(&self.tree(), 0)
        };
        world.write(&path, &text);
    }

    /// TOML has no null, so what is null there was not said.
    fn heard(&self, said: &Said) -> Said {
        let heard = said
            .iter()
            .filter(|(_, value)| !(self.is_toml && value.is_null()));
        heard.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

fn nested(said: &Said) -> Json {
    let mut tree = json!({});
    for (path, value) in said {
        let mut place = &mut tree;
        for key in path.split('.') {
            place = &mut place[key];
        }
        *place = value.clone();
    }
    tree
}

fn yaml(tree: &Json, depth: usize) -> String {
    let Some(entries) = tree.as_object().filter(|entries| !entries.is_empty()) else {
        return format!(" {tree}\n");
    };
    let mut text = if depth == 0 {
        String::new()
    } else {
        "\n".to_owned()
    };
    for (key, value) in entries {
        write!(text, "{}{key}:{}", "  ".repeat(depth), yaml(value, depth + 1)).unwrap();
    }
    text
}

fn toml(tree: &Json, keys: &mut Vec<String>) -> String {
    let entries = tree.as_object().unwrap();
    let mut text = String::new();
    for (key, value) in entries
        .iter()
        .filter(|(_, value)| !value.is_object() && !value.is_null())
    {
        writeln!(text, "{key} = {value}").unwrap();
    }
    if !keys.is_empty() {
        text = format!("[{}]\n{text}", keys.join("."));
    }
    for (key, value) in entries.iter().filter(|(_, value)| value.is_object()) {
        keys.push(key.clone());
        text += &toml(value, keys);
        keys.pop();
    }
    text
}

/// A variable's text; `None` for what a variable cannot say.
fn text(value: &Json) -> Option<String> {
    let text = match value {
        Json::Array(items) => items
            .iter()
            .filter_map(Json::as_str)
            .collect::<Vec<_>>()
            .join(","),
        Json::String(text) => text.clone(),
        Json::Bool(value) => value.to_string(),
        _ => String::new(),
    };
    Some(text).filter(|text| !text.is_empty())
}

fn value(json: &Json) -> Value {
    let kind: ValueKind = match json {
        Json::Array(items) => ValueKind::Sequence(items.iter().map(value).collect()),
        Json::String(text) => text.as_str().into(),
        Json::Bool(value) => (*value).into(),
        _ => ValueKind::Null,
    };
    Value::new(kind, kubex::Origin::code())
}

/// The documented fold: defaults, then the files outside of profiles, then the files in the chosen profile, then
/// variables, then the program; a later value takes the place of an earlier one of the same keys.
fn expected(layers: &Layers) -> Said {
    let files: Vec<&File> = [Some(&layers.machine), layers.user.as_ref(), layers.named.as_ref()]
        .into_iter()
        .flatten()
        .collect();
    let mut all = Said::from([("chain".to_owned(), json!(["kubeconfig", "in-cluster"]))]);
    for file in &files {
        all.extend(file.heard(&file.said));
    }
    for file in &files {
        if let Some(said) = layers.profile.and_then(|profile| file.profiles.get(profile)) {
            all.extend(file.heard(said));
        }
    }
    all.extend(
        layers
            .variables
            .iter()
            .filter(|(_, value)| text(value).is_some())
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    all.extend(layers.code.clone());
    all.retain(|_, value| !value.is_null());
    all
}

async fn check(layers: &Layers) -> Result<(), TestCaseError> {
    let world = SimulatedHost::new();
    world.set_variable("XDG_CONFIG_HOME", "/xdg");
    layers.machine.write(&world, "/etc/kubex/config");
    if let Some(user) = &layers.user {
        user.write(&world, "/xdg/kubex/config");
    }
    if let Some(named) = &layers.named {
        named.write(&world, "/named");
        world.set_variable(
            "KUBEX_CONFIG",
            if named.is_toml {
                "/named.toml"
            } else {
                "/named.yaml"
            },
        );
    }
    if let Some(profile) = layers.profile {
        world.set_variable("KUBEX_PROFILE", profile);
    }
    for (key, value) in &layers.variables {
        let name = format!(
            "KUBEX_{}",
            key.to_uppercase().replace('.', "__").replace('-', "_")
        );
        if let Some(text) = text(value) {
            world.set_variable(&name, &text);
        }
    }
    let mut code = Options::new();
    for (key, json) in &layers.code {
        code.insert(key, value(json));
    }
    let failed = |error: kubex::Error| TestCaseError::fail(error.to_string());
    let configuration = Configuration::load(&world.host()).await.map_err(failed)?;
    let configuration = configuration.with(code).map_err(failed)?;

    let registry = kubex::registry().unwrap();
    let expected = expected(layers);
    let found: Said = configuration
        .entries(&registry)
        .into_iter()
        .map(|entry| {
            let from_variable = entry.origin.to_string().starts_with('$');
            let typed = match (&entry.shown, expected.get(&entry.key)) {
                // A variable's text, which becomes a list or a boolean where its provider is built.
                (Json::String(shown), Some(expected))
                    if from_variable && Some(shown) == text(expected).as_ref() =>
                {
                    expected.clone()
                }
                _ => entry.shown,
            };
            (entry.key, typed)
        })
        .collect();
    prop_assert_eq!(&found, &expected);

    let is_on = |name: &str| expected.get(&format!("sources.{name}.enabled")) != Some(&json!(false));
    let names = expected
        .get("chain")
        .and_then(Json::as_array)
        .cloned()
        .unwrap_or_default();
    let names: Vec<&str> = names
        .iter()
        .filter_map(|name| SOURCES.iter().find(|known| *name == **known))
        .copied()
        .collect();
    let enabled: Vec<&str> = names.into_iter().filter(|name| is_on(name)).collect();
    // Nothing is there in this world, so every source of the chain is asked and says so.
    let error = configuration
        .chain(registry)
        .map_err(failed)?
        .build()?
        .resolve()
        .await
        .unwrap_err();
    let asked: Vec<&str> = error
        .report()
        .unwrap()
        .attempts()
        .iter()
        .map(|attempt| attempt.source.as_str())
        .collect();
    prop_assert_eq!(asked, enabled);
    Ok(())
}

#[test]
fn the_chain_is_the_documented_fold_of_ten_thousand_random_sets_of_layers() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        cases: SETS,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::XorShift));
    let outcome = runner.run(&layers(), |layers| runtime.block_on(check(&layers)));
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}
