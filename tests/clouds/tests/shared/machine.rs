//! A machine without a cloud: no variable of this process counts, and the home directory is the test's own.

use std::path::Path;

use kubex::{Chain, Host, Options, Result, Source};

/// The variables of this process with these prefixes, and those of proxies. In a test, each is set by the test or not at all.
pub(crate) fn variables(prefixes: &[&str]) -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let is_read = |name: &String| {
        prefixes.iter().any(|prefix| name.starts_with(prefix)) || name.to_lowercase().ends_with("_proxy")
    };
    names.filter(is_read).collect()
}

/// The real host without the foreign variables, and with these.
pub(crate) fn machine(home: &Path, foreign: &[String], variables: &[(&str, &str)]) -> Host {
    let host = foreign
        .iter()
        .fold(Host::real(), |host, name| host.with_variable(name, None::<&str>))
        .with_variable("HOME", Some(home));
    variables
        .iter()
        .fold(host, |host, (name, value)| host.with_variable(name, Some(*value)))
}

/// A chain of one source, which has the name of its provider.
pub(crate) fn chain(provider: &'static str, host: Host, options: Options) -> Result<Chain> {
    Chain::builder(kubex::registry()?)
        .host(host)
        .source(Source::new(provider).provider(provider).options(options))
        .build()
}

/// Writes a file below the home directory, and returns its path.
pub(crate) fn write(home: &Path, file: &str, content: &str) -> String {
    let path = home.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}
