//! Finds the kubeconfig files: those in `$KUBECONFIG`, otherwise the one in the home directory.

use std::collections::HashSet;
use std::path::PathBuf;

use kubex_core::text::{NotAPath, check_path, not_a_path};
use kubex_core::{Error, Host, Origin, Result};

/// The files that form the kubeconfig, in order, and whether they must exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) are_required: bool,
    /// The variable that lists them, for the message that they do not exist.
    pub(crate) listed_by: Option<&'static str>,
}

/// Finds the files without reading them (client-go, tools/clientcmd/loader.go). Empty elements are
/// skipped, and a file that is listed twice is read once. A list replaces the file in the home directory, even if it contains
/// no file.
pub(crate) fn discover(host: &Host) -> Result<Places> {
    let environment = host.environment();
    let Some(list) = environment.variable("KUBECONFIG").filter(|list| !list.is_empty()) else {
        let home = environment.home_directory().ok_or_else(|| {
            not_there("neither KUBECONFIG nor a home directory is set, so there is no kubeconfig")
        })?;
        return Ok(Places {
            paths: vec![home.join(".kube").join("config")],
            are_required: false,
            listed_by: None,
        });
    };
    // This check precedes splitting the list, because a document contains many colons.
    let written = list.to_string_lossy();
    if not_a_path(&written).is_some_and(|what| what != NotAPath::TooLong) {
        check_path("KUBECONFIG", &written, &Origin::variable("KUBECONFIG"))?;
    }
    let paths = distinct(std::env::split_paths(&list));
    if paths.is_empty() {
        return Err(not_there("KUBECONFIG lists no file"));
    }
    Ok(Places {
        paths,
        are_required: false,
        listed_by: Some("KUBECONFIG"),
    })
}

/// The error that there is no kubeconfig, after which the chain continues.
pub(crate) fn not_there(reason: impl std::fmt::Display) -> Error {
    Error::not_configured(reason).with_help("set KUBECONFIG, or write ~/.kube/config")
}

/// The paths without empty ones, each once.
pub(crate) fn distinct(paths: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
    let mut known = HashSet::new();
    paths
        .into_iter()
        .filter(|path| !path.as_os_str().is_empty() && known.insert(path.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use kubex_core::host::SimulatedHost;

    use super::*;

    fn found(kubeconfig: Option<&str>, home: Option<&str>) -> Result<Vec<PathBuf>> {
        let world = SimulatedHost::new();
        if let Some(kubeconfig) = kubeconfig {
            world.set_variable("KUBECONFIG", kubeconfig);
        }
        if let Some(home) = home {
            world.set_variable("HOME", home);
        }
        discover(&world.host()).map(|places| places.paths)
    }

    #[test]
    #[cfg(unix)]
    fn a_list_replaces_the_home_file() {
        let paths = |paths: &[&str]| -> Vec<PathBuf> { paths.iter().map(PathBuf::from).collect() };
        assert_eq!(
            found(None, Some("/home/jane")).unwrap(),
            [Path::new("/home/jane/.kube/config")]
        );
        assert_eq!(
            found(Some(""), Some("/home/jane")).unwrap(),
            [Path::new("/home/jane/.kube/config")]
        );
        assert_eq!(
            found(Some("/a:/b::/a:"), Some("/home/jane")).unwrap(),
            paths(&["/a", "/b"])
        );
        assert!(
            found(Some(":"), Some("/home/jane"))
                .unwrap_err()
                .is_not_configured()
        );
        assert!(found(None, None).unwrap_err().is_not_configured());
        assert!(found(None, Some("relative")).unwrap_err().is_not_configured());
    }
}
