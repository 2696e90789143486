//! From the pod's environment and mount to a client configuration.

use std::sync::Arc;

use async_trait::async_trait;
use kubex_core::{
    Authorities, BuildContext, ClientConfiguration, Cluster, CredentialProvider, Error, ErrorKind,
    ExposeSecret, FromOptions, Host, Options, Origin, Registry, Result, ServerUrl, Trust, Warning,
};

use crate::authorities::MountedAuthorities;
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

    /// The API server's address.
    fn server(&self, host: &Host) -> Result<ServerUrl> {
        let variable = |name: &str| {
            host.environment()
                .text(name)
                .ok_or_else(|| Error::not_configured(format_args!("the variable {name} is not set")))
        };
        let name = variable(&self.options.host_variable)?;
        let port = variable(&self.options.port_variable)?;
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let address = if name.contains(':') {
            format!("https://[{name}]:{port}")
        } else {
            format!("https://{name}:{port}")
        };
        ServerUrl::parse(&address).map_err(|error| error.at(&Origin::variable(&self.options.host_variable)))
    }

    /// What the variable says, else what the mount says.
    fn namespace(&self, host: &Host, mount: &Mount) -> Result<Option<String>> {
        let variable = host.environment().text(&self.options.namespace_variable);
        let (None, Some(content)) = (&variable, &mount.namespace) else {
            return Ok(variable);
        };
        let text = std::str::from_utf8(content.expose_secret()).map_err(|_| {
            Error::new(
                ErrorKind::InvalidValue,
                "the service account's namespace is no text",
            )
            .at(&Origin::file(self.options.root.join(&self.options.namespace)))
        })?;
        Ok(Some(text.trim().to_owned()).filter(|namespace| !namespace.is_empty()))
    }
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
    async fn resolve(&self, host: &Host) -> Result<ClientConfiguration> {
        let server = self.server(host)?;
        let mount = Mount::read(&self.options, host).await?;
        let token_file = self.options.root.join(&self.options.token);
        match &mount.token {
            None => {
                let path = token_file.display();
                return Err(Error::not_configured(format_args!(
                    "no service account token is mounted at {path}"
                )));
            }
            Some(token) if token.expose_secret().trim_ascii().is_empty() => {
                return Err(
                    Error::new(ErrorKind::EmptyToken, "the service account's token is empty")
                        .at(&Origin::file(token_file)),
                );
            }
            Some(_) => {}
        }
        let authorities_file = Origin::file(self.options.root.join(&self.options.ca));
        let mut cluster = Cluster::new(server);
        if let Some(pem) = &mount.authorities {
            let authorities = Authorities::from_pem(pem.expose_secret());
            cluster.trust = Trust::Authorities(authorities.map_err(|error| error.at(&authorities_file))?);
        }
        let authorities = MountedAuthorities::new(self.options.clone());
        let mut builder = ClientConfiguration::builder(cluster).trust_source(Some(Arc::new(authorities)));
        if mount.authorities.is_none() {
            builder = builder.warning(
                Warning::new(
                    "in-cluster-without-ca",
                    "no certificate authority is mounted, so the system's authorities are trusted",
                )
                .at(&authorities_file),
            );
        }
        if let Some(namespace) = self.namespace(host, &mount)? {
            builder = builder.namespace(namespace);
        }
        let options = Options::at(Origin::file(&token_file))
            .set("token-file", token_file.to_string_lossy().into_owned());
        builder
            .source(self.registry.source("token-file", &options)?)
            .build(host)
    }
}
