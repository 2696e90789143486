//! What the fuzz targets share: kubeconfigs in a simulated world, with the real providers.

#[allow(dead_code, reason = "the property tests use the rest")]
#[path = "../../../providers/kubeconfig/tests/properties/marks.rs"]
mod marks;
#[allow(dead_code, reason = "the property tests use the rest")]
#[path = "../../../providers/kubeconfig/tests/properties/shown.rs"]
mod shown;

use kubex_core::host::SimulatedHost;
use kubex_core::{Chain, ClientConfiguration, Options, Registry, Result, Source};
use kubex_document::{Budget, Document, Format, Kind, Node};
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

/// Everything that a person or a log may be shown of it.
pub fn shown(resolved: &Result<ClientConfiguration>) -> String {
    shown::shown(resolved)
}

/// Reads bytes, whatever they are; fails where a node's span is not a part of its document.
pub fn assert_spans(bytes: &[u8]) {
    for format in [Format::Yaml, Format::Toml] {
        match Document::read(bytes.to_vec().into(), format, &Budget::KUBECONFIG) {
            Ok(document) => {
                assert_span(document.root(), 0);
                let origin = kubex_core::Origin::file("/config");
                let _ = format!("{document:?} {:?}", document.warnings(&origin));
                let _ = document.check_strictly("the document", &origin);
            }
            Err(error) => {
                assert!(error.offset() <= bytes.len() * 2, "{error:?}");
                drop(format!("{error} {error:?}"));
            }
        }
    }
}

fn assert_span(node: Node<'_>, depth: usize) {
    assert!(depth <= Budget::KUBECONFIG.depth, "nested too deep");
    let text = node.document().text();
    assert!(text.get(node.span().range()).is_some(), "{:?}\n{text:?}", node.span());
    assert!(node.position().line > 0 && node.position().column > 0);
    if node.is_alias() {
        return;
    }
    match node.kind() {
        Kind::Sequence => node.items().for_each(|item| assert_span(item, depth + 1)),
        Kind::Mapping => {
            for (key, value) in node.entries() {
                assert!(text.get(key.span().range()).is_some());
                assert_span(value, depth + 1);
            }
        }
        _ => {}
    }
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
    if shown.contains(shown::MARKER) && shown::is_made_a_name(text) == Some(false) {
        panic!("{shown}\n{text}");
    }
}

/// Fails where the provenance has a position that another parser does not find.
pub fn assert_positions(text: &str) {
    let Ok(configuration) = resolve(&[text]) else {
        return;
    };
    if marks::has_other_line_ends(text) {
        return;
    }
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
