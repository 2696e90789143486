//! The credential source: exchanges the other source's token.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kubex_core::credentials::{SharingKey, StoreIdentity};
use kubex_core::host::PluginVerdict;
use kubex_core::{
    Cluster, Credential, CredentialSource, ExposeSecret, FetchReason, FetchRequest, Host, Origin, Result,
};

use crate::endpoint::{Endpoint, REQUEST_LIMIT};
use crate::subject::Subject;

/// Exchanges the tokens of one source at one endpoint.
#[derive(Debug)]
pub(crate) struct ExchangeSource {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) subject: Subject,
    /// The time limit of one fetch of the other source.
    pub(crate) subject_deadline: Duration,
    /// Everything that distinguishes this exchange from others in this process.
    pub(crate) sharing: SharingKey,
    pub(crate) origin: Origin,
}

impl ExchangeSource {
    async fn exchange(&self, reason: FetchReason, host: &Host) -> Result<Credential> {
        let credentials = self.subject.credentials(host).await?;
        if reason == FetchReason::Rejected
            && let Some(exchanged) = self.subject.exchanged()
        {
            // The rejected token may be invalid because the one that it was made of is. A newer one is kept.
            credentials.invalidate(exchanged);
        }
        let (token, generation) = self.subject.token(&credentials).await?;
        let refusal = match self.endpoint.exchange(&token, host).await? {
            Ok(credential) => {
                self.subject.accept(&credentials, generation);
                return Ok(credential);
            }
            Err(refusal) => refusal,
        };
        let is_kept = refusal.may_be_about_the_request() && self.subject.is_new(&token, host);
        if refusal.may_be_about_the_subject() && !is_kept {
            self.subject.replace(&credentials, generation, host);
            // If there is no other token, the issuer's error is more useful than the reason why there is none.
            if let Ok((newer, generation)) = self.subject.token(&credentials).await
                && newer.expose_secret() != token.expose_secret()
                && let Ok(credential) = self.endpoint.exchange(&newer, host).await?
            {
                self.subject.accept(&credentials, generation);
                return Ok(credential);
            }
        }
        Err(refusal.into_error(&self.endpoint.whom(), &self.subject.name()))
    }
}

#[async_trait]
impl CredentialSource for ExchangeSource {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let exchanged = Box::pin(self.exchange(request.reason, request.host)).await;
        exchanged.map_err(|error| error.or_origin(&self.origin))
    }

    fn describe(&self) -> String {
        format!(
            "token exchanged at {}, through {}",
            self.endpoint.origin(),
            self.subject.name()
        )
    }

    /// Two requests at most, each with a token of the other source.
    fn deadline(&self) -> Duration {
        (REQUEST_LIMIT + self.subject_deadline) * 2
    }

    fn sharing_key(&self, _: &Cluster) -> Option<SharingKey> {
        Some(self.sharing.clone())
    }

    /// That of the other source, and the request. `None` if no store would share the other source's credential.
    async fn store_identity(&self, host: &Host, _: &Cluster) -> Option<StoreIdentity> {
        let credentials = self.subject.credentials(host).await.ok()?;
        let subject = credentials.store_identity().await?;
        let identity = StoreIdentity::new("token-exchange", &self.describe());
        let identity = identity.with("exchange", self.endpoint.store_identity(host).await?.expose());
        Some(identity.with("subject", subject.expose()))
    }

    async fn plugin_verdict(&self, host: &Host) -> Option<PluginVerdict> {
        let credentials = self.subject.credentials(host).await.ok()?;
        credentials.plugin_verdict().await
    }

    fn origin(&self) -> Option<&Origin> {
        Some(&self.origin)
    }

    async fn check(&self, host: &Host) -> Result<Option<Credential>> {
        self.endpoint.check(host).await.map(|()| None)
    }
}
