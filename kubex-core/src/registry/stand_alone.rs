//! A provider made of cluster options and a credential source.

use std::sync::Arc;

use async_trait::async_trait;

use crate::configuration::ClientConfiguration;
use crate::error::Result;
use crate::host::Host;
use crate::options::ClusterOptions;
use crate::provider::{CredentialProvider, CredentialSource};

/// Adds a cluster to a source that knows an identity alone.
#[derive(Debug)]
pub(super) struct StandAlone {
    cluster: ClusterOptions,
    source: Arc<dyn CredentialSource>,
}

impl StandAlone {
    pub(super) fn new(cluster: ClusterOptions, source: Arc<dyn CredentialSource>) -> Self {
        Self { cluster, source }
    }
}

#[async_trait]
impl CredentialProvider for StandAlone {
    async fn resolve(&self, host: &Host) -> Result<ClientConfiguration> {
        let builder = self.cluster.configure(host).await?;
        self.source.check(host).await?;
        builder.source(Arc::clone(&self.source)).build(host)
    }
}
