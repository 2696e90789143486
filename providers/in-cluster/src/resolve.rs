//! Resolves the pod's variables and mount.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use kubex_core::options::{Value, is_pem};
use kubex_core::resolved_source::SourcePart;
use kubex_core::{
    BuildContext, CaBundle, CredentialProvider, Error, ErrorKind, ExposeSecret, FromOptions, Host, Identity,
    Options, Origin, ResolveRequest, ResolvedSource, Result, SecretBytes, Warning,
};

use crate::ca_bundle::MountedCaBundle;
use crate::mount::Mount;
use crate::options::InClusterOptions;

/// The provider `in-cluster`. By default, it reads the service account at the path where Kubernetes mounts it. The
/// registry must also contain the provider `token-file`, and `static` if the option `credential-bundle` is used.
#[derive(Debug, Default)]
pub struct InClusterProvider {
    options: InClusterOptions,
}

impl InClusterProvider {
    /// Returns the API server's address. Its origin is the variable of the host.
    fn server(&self, host: &Host) -> Result<Value> {
        let variable = |name: &str| {
            host.environment()
                .unicode(name)?
                .ok_or_else(|| not_in_a_pod(format_args!("the variable {name} is not set")))
        };
        let name = variable(&self.options.host_variable)?;
        let port = variable(&self.options.port_variable)?;
        if port.parse::<u16>().is_err() {
            return Err(
                Error::new(ErrorKind::InvalidValue, "the variable's value is not a port")
                    .with_origin(&Origin::variable(&self.options.port_variable))
                    .with_help("set it to a number between 1 and 65535"),
            );
        }
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let address = if name.contains(':') {
            format!("https://[{name}]:{port}")
        } else {
            format!("https://{name}:{port}")
        };
        Ok(Value::new(address, Origin::variable(&self.options.host_variable)))
    }

    /// Returns the credential bundle if the options name one, else the service account's token.
    fn identity(&self, mount: &Mount) -> Result<Identity> {
        if let Some(bundle) = &self.options.credential_bundle {
            let bundle = self.options.root.join(bundle);
            let options = file_options(&bundle, &["client-certificate", "client-key"])?;
            return Ok(Identity::named("static", options));
        }
        let token_file = self.options.root.join(&self.options.token);
        match mount.token() {
            None => {
                let path = token_file.display();
                Err(not_in_a_pod(format_args!(
                    "no service account token is mounted at {path}"
                )))
            }
            Some(token) if token.expose_secret().trim_ascii().is_empty() => Err(Error::new(
                ErrorKind::EmptyToken,
                "the service account's token is empty",
            )
            .with_origin(&Origin::file(token_file))),
            Some(_) => Ok(Identity::named(
                "token-file",
                file_options(&token_file, &["token-file"])?,
            )),
        }
    }

    /// Returns the namespace from its variable or its file.
    fn namespace(&self, host: &Host, mount: &Mount) -> Result<Option<Value>> {
        let variable = &self.options.namespace_variable;
        if let Some(namespace) = host.environment().unicode(variable)? {
            return Ok(Some(Value::new(namespace, Origin::variable(variable))));
        }
        let Some(content) = &mount.namespace else {
            return Ok(None);
        };
        let origin = Origin::file(self.options.root.join(&self.options.namespace));
        let text = utf8(content, &origin)?.trim();
        Ok((!text.is_empty()).then(|| Value::new(text, origin)))
    }
}

fn not_in_a_pod(reason: std::fmt::Arguments<'_>) -> Error {
    Error::not_configured(reason).with_help("run in a pod that has a service account")
}

fn utf8<'a>(content: &'a SecretBytes, origin: &Origin) -> Result<&'a str> {
    std::str::from_utf8(content.expose_secret())
        .map_err(|_| Error::new(ErrorKind::InvalidValue, "the file is not UTF-8 text").with_origin(origin))
}

impl FromOptions for InClusterProvider {
    type Options = InClusterOptions;

    fn from_options(options: InClusterOptions, _: &BuildContext<'_>) -> Result<Self> {
        Ok(Self { options })
    }
}

#[async_trait]
impl CredentialProvider for InClusterProvider {
    async fn resolve(&self, request: ResolveRequest<'_>) -> Result<ResolvedSource> {
        let host = request.host();
        let server = self.server(host)?;
        let mount = Mount::read(&self.options, host).await?;
        let identity = self.identity(&mount)?;
        let ca_file = Origin::file(self.options.root.join(&self.options.ca));
        let mut cluster = Options::with_origin(Origin::file(&self.options.root));
        cluster.insert("server", server);
        if let Some(pem) = &mount.ca_bundle {
            let pem = utf8(pem, &ca_file)
                .map_err(|error| Error::new(ErrorKind::InvalidPem, error.message()).with_origin(&ca_file))?;
            // The option accepts base64 as well, but the file must contain PEM. PEM is checked with the option.
            if !is_pem(pem) {
                CaBundle::from_pem(pem.as_bytes()).map_err(|error| error.with_origin(&ca_file))?;
            }
            cluster.insert("certificate-authority-data", Value::new(pem, ca_file.clone()));
        }
        if let Some(namespace) = self.namespace(host, &mount)? {
            cluster.insert("namespace", namespace);
        }
        let mut answer = ResolvedSource::new(cluster)
            .identity(identity)
            .trust_source(Arc::new(MountedCaBundle::new(self.options.clone())));
        if let Some(token) = mount.token {
            answer = answer.known_file(self.options.root.join(&self.options.token), token);
        }
        if mount.ca_bundle.is_none() {
            let warning = Warning::new(
                "in-cluster-without-ca",
                "no certificate authority is mounted, so the system's trust store is used",
            );
            answer.warn(SourcePart::Trust, warning.with_origin(&ca_file));
        }
        Ok(answer)
    }
}

/// Options that name this file under each of the keys.
fn file_options(path: &Path, keys: &[&str]) -> Result<Options> {
    let origin = Origin::file(path);
    let Some(text) = path.to_str() else {
        return Err(Error::new(
            ErrorKind::InvalidValue,
            "the path of the pod's credential is not valid UTF-8",
        )
        .with_origin(&origin)
        .with_help("mount the service account at a path that is valid UTF-8"));
    };
    let mut options = Options::with_origin(origin.clone());
    for key in keys {
        options.insert(key, Value::new(text, origin.clone()));
    }
    Ok(options)
}
