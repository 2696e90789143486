//! The same document, however it is written down, is the same configuration.

use std::cell::Cell;

use kubex_core::{ClientConfiguration, Error, Options};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::scene::{HOME_FILE, home, resolve_with, telling, warnings};
use crate::written::Choices;
use crate::{check, kubeconfigs, now};

/// All that a configuration says, or all that is wrong, without where it was written down.
pub(crate) type Outcome = Result<Value, Vec<String>>;

pub(crate) fn outcome(resolved: &kubex_core::Result<ClientConfiguration>) -> Outcome {
    resolved.as_ref().map(said).map_err(wrong)
}

fn said(configuration: &ClientConfiguration) -> Value {
    let cluster = configuration.cluster();
    let mut warnings = warnings(configuration);
    warnings.sort_unstable();
    let extensions: Vec<_> = cluster
        .extensions
        .iter()
        .map(|(name, value)| json!([name, value.parse::<Value>().unwrap()]))
        .collect();
    let fields = configuration.provenance().fields();
    let mut fields: Vec<_> = fields
        .map(|(field, origin)| json!([field, origin.keys()]))
        .collect();
    fields.sort_by_key(Value::to_string);
    json!({
        "server": cluster.server.as_str(),
        "trust": format!("{:?}", cluster.trust),
        "name": cluster.tls_server_name,
        "proxy": cluster.proxy.as_ref().map(|proxy| proxy.expose_url().as_str()),
        "compression": cluster.disable_compression,
        "extensions": extensions,
        "namespace": configuration.namespace(),
        "impersonation": format!("{:?}", configuration.impersonation()),
        "identity": format!("{:?}", configuration.credentials().describe()),
        "warnings": warnings,
        "fields": fields,
    })
}

fn wrong(error: &Error) -> Vec<String> {
    let problems = error.problems().map(|problem| {
        let keys = problem.origin().map_or("", |origin| origin.keys());
        format!("{:?} {keys}", problem.kind())
    });
    let mut problems: Vec<_> = problems.collect();
    problems.sort_unstable();
    problems
}

fn resolve(content: &str) -> kubex_core::Result<ClientConfiguration> {
    now(resolve_with(telling(), &home(content), Options::new()))
}

#[test]
fn yaml_of_any_style_means_what_its_json_means() {
    let (accepted, refused) = (Cell::new(0), Cell::new(0));
    check(&(kubeconfigs::kubeconfig(), Choices::any()), |(tree, choices)| {
        let yaml = tree.yaml(&choices);
        let expected = outcome(&resolve(&tree.json().to_string()));
        let count = if expected.is_ok() { &accepted } else { &refused };
        count.set(count.get() + 1);
        let pretty = serde_json::to_string_pretty(&tree.json()).unwrap();
        for content in [&yaml, &pretty] {
            prop_assert_eq!(
                &outcome(&resolve(content)),
                &expected,
                "\n{}\n{:?}",
                content,
                content
            );
        }
        Ok(())
    });
    // Neither may be rare, or little was compared.
    assert!(
        accepted.get() > 30 && refused.get() > 30,
        "{accepted:?} {refused:?}"
    );
}

#[test]
fn each_reported_position_points_to_its_value() {
    let found = Cell::new(0);
    check(&(kubeconfigs::kubeconfig(), Choices::any()), |(tree, choices)| {
        let yaml = tree.yaml(&choices);
        let text = yaml.trim_start_matches('\u{feff}');
        let Ok(configuration) = resolve(&yaml) else {
            return Ok(());
        };
        // For a server that gets no credential, no provider is told any option.
        let described = configuration.credentials().describe();
        let described: Value = serde_json::from_str(&described).unwrap_or_default();
        let mut values = json!({
            "namespace": configuration.namespace(),
            "tls-server-name": configuration.cluster().tls_server_name,
        });
        if let Some(Value::Object(options)) = described.get("options") {
            values.as_object_mut().unwrap().extend(options.clone());
        }
        for (field, origin) in configuration.provenance().fields() {
            let Some(value) = values.get(field).and_then(Value::as_str) else {
                continue;
            };
            // What is written over several lines, or with escapes, does not stand there as it is; nor does what is masked.
            let is_elsewhere = value.starts_with('/') || value.contains(['\n', '\t', '"', '\'', '\\']);
            if value.is_empty() || is_elsewhere || value.contains("[masked]") {
                continue;
            }
            let Some((line, column)) = origin.line_and_column() else {
                return Err(TestCaseError::fail(format!(
                    "{origin} has no position in\n{yaml}"
                )));
            };
            let line = text.split('\n').nth(line as usize - 1).unwrap();
            let rest: String = line.chars().skip(column as usize - 1).collect();
            let stands = rest.trim_start_matches(['"', '\'']).starts_with(value);
            prop_assert!(
                stands || rest.starts_with(['|', '>']) || rest.trim_end().ends_with('\\'),
                "{field} is not at {origin}, there is {rest:?} in\n{yaml}"
            );
            prop_assert_eq!(origin.path().and_then(|path| path.to_str()), Some(HOME_FILE));
            found.set(found.get() + 1);
        }
        Ok(())
    });
    assert!(found.get() > 50, "only {} were looked at", found.get());
}
