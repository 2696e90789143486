//! Wrong configurations, one folder each under `wrong/`, with what Kubex says of them.
//!
//! | file | is |
//! |---|---|
//! | `config.yaml`, `config.toml` | that file in `/etc/kubex` |
//! | `user.yaml`, `user.toml` | `config.yaml` or `config.toml` in `/home/jane/.config/kubex` |
//! | `variables` | lines of `NAME=value` |
//! | `expected` | the kind of the error, and its text |
//!
//! With `UPDATE_EXPECTED=1` the expectations are written anew, to be read before they are committed.

use std::fs;
use std::path::Path;

use kubex::config::Configuration;
use kubex::{Error, Result};
use kubex_core::host::SimulatedHost;

/// What is planted where a value could be echoed.
const PLANTED: &str = "s3cr3t-planted";

fn scene(case: &Path) -> SimulatedHost {
    let world = super::world();
    for file in fs::read_dir(case).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        match name.split_once('.') {
            Some(("config", _)) => world.write(format!("/etc/kubex/{name}"), &text),
            Some(("user", format)) => {
                world.write(format!("/home/jane/.config/kubex/config.{format}"), &text);
            }
            None if name == "variables" => {
                for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
                    world.set_variable(name, value);
                }
            }
            None if name == "expected" => {}
            _ => panic!("{name} means nothing in {}", case.display()),
        }
    }
    world
}

/// Goes on until something is wrong.
async fn run(world: &SimulatedHost) -> Result<()> {
    let configuration = Configuration::load(&world.host()).await?;
    let registry = kubex::registry()?;
    let chain = configuration.chain(registry.clone())?;
    configuration.check(&registry)?;
    chain.build()?.resolve().await.map(drop)
}

/// What a problem leaves unsaid: where it is, or what to do. One that says what it expected has said what to do.
fn unhelpful(error: &Error, case: &str) -> Option<String> {
    error.problems().find_map(|problem| {
        let Some(origin) = problem.origin() else {
            return Some(format!("{case}: no place: {problem}"));
        };
        let is_malformed = problem.kind() == kubex::ErrorKind::MalformedDocument;
        let says_what_to_do = problem.help().is_some() || problem.message().contains("expected ");
        if !says_what_to_do && !is_malformed {
            return Some(format!("{case}: nothing to do: {problem}"));
        }
        let is_about_a_file = is_malformed || case == "duplicate_file";
        let has_key = !origin.keys().is_empty() || origin.path().is_none();
        (!has_key && !is_about_a_file).then(|| format!("{case}: no key: {problem}"))
    })
}

#[tokio::test]
async fn each_wrong_configuration_gives_the_expected_error() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/wrong");
    let is_updating = std::env::var_os("UPDATE_EXPECTED").is_some();
    let mut cases: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|case| case.unwrap().path())
        .collect();
    cases.sort();
    assert!(cases.len() >= 40, "{} cases", cases.len());
    let mut failures = Vec::new();
    for case in &cases {
        let name = case.file_name().unwrap().to_string_lossy();
        let Err(error) = run(&scene(case)).await else {
            failures.push(format!("{name}: nothing is wrong with it"));
            continue;
        };
        failures.extend(unhelpful(&error, &name));
        let said = format!("{:?}\n{error}\n", error.kind());
        let shown = format!(
            "{said} {error:?} {:?} {:?}",
            error.report(),
            std::error::Error::source(&error)
        );
        assert!(
            !shown.contains(PLANTED) && !shown.contains("s3cr3t"),
            "{name}: {shown}"
        );
        let expected = case.join("expected");
        if is_updating {
            fs::write(&expected, &said).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != said {
            failures.push(format!("{name}: {said}"));
        }
    }
    assert!(failures.is_empty(), "not as expected:\n{}", failures.join("\n"));
}
