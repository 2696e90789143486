//! Fetches credentials from their source, and says how long they may be used.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use super::sharing::Lease;
use crate::cluster::Cluster;
use crate::credential::{Credential, Generation};
use crate::error::Result;
use crate::host::Host;
use crate::refresh::{Fetcher, Refreshable, Subject};
use crate::source::{CredentialSource, FetchReason, FetchRequest};

/// A credential source, and the cluster that its credentials are for.
#[derive(Debug)]
pub(super) struct CredentialFetcher {
    pub(super) source: Arc<dyn CredentialSource>,
    pub(super) cluster: Arc<Cluster>,
    /// Set while the source passes on the credential of another handle.
    pub(super) relays: Option<Arc<AtomicBool>>,
    /// Removes the entry in the table of shared handles on drop.
    pub(super) _lease: Option<Box<Lease>>,
}

impl Fetcher for CredentialFetcher {
    type Value = Credential;
    const SUBJECT: Subject = Subject::Credentials;

    async fn fetch(&self, reason: FetchReason, host: &Host) -> Result<Credential> {
        let cluster = &self.cluster;
        let request = FetchRequest {
            reason,
            host,
            cluster,
        };
        self.source.fetch(request).await
    }

    fn describe(&self) -> String {
        self.source.describe()
    }

    fn deadline(&self, host: &Host) -> Duration {
        self.source.deadline_on(host)
    }

    fn time_to_end(&self, host: &Host) -> Duration {
        self.source.time_to_end(host)
    }

    fn only_reads_files(&self) -> bool {
        self.source.only_reads_files()
    }

    fn relays(&self) -> bool {
        let relays = self.relays.as_ref();
        relays.is_some_and(|relays| relays.load(Ordering::Relaxed))
    }
}

impl Refreshable for Credential {
    fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at()
    }

    fn renew_by(&self) -> Option<SystemTime> {
        self.certificate()?.not_after()
    }

    fn revalidate_after(&self) -> Option<Duration> {
        self.revalidate_after()
    }

    fn is_same(&self, other: &Self) -> bool {
        self.is_same_identity(other)
    }

    fn generation(&self) -> Generation {
        self.generation()
    }

    fn with_provenance(self, provenance: &Arc<str>) -> Self {
        self.with_provenance(Arc::clone(provenance))
    }

    fn with_fetch_details(self, generation: Generation, expired_on_arrival: bool) -> Self {
        self.with_fetch_details(generation, expired_on_arrival)
    }
}
