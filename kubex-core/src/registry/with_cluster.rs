//! A provider made of cluster options and a credential source.

use std::sync::Arc;

use async_trait::async_trait;

use crate::configuration::ClientConfigurationBuilder;
use crate::error::Result;
use crate::options::{ClusterOptions, Options};
use crate::origin::Origin;
use crate::provider::{CredentialProvider, ResolveRequest};
use crate::source::CredentialSource;

/// Adds a cluster to a source that knows an identity alone.
#[derive(Debug)]
pub(super) struct WithCluster {
    cluster: ClusterOptions,
    source: Arc<dyn CredentialSource>,
    /// Where the source's own options were written down.
    written: Vec<(String, Origin)>,
}

impl WithCluster {
    pub(super) fn new(cluster: ClusterOptions, source: Arc<dyn CredentialSource>, options: &Options) -> Self {
        let written = options.iter();
        Self {
            cluster,
            source,
            written: written
                .map(|(key, value)| (key.to_owned(), value.origin().clone()))
                .collect(),
        }
    }
}

#[async_trait]
impl CredentialProvider for WithCluster {
    async fn resolve(&self, request: ResolveRequest<'_>) -> Result<ClientConfigurationBuilder> {
        let mut builder = self.cluster.configure(request).await?;
        for (field, origin) in &self.written {
            builder = builder.identity_written_at(field, origin);
        }
        // An identity that is replaced need not be there.
        if request.overrides().identity_options().is_empty() {
            self.source.check(request.host()).await?;
        }
        Ok(builder.source(Arc::clone(&self.source)))
    }
}
