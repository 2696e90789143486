//! From the pod's environment and mount to a client configuration.

use std::sync::Arc;

use async_trait::async_trait;
use kubex_core::options::{ClusterOptions, Value};
use kubex_core::{
    BuildContext, CaBundle, ClientConfigurationBuilder, CredentialProvider, Error, ErrorKind, ExposeSecret,
    FromOptions, Host, Options, Origin, Registry, ResolveRequest, Result, SecretBytes, Trust, Warning,
};

use crate::ca_bundle::MountedCaBundle;
use crate::mount::Mount;
use crate::options::InClusterOptions;

/// The provider `in-cluster`.
#[derive(Debug)]
pub struct InClusterProvider {
    options: InClusterOptions,
    registry: Registry,
}

impl InClusterProvider {
    /// The pod's service account, with the places Kubernetes gives it. The registry must know `token-file`.
    pub fn new(registry: Registry) -> Self {
        Self {
            options: InClusterOptions::default(),
            registry,
        }
    }

    /// The API server's address, and the variable that names its host.
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
                Error::new(ErrorKind::InvalidValue, "the variable's value is no port")
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

    /// The namespace, from its variable or its file.
    fn namespace(&self, host: &Host, mount: &Mount) -> Result<Option<Value>> {
        let variable = &self.options.namespace_variable;
        if let Some(namespace) = host.environment().unicode(variable)? {
            return Ok(Some(Value::new(namespace, Origin::variable(variable))));
        }
        let Some(content) = &mount.namespace else {
            return Ok(None);
        };
        let origin = Origin::file(self.options.root.join(&self.options.namespace));
        let text = text(content, &origin)?.trim();
        Ok((!text.is_empty()).then(|| Value::new(text, origin)))
    }
}

fn not_in_a_pod(reason: std::fmt::Arguments<'_>) -> Error {
    Error::not_configured(reason).with_help("run in a pod that has a service account")
}

fn text<'a>(content: &'a SecretBytes, origin: &Origin) -> Result<&'a str> {
    std::str::from_utf8(content.expose_secret())
        .map_err(|_| Error::new(ErrorKind::InvalidValue, "the file is no text in UTF-8").with_origin(origin))
}

impl FromOptions for InClusterProvider {
    type Options = InClusterOptions;

    fn from_options(options: InClusterOptions, context: &BuildContext<'_>) -> Result<Self> {
        Ok(Self {
            options,
            registry: context.registry.clone(),
        })
    }
}

#[async_trait]
impl CredentialProvider for InClusterProvider {
    async fn resolve(&self, request: ResolveRequest<'_>) -> Result<ClientConfigurationBuilder> {
        let host = request.host();
        let server = self.server(host)?;
        let mount = Mount::read(&self.options, host).await?;
        let token_file = self.options.root.join(&self.options.token);
        match &mount.token {
            None => {
                let path = token_file.display();
                return Err(not_in_a_pod(format_args!(
                    "no service account token is mounted at {path}"
                )));
            }
            Some(token) if token.expose_secret().trim_ascii().is_empty() => {
                return Err(
                    Error::new(ErrorKind::EmptyToken, "the service account's token is empty")
                        .with_origin(&Origin::file(token_file)),
                );
            }
            Some(_) => {}
        }
        let authorities_file = Origin::file(self.options.root.join(&self.options.ca));
        let mut cluster = Options::with_origin(Origin::file(&self.options.root));
        cluster.insert("server", server);
        if let Some(pem) = &mount.authorities {
            let pem = text(pem, &authorities_file).map_err(|error| {
                Error::new(ErrorKind::InvalidPem, error.message()).with_origin(&authorities_file)
            })?;
            // What is no PEM must not be taken for the base64 of it.
            CaBundle::from_pem(pem.as_bytes()).map_err(|error| error.with_origin(&authorities_file))?;
            cluster.insert(
                "certificate-authority-data",
                Value::new(pem, authorities_file.clone()),
            );
        }
        if let Some(namespace) = self.namespace(host, &mount)? {
            cluster.insert("namespace", namespace);
        }
        let mut builder = ClusterOptions::take_from(&mut cluster)?
            .configure(request)
            .await?
            .identity_written_at("token-file", &Origin::file(&token_file));
        if !request.overrides().cluster().replaces_trust() {
            builder = builder.trust_source(Some(Arc::new(MountedCaBundle::new(self.options.clone()))));
        }
        if matches!(builder.cluster().trust, Trust::System) {
            builder = builder.warning(
                Warning::new(
                    "in-cluster-without-ca",
                    "no certificate authority is mounted, so the system's authorities are trusted",
                )
                .with_origin(&authorities_file),
            );
        }
        let options = Options::with_origin(Origin::file(&token_file))
            .set("token-file", token_file.to_string_lossy().into_owned());
        Ok(builder.source(self.registry.source("token-file", &options)?))
    }
}
