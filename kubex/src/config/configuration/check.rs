//! Checks a configuration as a whole, with what its chain does not use.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use kubex_core::error::Problems;
use kubex_core::options::ValueKind;
use kubex_core::{Error, ErrorKind, Host, Origin, Registration, Registry, Result};

use super::Configuration;
use crate::config::layer::Layer;
use crate::config::places::NamedFile;
use crate::config::settings::{LocatedName, SourceSettings};
use crate::config::{places, prepare};
use crate::default_chain::DEFAULT_ORDER;

impl Configuration {
    /// Reads the built-in defaults and this file, and [checks](Self::check) them. Unlike
    /// [`from_file`](Self::from_file), this function continues after a problem, so that its error contains all
    /// problems.
    ///
    /// # Errors
    /// Returns one error with all problems, each with its file, line and key.
    pub async fn check_file(path: impl AsRef<Path>, host: &Host, registry: &Registry) -> Result<Self> {
        let path = host.from_working_directory(path.as_ref());
        let file = places::required(&path, host, &Origin::file(&path)).await?;
        let layers = vec![Layer::defaults(DEFAULT_ORDER), file];
        let mut problems = Problems::new();
        let configuration = Self::from_valid_parts(host.clone(), layers, None, None, &mut problems)?;
        configuration.check_all(registry, problems)?;
        Ok(configuration)
    }

    /// Checks each file that [`load`](Self::load) reads, like [`check_file`](Self::check_file). Then merges the files, the
    /// variables and the selected profile, and checks the result.
    ///
    /// # Errors
    /// Returns one error with all problems, each with its location.
    pub async fn check_files(host: &Host, registry: &Registry) -> Result<Self> {
        Self::check_layers(host, None, registry).await
    }

    /// Like [`check_files`](Self::check_files), but reads this file instead of the one in `KUBEX_CONFIG`. Errors contain
    /// `origin`: the place that the path comes from, such as a command-line flag.
    ///
    /// # Errors
    /// Returns the errors of [`check_files`](Self::check_files), and [`ErrorKind::UnreadableFile`] if the file does not exist.
    pub async fn check_files_with(
        path: impl AsRef<Path>,
        origin: Origin,
        host: &Host,
        registry: &Registry,
    ) -> Result<Self> {
        let path = host.from_working_directory(path.as_ref());
        Self::check_layers(host, Some(NamedFile { path, origin }), registry).await
    }

    async fn check_layers(host: &Host, named: Option<NamedFile>, registry: &Registry) -> Result<Self> {
        let mut problems = Problems::new();
        for file in places::files(host, named.as_ref()).await? {
            problems.take(Self::check_file(file, host, registry).await);
        }
        problems.into_result()?;
        let configuration = Self::load_named(host, named).await?;
        configuration.check(registry)?;
        Ok(configuration)
    }

    /// Returns the paths where [`load`](Self::load) looks for the machine's and the user's configuration file, in order. The
    /// files need not exist.
    pub fn searched_paths(host: &Host) -> Vec<PathBuf> {
        places::searched(host)
    }

    /// Checks the whole configuration, including what the chain does not use: disabled sources, sources that are not in the
    /// chain, and every profile of the files. The variables that the configuration refers to need not be set.
    ///
    /// # Errors
    /// Returns one error with all problems.
    pub fn check(&self, registry: &Registry) -> Result<()> {
        self.check_all(registry, Problems::new())
    }

    /// `found` are the problems of what was left out.
    fn check_all(&self, registry: &Registry, mut found: Problems) -> Result<()> {
        self.check_profile(registry, &mut found);
        for name in self.profiles() {
            let profile = LocatedName {
                name,
                origin: Origin::code(),
            };
            let layers = self.layers.clone();
            let profile = Self::from_valid_parts(self.host.clone(), layers, Some(profile), None, &mut found);
            if let Some(profile) = found.take(profile) {
                profile.check_profile(registry, &mut found);
            }
        }
        let Err(error) = found.into_result() else {
            return Ok(());
        };
        // A problem outside of the profiles is found again in each of them.
        let mut seen = HashSet::new();
        let mut found = error.into_problems();
        found.retain(|problem| {
            seen.insert((
                problem.message().to_owned(),
                problem.origin().map(ToString::to_string),
            ))
        });
        found.sort_by_key(|problem| problem.origin().and_then(Origin::line_and_column));
        let mut problems = Problems::new();
        for problem in found {
            problems.add(problem);
        }
        problems.into_result()
    }

    fn check_profile(&self, registry: &Registry, problems: &mut Problems) {
        // A variable that is not set here may be set where the file is used.
        let (overrides, _) = self.overrides(problems);
        problems.take(prepare::check_server(&overrides));
        if let Some(chain) = self.settings.tree.get("chain")
            && matches!(chain.kind(), ValueKind::Sequence(items) if items.is_empty())
        {
            let error = Error::new(ErrorKind::InvalidValue, "the chain has no sources");
            problems.add(
                error
                    .with_origin(chain.origin())
                    .with_help("add a source, or remove the key"),
            );
        }
        let prepared = self.prepared(registry, problems);
        self.references(&prepared, registry, problems);
        let is_prepared =
            |source: &SourceSettings| prepared.iter().any(|(other, _)| other.name == source.name);
        let is_in_use = |source: &SourceSettings| {
            source.is_enabled && self.settings.chain.iter().any(|named| named.name == source.name)
        };
        for source in &self.settings.sources {
            problems
                .take(prepare::check_server(&source.options).map_err(|error| error.in_source(&source.name)));
            let is_valid = if is_in_use(source) {
                is_prepared(source)
            } else {
                problems
                    .take(prepare::prepare_source(source, registry, &self.host))
                    .is_some()
            };
            let is_identity = registry
                .get(source.provider_name())
                .is_ok_and(Registration::is_source);
            if is_valid
                && is_identity
                && !source.options.has_any(&["server"])
                && overrides.get("server").is_none()
            {
                let error = Error::new(ErrorKind::MissingCluster, "no server is set")
                    .with_origin(&source.origin)
                    .with_help("set \"server\" to its address, https://host:port");
                problems.add(error.in_source(&source.name));
            }
        }
    }
}
