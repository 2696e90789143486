//! What the fuzz targets share: kubeconfigs in a simulated world, with the real providers.

#[allow(dead_code, reason = "the property tests use the rest")]
#[path = "../../../providers/kubeconfig/tests/properties/marks.rs"]
mod marks;
#[allow(dead_code, reason = "the property tests use the rest")]
#[path = "../../../providers/kubeconfig/tests/properties/shown.rs"]
mod shown;

use kubex_core::host::SimulatedHost;
use kubex_core::{Chain, Options, Registry, ClientConfiguration, Result, Source};
use kubex_kubeconfig::KubeconfigProvider;

use marks::Marks;

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
    let chain =
        Chain::builder(registry()?)
            .host(world.host())
            .source(Source::new("kubeconfig").provider("kubeconfig").options(options));
    now(chain.build()?.resolve())
}

/// Loads bytes, whatever they are, and lists their contexts.
pub fn load(bytes: &[u8]) {
    let Ok(registry) = registry() else { return };
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

/// Waits for what never waits: the simulated host answers at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().build().unwrap_or_else(|error| panic!("{error}"));
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// All that is told of it.
pub fn told(resolved: &Result<ClientConfiguration>) -> String {
    shown::shown(resolved)
}

/// What it means, without where anything was written down.
pub fn meaning(resolved: &Result<ClientConfiguration>) -> String {
    match resolved {
        Ok(ClientConfiguration { configuration, .. }) => {
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

/// Fails where something that is told has a planted secret in it that stands in no name's place.
pub fn assert_tells_no_secret(text: &str) {
    let told = told(&resolve(&[text]));
    if told.contains(shown::MARKER) && shown::is_made_a_name(text) == Some(false) {
        panic!("{told}\n{text}");
    }
}

/// Fails where the provenance has a position that another parser does not tell.
pub fn assert_positions(text: &str) {
    let Ok(ClientConfiguration { configuration, .. }) = resolve(&[text]) else {
        return;
    };
    let Some(marks) = Marks::of(text) else { return };
    for (_, origin) in configuration.provenance().fields() {
        let Some(position) = origin.line_and_column() else {
            continue;
        };
        let Some(path) = path_of(origin.keys(), &marks) else {
            continue;
        };
        let Some(mark) = marks.get(&path) else { continue };
        assert!(
            position == mark || marks.is_around(&path, position),
            "{origin} is at {mark:?} in\n{text}\n{text:?}"
        );
    }
}

/// The path of `users[jane].user.token`, where no name in it has a dot or a bracket: an entry's index by its name.
fn path_of(keys: &str, marks: &Marks) -> Option<Vec<String>> {
    let mut path: Vec<String> = Vec::new();
    for step in keys.split('.') {
        let (key, rest) = step
            .split_once('[')
            .map_or((step, None), |(key, rest)| (key, Some(rest)));
        path.push(key.to_owned());
        let Some(rest) = rest else { continue };
        let name = rest.strip_suffix(']')?;
        if name.contains(['[', ']']) {
            return None;
        }
        let index = if path.len() > 1 {
            format!("[{name}]")
        } else {
            let mut entries = marks.texts().filter(|(path, text)| {
                matches!(path, [list, _, last] if list == key && last == "name") && *text == name
            });
            let (found, _) = entries.next()?;
            if entries.next().is_some() {
                return None;
            }
            found.get(1)?.clone()
        };
        path.push(index);
    }
    Some(path)
}
