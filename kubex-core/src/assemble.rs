//! The one place that makes a live configuration of a provider's answer.
//!
//! The cluster's options become a [`Cluster`](crate::Cluster), the registry builds the credential source from the
//! identity's name and options, and both are checked. Everything that is wrong is reported at once.

use std::sync::Arc;

use crate::configuration::{ClientConfiguration, ClientConfigurationBuilder};
use crate::credential::Credential;
use crate::error::{Error, ErrorKind, Problems, Result};
use crate::host::Host;
use crate::options::{ClusterOptions, Options, ReadCluster, Value};
use crate::provenance::Provenance;
use crate::registry::Registry;
use crate::resolved_source::{Chosen, ChosenIdentity, ReadySource, ResolvedSource, SourcePart};
use crate::source::CredentialSource;

/// Makes a configuration of an answer into which overrides have been merged.
///
/// # Errors
/// The problems that the provider has noted, and what is wrong with the cluster's options, the identity's, and the
/// files that they name.
pub(crate) async fn assemble(
    source: ResolvedSource,
    registry: &Registry,
    host: &Host,
) -> Result<ClientConfiguration> {
    let mut problems = Problems::default();
    let mut of_the_identity = Problems::default();
    for (part, problem) in source.problems {
        match part {
            SourcePart::Identity => of_the_identity.add(problem),
            _ => problems.add(problem),
        }
    }
    let mut provenance = Provenance::default();
    for (key, value) in source.cluster.iter().filter(|(_, value)| !value.is_blank()) {
        provenance.set(key, value.origin());
    }
    provenance.append(source.provenance);
    // Without an address that can be read there is nothing to add to the provider's own problem about it.
    let cluster = if problems.is_empty() || source.cluster.get("server").is_some() {
        read_cluster(source.cluster, source.extensions, host, &mut problems).await
    } else {
        None
    };
    problems.absorb(of_the_identity);
    let sends_credentials = cluster
        .as_ref()
        .is_none_or(|read| read.cluster.server.is_encrypted() || read.allows_credentials_over_http);
    let ChosenIdentity {
        provider,
        options,
        warnings: identity_warnings,
    } = source.identity.choose();
    let credentials = problems.take(credentials(provider, &options, registry));
    // No credential is looked for that would not be sent.
    if let Some(Credentials::Source { source, is_required }) = &credentials
        && sends_credentials
    {
        let checked = source.check(host).await;
        problems.take(checked.map_err(|error| if *is_required { error.as_failure() } else { error }));
    }
    problems.into_result()?;
    let (Some(read), Some(credentials)) = (cluster, credentials) else {
        // Unreachable: where one of them is missing, a problem says why.
        return Err(Error::new(ErrorKind::MissingCluster, "no server is set"));
    };

    let mut builder = ClientConfiguration::builder(read.cluster)
        .trust_source(source.trust_source.or(read.trust_source))
        .impersonation(read.impersonation)
        .allow_credentials_over_http(read.allows_credentials_over_http)
        .provenance(provenance);
    if let Some(namespace) = read.namespace {
        builder = builder.namespace(namespace);
    }
    let warnings = source.warnings.into_iter().map(|(_, warning)| warning);
    for warning in read.warnings.into_iter().chain(warnings).chain(identity_warnings) {
        builder = builder.warning(warning);
    }
    for (field, value) in options.iter() {
        builder = builder.identity_origin(field, value.origin());
    }
    with_credentials(builder, credentials).build(host)
}

async fn read_cluster(
    options: Options,
    extensions: Vec<(String, Value)>,
    host: &Host,
    problems: &mut Problems,
) -> Option<ReadCluster> {
    let options = problems.take(ClusterOptions::new(options))?;
    problems.take(options.read(extensions, host).await)
}

/// What gives the configuration's credentials.
enum Credentials {
    None,
    Fixed(Credential),
    Source {
        source: Arc<dyn CredentialSource>,
        /// Whether a source that is not configured is an error, because something else has named it.
        is_required: bool,
    },
}

fn credentials(provider: Chosen, options: &Options, registry: &Registry) -> Result<Credentials> {
    Ok(match provider {
        Chosen::Anonymous => Credentials::None,
        Chosen::Ready(ReadySource::Credential(credential)) => Credentials::Fixed(credential),
        Chosen::Ready(ReadySource::Source(source)) | Chosen::Built(_, source) => Credentials::Source {
            source,
            is_required: false,
        },
        Chosen::Named(name) => {
            let source = registry.source(&name, options);
            Credentials::Source {
                source: source.map_err(|error| error.or_origin(options.origin()))?,
                is_required: true,
            }
        }
    })
}

fn with_credentials(
    builder: ClientConfigurationBuilder,
    credentials: Credentials,
) -> ClientConfigurationBuilder {
    match credentials {
        Credentials::None => builder,
        Credentials::Fixed(credential) => builder.credential(credential),
        Credentials::Source { source, .. } => builder.source(source),
    }
}
