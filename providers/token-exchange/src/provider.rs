//! The provider: resolves to the cluster of the other source, with the token that the issuer returns.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use kubex_core::credentials::SharingKey;
use kubex_core::{
    BuildContext, Chain, ClientConfiguration, CredentialProvider, CredentialSource, FromOptions, Identity,
    Origin, ResolveRequest, ResolvedSource, Result,
};

use crate::endpoint::Endpoint;
use crate::options::TokenExchangeOptions;
use crate::source::ExchangeSource;
use crate::subject::Subject;

/// Exchanges the token of another source at an issuer: the provider `token-exchange`. See the [crate](crate).
#[derive(Debug)]
pub struct TokenExchange {
    through: String,
    through_origin: Origin,
    endpoint_origin: Origin,
    endpoint: Arc<Endpoint>,
    /// The last source, which later resolutions use again while the other source is the same.
    last: Mutex<Option<Arc<ExchangeSource>>>,
}

impl FromOptions for TokenExchange {
    type Options = TokenExchangeOptions;

    fn from_options(options: TokenExchangeOptions, context: &BuildContext<'_>) -> Result<Self> {
        Ok(Self {
            through: options.through.clone(),
            through_origin: context.options.origin_of("through"),
            endpoint_origin: context.options.origin_of("endpoint"),
            endpoint: Arc::new(Endpoint::new(options, context.options)?),
            last: Mutex::default(),
        })
    }
}

impl TokenExchange {
    /// The credential source for the result of the other source.
    fn source(
        &self,
        through: Chain,
        found: &ResolvedSource,
        resolved: &ClientConfiguration,
    ) -> Arc<ExchangeSource> {
        let sharing = SharingKey::new("token-exchange")
            .with_key(&found.key())
            .with(self.endpoint.identity().expose())
            .closed();
        // A panic cannot leave it half changed, so a poisoned lock is safe to use.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last.as_ref().filter(|last| last.sharing == sharing) {
            return Arc::clone(last);
        }
        let source = Arc::new(ExchangeSource {
            endpoint: Arc::clone(&self.endpoint),
            subject: Subject::new(&self.through, through),
            subject_deadline: resolved.credentials().deadline(),
            sharing,
            origin: self.endpoint_origin.clone(),
        });
        *last = Some(Arc::clone(&source));
        source
    }
}

#[async_trait]
impl CredentialProvider for TokenExchange {
    async fn resolve(&self, request: ResolveRequest<'_>) -> Result<ResolvedSource> {
        let through = request.through(&self.through);
        let through = through.map_err(|error| error.with_origin(&self.through_origin))?;
        // The identity whose token will be exchanged is checked now. Nothing is requested.
        let resolved = through.resolve_only().await?;
        let found = through.find().await?;
        let source = self.source(through, &found, &resolved);
        // For an http server, credentials are withheld from the other source too.
        if resolved.cluster().server.is_encrypted()
            && resolved.credentials().only_reads_files()
            && let Ok(credential) = resolved.credentials().current().await
            && credential.token().is_none()
        {
            let error = source.subject.without_token(&credential);
            return Err(error.with_origin(&self.through_origin));
        }
        let source: Arc<dyn CredentialSource> = source;
        Ok(found.replace_identity(Identity::from_source(source)))
    }
}
