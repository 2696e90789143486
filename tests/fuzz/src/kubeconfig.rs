//! Kubeconfigs in a simulated world, with the real providers.

use kubex_core::host::SimulatedHost;
use kubex_core::{Chain, ClientConfiguration, Options, Registry, Result, Source};
use kubex_kubeconfig::KubeconfigProvider;

use crate::now;
use crate::shown::{self, MARKER};

/// Resolves files as one kubeconfig.
pub fn resolve(files: &[&str]) -> Result<ClientConfiguration> {
    let world = SimulatedHost::new();
    let paths: Vec<String> = (0..files.len())
        .map(|index| format!("/d/config-{index}"))
        .collect();
    for (path, file) in paths.iter().zip(files) {
        world.write(path, file);
    }
    let options = Options::new().set("paths", paths);
    let chain = Chain::builder(registry()?)
        .host(world.host())
        .source(Source::new("kubeconfig").provider("kubeconfig").options(options));
    now(chain.build()?.resolve())
}

/// Loads bytes, whatever they are, and lists their contexts.
pub fn load(bytes: &[u8]) {
    let provider = KubeconfigProvider::from_bytes("bytes", bytes.to_vec().into());
    match now(provider.load(&SimulatedHost::new().host())) {
        Ok(kubeconfig) => {
            for context in kubeconfig.contexts() {
                let _ = format!("{context:?} {}", context.origin);
            }
        }
        Err(error) => drop(format!("{error} {error:?}")),
    }
}

fn registry() -> Result<Registry> {
    Registry::from_registrations([
        &kubex_kubeconfig::REGISTRATION,
        &kubex_static::REGISTRATION,
        &kubex_token_file::REGISTRATION,
        &kubex_exec::REGISTRATION,
    ])
}

/// Everything that a person or a log may be shown of it.
pub fn shown(resolved: &Result<ClientConfiguration>) -> String {
    shown::shown(resolved)
}

/// What it means, without where anything was written down.
pub fn meaning(resolved: &Result<ClientConfiguration>) -> String {
    match resolved {
        Ok(configuration) => {
            let cluster = configuration.cluster();
            let mut warnings: Vec<_> = configuration
                .warnings()
                .iter()
                .map(kubex_core::Warning::id)
                .collect();
            warnings.sort_unstable();
            format!(
                "{cluster:?} {} {:?} {} {warnings:?}",
                configuration.namespace(),
                configuration.impersonation(),
                configuration.credentials().describe(),
            )
        }
        Err(error) => {
            let mut problems: Vec<_> = error
                .problems()
                .map(|problem| {
                    (
                        format!("{:?}", problem.kind()),
                        problem.origin().map(|origin| origin.keys().to_owned()),
                    )
                })
                .collect();
            problems.sort_unstable();
            format!("{problems:?}")
        }
    }
}

/// Fails where an output contains a planted secret that does not stand in a name's place.
pub fn assert_shows_no_secret(text: &str) {
    let shown = shown(&resolve(&[text]));
    if shown.contains(MARKER) && shown::is_made_a_name(text) == Some(false) {
        panic!("{shown}\n{text}");
    }
}
