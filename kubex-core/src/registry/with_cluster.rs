//! Makes a provider from cluster options and a credential source.

use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Result;
use crate::options::Options;
use crate::provider::{CredentialProvider, ResolveRequest};
use crate::resolved_source::{Identity, ResolvedSource};
use crate::source::CredentialSource;

/// A provider that consists of cluster options and a credential source.
#[derive(Debug)]
pub(super) struct WithCluster {
    provider: &'static str,
    cluster: Options,
    options: Options,
    /// Built together with the chain, so that invalid options are reported early.
    source: Arc<dyn CredentialSource>,
}

impl WithCluster {
    pub(super) fn new(
        provider: &'static str,
        cluster: Options,
        options: Options,
        source: Arc<dyn CredentialSource>,
    ) -> Self {
        Self {
            provider,
            cluster,
            options,
            source,
        }
    }
}

#[async_trait]
impl CredentialProvider for WithCluster {
    async fn resolve(&self, _: ResolveRequest<'_>) -> Result<ResolvedSource> {
        let source = Arc::clone(&self.source);
        let identity = Identity::from_built(self.provider, self.options.clone(), source);
        Ok(ResolvedSource::new(self.cluster.clone()).identity(identity))
    }
}
