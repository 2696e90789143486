//! From the files to a client configuration.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use kubex_core::text::clean_line;
use kubex_core::{
    BuildContext, ClientConfiguration, CredentialProvider, Error, ErrorKind, ExposeSecret, FromOptions, Host,
    Options, Origin, Registry, Result, SecretBytes, Warning,
};

use crate::discovery::{Places, discover, distinct};
use crate::merge::Kubeconfig;
use crate::options::KubeconfigOptions;
use crate::select::{Selection, select};
use crate::user::{Identity, identity};
use crate::{cluster, document};

/// The largest kubeconfig that is read.
const LARGEST_FILE: usize = 64 * 1024 * 1024;

/// The provider `kubeconfig`. The registry must know the providers that the users of the kubeconfig need:
/// `static`, `token-file`, `exec`, or what an `auth-provider` names.
///
/// ```no_run
/// use kubex_core::{CredentialProvider, Host, Registry};
/// use kubex_kubeconfig::KubeconfigProvider;
///
/// # async fn example() -> kubex_core::Result<()> {
/// let provider = KubeconfigProvider::new(Registry::linked()?).path("/etc/kubeconfig").context("prod");
/// let configuration = provider.resolve(&Host::real()).await?;
/// # Ok(())
/// # }
/// ```
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
    /// The kubeconfig of the user: `$KUBECONFIG`, else `~/.kube/config`.
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

    /// These files, as one. Those that are not there are skipped. A [`path`](Self::path) wins over them.
    #[must_use]
    pub fn paths<P: Into<PathBuf>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.options.paths = paths.into_iter().map(Into::into).collect();
        self
    }

    /// The context, in place of the current one.
    #[must_use]
    pub fn context(mut self, name: impl Into<String>) -> Self {
        self.options.context = Some(name.into());
        self
    }

    /// The cluster, in place of the context's.
    #[must_use]
    pub fn cluster(mut self, name: impl Into<String>) -> Self {
        self.options.cluster = Some(name.into());
        self
    }

    /// The user, in place of the context's.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.options.user = Some(name.into());
        self
    }

    /// The namespace, in place of the context's.
    #[must_use]
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.options.namespace = Some(name.into());
        self
    }

    /// Skips a broken file of several with a warning.
    #[must_use]
    pub fn lenient(mut self, is_lenient: bool) -> Self {
        self.options.lenient = is_lenient;
        self
    }

    /// Lets a kubeconfig that came as bytes run plugins and name files. A file of the user's always may.
    #[must_use]
    pub fn trusted(mut self, is_trusted: bool) -> Self {
        if let Some(document) = &mut self.document {
            document.is_trusted = is_trusted;
        }
        self
    }

    /// All documents as one.
    async fn load(&self, host: &Host) -> Result<Kubeconfig> {
        match &self.document {
            Some(bytes) => bytes.load(),
            None => self.load_files(&self.places(host)?, host).await,
        }
    }

    fn places(&self, host: &Host) -> Result<Places> {
        match (&self.options.path, self.options.paths.as_slice()) {
            (Some(path), _) => Ok(Places {
                paths: vec![path.clone()],
                are_required: true,
                named_by: "",
            }),
            (None, []) => discover(host),
            (None, paths) => Ok(Places {
                paths: distinct(paths.iter().cloned()),
                are_required: false,
                named_by: "",
            }),
        }
    }

    async fn load_files(&self, places: &Places, host: &Host) -> Result<Kubeconfig> {
        let mut kubeconfig = Kubeconfig::default();
        let mut tried = Vec::new();
        let mut broken = None;
        for path in &places.paths {
            let shown = clean_line(&path.to_string_lossy()).into_owned();
            match add_file(&mut kubeconfig, path, host, places.are_required).await {
                Ok(true) => tried.push(format!("{shown} declares nothing")),
                Ok(false) => tried.push(format!("{shown} is not there")),
                Err(error) if self.options.lenient && places.paths.len() > 1 => {
                    kubeconfig.warnings.push(skipped(&error, path));
                    broken.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        if !kubeconfig.says_nothing() {
            return Ok(kubeconfig);
        }
        // A broken file is no missing one: where nothing else is there, the next source must not answer.
        if let Some(error) = broken {
            return Err(error);
        }
        match places.paths.as_slice() {
            [path] if places.are_required => Err(declares_nothing(&Origin::file(path))),
            _ => Err(Error::not_configured(format_args!(
                "there is no kubeconfig: {}{}",
                tried.join(", "),
                places.named_by
            ))),
        }
    }

    /// Bytes that are not trusted may neither run anything nor read anything.
    fn refuse_the_untrusted(&self, selection: &Selection) -> Result<()> {
        if self.document.as_ref().is_none_or(|document| document.is_trusted) {
            return Ok(());
        }
        let cluster = Some(&selection.cluster);
        let user = selection.user.as_ref();
        for (fields, key, want) in [
            (cluster, "certificate-authority", "names a file"),
            (user, "client-certificate", "names a file"),
            (user, "client-key", "names a file"),
            (user, "tokenFile", "names a file"),
            (user, "exec", "wants to run a plugin"),
            (user, "auth-provider", "wants to ask an auth provider"),
        ] {
            if let Some(fields) = fields
                && fields.has(key)
            {
                return Err(Error::new(
                    ErrorKind::Refused,
                    format_args!("a kubeconfig that was not loaded from the user's own file {want}"),
                )
                .at(&fields.origin_of(key))
                .advise("take another one, or allow it by `trusted(true)` if you know where it comes from"));
            }
        }
        Ok(())
    }
}

impl Bytes {
    fn load(&self) -> Result<Kubeconfig> {
        let origin = Origin::bytes(&self.name);
        let content = self.content.expose_secret();
        if content.len() > LARGEST_FILE {
            return Err(too_large(&self.name).at(&origin));
        }
        let mut kubeconfig = Kubeconfig::default();
        kubeconfig.add(document::parse(content, &origin)?, &origin, None)?;
        if kubeconfig.says_nothing() {
            return Err(declares_nothing(&origin));
        }
        Ok(kubeconfig)
    }
}

/// Adds a file; says whether it was there.
async fn add_file(kubeconfig: &mut Kubeconfig, path: &Path, host: &Host, is_required: bool) -> Result<bool> {
    let origin = Origin::file(path);
    let content = match host.files().read(path, LARGEST_FILE).await {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_required => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            return Err(too_large(&path.to_string_lossy()).because(error).at(&origin));
        }
        Err(error) => return Err(Error::unreadable("the kubeconfig", path, error).at(&origin)),
    };
    let document = document::parse(content.expose_secret(), &origin)?;
    let here = host.environment().current_directory().unwrap_or_default();
    let directory = here.join(path).parent().map(Arc::from);
    kubeconfig.add(document, &origin, directory.as_ref())?;
    Ok(true)
}

fn skipped(error: &Error, path: &Path) -> Warning {
    let origin = error.origin().cloned().unwrap_or_else(|| Origin::file(path));
    Warning::new(
        "file-skipped",
        format_args!("a broken file was skipped: {}", error.message()),
    )
    .at(&origin)
}

fn declares_nothing(origin: &Origin) -> Error {
    Error::new(
        ErrorKind::MissingContext,
        "the kubeconfig declares no cluster, user or context",
    )
    .at(origin)
    .advise("name another one")
}

fn too_large(name: &str) -> Error {
    Error::new(
        ErrorKind::UnreadableFile,
        format_args!(
            "the kubeconfig {} is larger than {} MiB",
            clean_line(name),
            LARGEST_FILE / (1024 * 1024)
        ),
    )
}

#[async_trait]
impl CredentialProvider for KubeconfigProvider {
    async fn resolve(&self, host: &Host) -> Result<ClientConfiguration> {
        let kubeconfig = self.load(host).await?;
        let selection = select(&kubeconfig, &self.options, &self.written)?;
        self.refuse_the_untrusted(&selection)?;

        let identity = selection.user.as_ref().map(identity).transpose()?;
        let cluster = cluster::options(&selection)?;
        let mut builder = cluster.configure(host).await?;
        for warning in kubeconfig.warnings {
            builder = builder.warning(warning);
        }
        let Some(Identity {
            provider,
            options,
            warnings,
        }) = identity
        else {
            let warning = Warning::new("no-user", "the context names no user, so requests are anonymous");
            return builder.warning(warning.at(&selection.origin)).build(host);
        };
        for warning in warnings {
            builder = builder.warning(warning);
        }
        let source = self
            .registry
            .source(&provider, &options)
            .map_err(|error| match error.origin() {
                Some(_) => error,
                None => error.at(options.origin()),
            })?;
        // For a server that gets no credential, none is looked for.
        if builder.cluster().server.is_encrypted() {
            source.check(host).await?;
        }
        builder.source(source).build(host)
    }
}
