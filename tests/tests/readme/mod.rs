//! Checks the configuration that a README shows, by the providers that the suite links.

use kubex_core::host::SimulatedHost;

/// Checks the first YAML block.
pub(crate) async fn check_configuration(readme: &str) {
    let (_, written) = readme.split_once("```yaml\n").unwrap();
    let (written, _) = written.split_once("```").unwrap();
    let world = SimulatedHost::new();
    world.set_variable("HOME", "/home/jane");
    let file = "/etc/kubex/config.yaml";
    world.write(file, written);
    let registry = kubex::registry().unwrap();
    kubex::config::Configuration::check_file(file, &world.host(), &registry)
        .await
        .unwrap();
}
