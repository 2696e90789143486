//! The help for a provider that is not linked into this program.

use kubex_core::text::nearest;

/// The providers of Kubex that a program links only on demand.
pub(super) const ON_DEMAND: [&str; 6] = [
    "aks",
    "eks",
    "github-actions",
    "gke",
    SERVICE_ACCOUNT,
    "token-exchange",
];

/// This provider is a separate crate. Only the command has a feature for it.
const SERVICE_ACCOUNT: &str = "service-account";

/// How to link a provider of Kubex. `None` if the name is not that of one.
pub(super) fn how_to_link(name: &str) -> Option<String> {
    let name = ON_DEMAND.into_iter().find(|known| *known == name)?;
    let in_a_program = match name {
        SERVICE_ACCOUNT => {
            "add the crate kubex-service-account and `use kubex_service_account as _;`".to_owned()
        }
        _ => format!("enable the cargo feature \"{name}\" of kubex"),
    };
    Some(format!(
        "in a program of your own, {in_a_program}; for the command kubex, run \
         `cargo install --path kubex/cli --features {name}`"
    ))
}

/// The help for an unknown provider: how to link it if it is one of Kubex's, or the name of one that is similar.
pub(super) fn help_about(name: &str) -> Option<String> {
    how_to_link(name).or_else(|| {
        let near = nearest(name, &ON_DEMAND)?;
        Some(format!("did you mean \"{near}\"? {}", how_to_link(near)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_of_kubex_is_linked_by_a_feature_of_its_name_and_a_typing_mistake_is_found() {
        let help = help_about("eks").unwrap();
        assert!(
            help.contains("cargo feature \"eks\"") && help.ends_with("--features eks`"),
            "{help}"
        );
        let help = help_about("token-exchang").unwrap();
        assert!(help.starts_with("did you mean \"token-exchange\"?"), "{help}");
        assert_eq!(help_about("my-vault"), None);
    }

    /// A provider is on demand if the default features do not link it, and a feature of its name does.
    #[test]
    fn the_features_of_the_command_are_the_providers_on_demand() {
        let manifest = include_str!("../../cli/Cargo.toml");
        let (_, features) = manifest.split_once("[features]\n").unwrap();
        let (features, _) = features.split_once("\n[").unwrap();
        let lines = features.lines().filter(|line| !line.starts_with('#'));
        let mut names: Vec<&str> = lines
            .filter_map(|line| line.split_once(" = "))
            .map(|(name, _)| name)
            .collect();
        names.sort_unstable();
        assert_eq!(names, ON_DEMAND);
    }
}
