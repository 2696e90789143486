//! Checks the plugins in `exec.native`: which of them no provider replaces.

use kubex_core::options::ValueKind;
use kubex_core::text::{clean_line, nearest};
use kubex_core::{Origin, Registration, Registry, Warning};

use super::settings::Settings;
use super::unlinked;

/// The plugins that Kubex's own providers replace, and these providers.
const REPLACED: [(&str, &str); 3] = [
    ("aws", "eks"),
    ("gke-gcloud-auth-plugin", "gke"),
    ("kubelogin", "aks"),
];

/// A warning for each name that no linked provider replaces, with its location.
pub(super) fn warnings(settings: &Settings, registry: &Registry) -> Vec<Warning> {
    let Some(rules) = &settings.rules else {
        return Vec::new();
    };
    let linked: Vec<&str> = registry
        .iter()
        .filter_map(Registration::replaced_plugin)
        .collect();
    let list = settings.tree.get("exec").and_then(|exec| exec.get("native"));
    let items = match list.map(kubex_core::options::Value::kind) {
        Some(ValueKind::Sequence(items)) => items.as_slice(),
        _ => &[],
    };
    let unreplaced = rules.native_plugins().iter().enumerate();
    let unreplaced = unreplaced.filter(|(_, name)| !linked.contains(&name.as_str()));
    let warned = unreplaced.map(|(index, name)| {
        let origin = items.get(index).map(|item| item.origin().clone());
        let origin = origin.or_else(|| list.map(|list| list.origin().clone()));
        Warning::new("plugin-not-replaced", why_not_replaced(name, &linked))
            .with_origin(&origin.unwrap_or_else(Origin::code))
    });
    warned.collect()
}

fn why_not_replaced(name: &str, linked: &[&str]) -> String {
    let shown = clean_line(name);
    if let Some((_, provider)) = REPLACED.into_iter().find(|(replaced, _)| *replaced == name) {
        let help = unlinked::how_to_link(provider).unwrap_or_default();
        return format!(
            "\"exec.native\" lists the plugin \"{shown}\", but its replacement, the provider \"{provider}\", is not linked into this \
             program; {help}"
        );
    }
    let mut known: Vec<&str> = REPLACED.into_iter().map(|(plugin, _)| plugin).collect();
    known.extend(linked);
    known.sort_unstable();
    known.dedup();
    let help = match nearest(name, &known) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("the plugins that can be replaced are {}", known.join(", ")),
    };
    format!("\"exec.native\" lists \"{shown}\", but no provider replaces a plugin of that name; {help}")
}

#[cfg(test)]
mod tests {
    use super::REPLACED;

    #[test]
    fn each_plugin_that_a_built_in_provider_replaces_is_known_with_its_provider() {
        for registration in crate::registry().unwrap().iter() {
            let replaced = registration.replaced_plugin();
            let is_known = |plugin| REPLACED.contains(&(plugin, registration.name()));
            assert!(replaced.is_none_or(is_known), "{replaced:?}");
        }
    }
}
