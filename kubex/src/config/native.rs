//! The names of plugins that are to be served natively: what the user should know about those that nothing replaces.

use kubex_core::options::ValueKind;
use kubex_core::text::{clean_line, nearest};
use kubex_core::{Origin, Registration, Registry, Warning};

use super::settings::Settings;

/// The plugins that Kubex's own providers replace. If a program does not link the provider, each call of the plugin is reported.
const REPLACED: [&str; 3] = ["aws", "gke-gcloud-auth-plugin", "kubelogin"];

/// A warning for each name that neither a linked provider nor another one of Kubex replaces, with its place.
pub(super) fn warnings(settings: &Settings, registry: &Registry) -> Vec<Warning> {
    let Some(rules) = &settings.rules else {
        return Vec::new();
    };
    let linked = registry.iter().filter_map(Registration::replaced_plugin);
    let mut known: Vec<&str> = REPLACED.into_iter().chain(linked).collect();
    known.sort_unstable();
    known.dedup();
    let list = settings.tree.get("exec").and_then(|exec| exec.get("native"));
    let items = match list.map(kubex_core::options::Value::kind) {
        Some(ValueKind::Sequence(items)) => items.as_slice(),
        _ => &[],
    };
    let unknown = rules.native_plugins().iter().enumerate();
    let unknown = unknown.filter(|(_, name)| !known.contains(&name.as_str()));
    let warned = unknown.map(|(index, name)| {
        let help = match nearest(name, &known) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("known are {}", known.join(", ")),
        };
        let message = format_args!(
            "\"{}\" is listed as native, but no provider replaces a plugin of that name; {help}",
            clean_line(name)
        )
        .to_string();
        let origin = items.get(index).map(|item| item.origin().clone());
        let origin = origin.or_else(|| list.map(|list| list.origin().clone()));
        Warning::new("plugin-not-replaced", message).with_origin(&origin.unwrap_or_else(Origin::code))
    });
    warned.collect()
}

#[cfg(test)]
mod tests {
    use super::REPLACED;

    #[test]
    fn each_plugin_that_a_built_in_provider_replaces_is_known() {
        for registration in crate::registry().unwrap().iter() {
            let replaced = registration.replaced_plugin();
            assert!(
                replaced.is_none_or(|plugin| REPLACED.contains(&plugin)),
                "{replaced:?}"
            );
        }
    }
}
