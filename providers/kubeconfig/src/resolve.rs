//! From the files to a client configuration.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use kubex_core::options::Value;
use kubex_core::text::clean_line;
use kubex_core::{
    BuildContext, ClientConfiguration, CredentialProvider, Error, ErrorKind, ExposeSecret, FromOptions, Host,
    Options, Origin, Registry, Result, SecretBytes, Warning,
};

use crate::discovery::{Places, discover};
use crate::fields::Fields;
use crate::merge::{Kubeconfig, extensions, find, reference};
use crate::options::KubeconfigOptions;
use crate::user::{Identity, identity};
use crate::{cluster, document};

/// The largest kubeconfig that is read.
const LARGEST_FILE: usize = 64 * 1024 * 1024;

/// The provider `kubeconfig`.
#[derive(Debug)]
pub struct KubeconfigProvider {
    options: KubeconfigOptions,
    /// Where the options were written down, for the errors about them.
    written: Options,
    document: Option<Bytes>,
    registry: Registry,
}

/// A kubeconfig that is no file of the user's, and so is not trusted unless its giver says so.
#[derive(Debug)]
struct Bytes {
    name: String,
    content: SecretBytes,
    is_trusted: bool,
}

impl FromOptions for KubeconfigProvider {
    type Options = KubeconfigOptions;

    fn from_options(options: KubeconfigOptions, context: &BuildContext<'_>) -> Result<Self> {
        if options.path.is_some() && !options.paths.is_empty() {
            return Err(Error::new(
                ErrorKind::ConflictingFields,
                "\"path\" and \"paths\" are both set, and only one can be meant",
            )
            .at(&context.options.origin_of("paths"))
            .advise("remove one of them"));
        }
        Ok(Self {
            options,
            written: context.options.clone(),
            document: None,
            registry: context.registry.clone(),
        })
    }
}

impl KubeconfigProvider {
    /// The kubeconfig of the user: `$KUBECONFIG`, else `~/.kube/config`. The registry must know the providers
    /// that its users need: `static`, `token-file`, `exec`.
    pub fn new(registry: Registry) -> Self {
        Self {
            options: KubeconfigOptions::default(),
            written: Options::new(),
            document: None,
            registry,
        }
    }

    /// A kubeconfig that the program holds; `name` stands for it in reports and errors. It is not trusted:
    /// plugins and file references in it are refused, unless [`trusted`](Self::trusted) allows them.
    pub fn from_bytes(registry: Registry, name: &str, content: SecretBytes) -> Self {
        let document = Bytes {
            name: name.to_owned(),
            content,
            is_trusted: false,
        };
        Self {
            document: Some(document),
            ..Self::new(registry)
        }
    }

    /// This file, and no other. It must be there.
    #[must_use]
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.options.path = Some(path.into());
        self
    }

    /// The context, in place of the current one.
    #[must_use]
    pub fn context(mut self, name: impl Into<String>) -> Self {
        self.options.context = Some(name.into());
        self
    }

    /// Lets a kubeconfig that came as bytes run plugins and name files.
    #[must_use]
    pub fn trusted(mut self, is_trusted: bool) -> Self {
        if let Some(document) = &mut self.document {
            document.is_trusted = is_trusted;
        }
        self
    }

    /// All documents as one.
    async fn load(&self, host: &Host) -> Result<Kubeconfig> {
        let mut kubeconfig = Kubeconfig::default();
        if let Some(bytes) = &self.document {
            let origin = Origin::bytes(&bytes.name);
            let document = document::parse(bytes.content.expose_secret(), &origin)?;
            kubeconfig.add(document, &origin, None)?;
            if kubeconfig.says_nothing() {
                let name = clean_line(&bytes.name);
                return Err(
                    Error::new(ErrorKind::MissingContext, format_args!("{name} declares nothing"))
                        .at(&origin),
                );
            }
            return Ok(kubeconfig);
        }
        let places = self.places(host)?;
        let mut tried = Vec::new();
        for path in &places.paths {
            let shown = clean_line(&path.to_string_lossy()).into_owned();
            match self
                .add_file(&mut kubeconfig, path, host, places.are_required)
                .await
            {
                Ok(true) => tried.push(format!("{shown} (declares nothing)")),
                Ok(false) => tried.push(shown),
                Err(error) if self.options.lenient && places.paths.len() > 1 => {
                    kubeconfig.warnings.push(
                        Warning::new(
                            "file-skipped",
                            format_args!("a broken file was skipped: {}", error.message()),
                        )
                        .at(error.origin().unwrap_or(&Origin::file(path))),
                    );
                    tried.push(format!("{shown} (skipped: {})", error.message()));
                }
                Err(error) => return Err(error),
            }
        }
        if kubeconfig.says_nothing() {
            return Err(Error::not_configured(format_args!(
                "there is no kubeconfig: tried {}",
                tried.join(", ")
            )));
        }
        Ok(kubeconfig)
    }

    fn places(&self, host: &Host) -> Result<Places> {
        match (&self.options.path, self.options.paths.as_slice()) {
            (Some(path), _) => Ok(Places {
                paths: vec![path.clone()],
                are_required: true,
            }),
            (None, []) => discover(host),
            (None, paths) => Ok(Places {
                paths: paths.to_vec(),
                are_required: false,
            }),
        }
    }

    /// Adds a file; says whether it was there.
    async fn add_file(
        &self,
        kubeconfig: &mut Kubeconfig,
        path: &Path,
        host: &Host,
        is_required: bool,
    ) -> Result<bool> {
        let origin = Origin::file(path);
        let content = match host.files().read(path, LARGEST_FILE).await {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_required => return Ok(false),
            Err(error) => return Err(Error::unreadable("the kubeconfig", path, error).at(&origin)),
        };
        let document = document::parse(content.expose_secret(), &origin)?;
        let directory = host
            .environment()
            .current_directory()
            .unwrap_or_default()
            .join(path);
        kubeconfig.add(document, &origin, directory.parent())?;
        Ok(true)
    }

    /// The entries that the context, or the options in its place, name.
    fn select<'k>(&self, kubeconfig: &'k Kubeconfig) -> Result<Selection<'k>> {
        let place = kubeconfig.origins.first().cloned().unwrap_or_else(Origin::code);
        let chosen = match (&self.options.context, &kubeconfig.current_context) {
            (Some(name), _) => Some((name.as_str(), self.written.origin_of("context"))),
            (None, Some((name, origin))) => Some((name.as_str(), origin.clone())),
            (None, None) => None,
        };
        let context = match chosen {
            Some((name, origin)) => Some(
                &find(
                    &kubeconfig.contexts,
                    name,
                    ErrorKind::MissingContext,
                    "context",
                    &origin,
                )?
                .fields,
            ),
            None if self.options.cluster.is_some() => None,
            None => {
                return Err(
                    Error::new(ErrorKind::MissingContext, "the kubeconfig chooses no context")
                        .at(&place.key("current-context"))
                        .advise("set \"current-context\" to one of its contexts"),
                );
            }
        };
        let named = |option: &Option<String>, key: &str| -> Result<Option<(String, Origin)>> {
            match (option, context) {
                (Some(name), _) => Ok(Some((name.clone(), self.written.origin_of(key)))),
                (None, Some(context)) => {
                    Ok(reference(context, key)?.map(|(name, origin)| (name.to_owned(), origin)))
                }
                (None, None) => Ok(None),
            }
        };
        let Some((name, origin)) = named(&self.options.cluster, "cluster")? else {
            let origin = context.map_or_else(|| place.clone(), |context| context.origin_of("cluster"));
            return Err(
                Error::new(ErrorKind::MissingCluster, "the context names no cluster")
                    .at(&origin)
                    .advise("set \"cluster\" to one of the clusters"),
            );
        };
        let cluster = &find(
            &kubeconfig.clusters,
            &name,
            ErrorKind::MissingCluster,
            "cluster",
            &origin,
        )?
        .fields;
        let user = match named(&self.options.user, "user")? {
            Some((name, origin)) => {
                Some(&find(&kubeconfig.users, &name, ErrorKind::MissingUser, "user", &origin)?.fields)
            }
            None => None,
        };
        Ok(Selection {
            context,
            cluster,
            user,
        })
    }

    /// Bytes that are not trusted may neither run anything nor read anything.
    fn refuse_the_untrusted(&self, selection: &Selection<'_>) -> Result<()> {
        if self.document.as_ref().is_none_or(|document| document.is_trusted) {
            return Ok(());
        }
        let wants = [
            (Some(selection.cluster), "certificate-authority", "names a file"),
            (selection.user, "client-certificate", "names a file"),
            (selection.user, "client-key", "names a file"),
            (selection.user, "tokenFile", "names a file"),
            (selection.user, "exec", "wants to run a plugin"),
            (selection.user, "auth-provider", "wants to run an auth provider"),
        ];
        for (fields, key, want) in wants {
            if let Some(fields) = fields
                && fields.has(key)
            {
                return Err(Error::new(
                    ErrorKind::Refused,
                    format_args!("a kubeconfig that is no file of the user's {want}"),
                )
                .at(&fields.origin_of(key))
                .advise("take another one, or allow it by `trusted(true)` if you know where it comes from"));
            }
        }
        Ok(())
    }
}

/// What the kubeconfig says of the chosen context.
struct Selection<'k> {
    context: Option<&'k Fields>,
    cluster: &'k Fields,
    user: Option<&'k Fields>,
}

#[async_trait]
impl CredentialProvider for KubeconfigProvider {
    async fn resolve(&self, host: &Host) -> Result<ClientConfiguration> {
        let kubeconfig = self.load(host).await?;
        let selection = self.select(&kubeconfig)?;
        self.refuse_the_untrusted(&selection)?;

        let namespace = match (&self.options.namespace, selection.context) {
            (Some(namespace), _) => Some(Value::new(namespace.clone(), self.written.origin_of("namespace"))),
            (None, Some(context)) => context
                .text("namespace")?
                .map(|text| Value::new(text, context.origin_of("namespace"))),
            (None, None) => None,
        };
        let identity = selection.user.map(identity).transpose()?;
        let cluster = cluster::options(selection.cluster, selection.user, namespace)?
            .with_extensions(extensions(selection.cluster)?);
        let mut builder = cluster.configure(host).await?;
        for warning in kubeconfig.warnings.iter().cloned() {
            builder = builder.warning(warning);
        }
        match identity {
            Some(Identity {
                provider,
                options,
                warnings,
            }) => {
                for warning in warnings {
                    builder = builder.warning(warning);
                }
                let source = self.registry.source(&provider, &options).map_err(|error| {
                    let is_placed = error.origin().is_some();
                    if is_placed {
                        error
                    } else {
                        error.at(options.origin())
                    }
                })?;
                if builder.cluster().server.is_encrypted() {
                    source.check(host).await?;
                }
                builder = builder.source(Arc::clone(&source));
            }
            None => {
                builder = builder.warning(
                    Warning::new("no-user", "the context names no user, so requests are anonymous").at(
                        selection
                            .context
                            .map_or(selection.cluster.origin(), Fields::origin),
                    ),
                );
            }
        }
        builder.build(host)
    }
}
